"""An OpenID Connect issuer of the tests' own: its keys, its JWKS on loopback, tokens for anybody."""

import json
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from services.common import auth
from services.common.settings import Issuer

AUDIENCE = "innoflyt"


@cache
def rsa_key(kid: str, owner: str) -> RSAKey:
    """A signing key with this id, different for each owner. Kept, because making one takes long."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


class TokenIssuer:
    """Signs tokens with RS256 and ES256, and serves its public keys; counts how often they are fetched."""

    def __init__(self, owner: str = "the tests") -> None:
        self.rsa = rsa_key("rsa-1", owner)
        self.ec = ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"})
        self.fetches = 0
        self.published: list[Any] = [self.rsa, self.ec]
        self.nonsense: bytes | None = None
        """answered instead of the keys"""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/test-issuer"

    def settings(self, **changes: Any) -> Issuer:
        """This issuer as a service knows it."""
        known: dict[str, Any] = {
            "issuer": self.url,
            "audience": AUDIENCE,
            "jwks_url": f"{self.url}/jwks",
            "algorithms": ("RS256", "ES256"),
        }
        return Issuer(**{**known, **changes})

    def claims(self, subject: str = "someone", **changes: Any) -> dict[str, Any]:
        """Claims that are accepted; a change to None leaves the claim out."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 3600, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None, key: Any = None
    ) -> str:
        """These claims, signed (RS256 unless the header says otherwise)."""
        signing = key or self.rsa
        full = {"alg": "RS256", "kid": signing.kid, "typ": "JWT", **(header or {})}
        return jwt.encode(full, dict(claims), signing, algorithms=[full["alg"]])

    def close(self) -> None:
        """Stop serving keys."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetches += 1
                keys = [key.as_dict(private=False) for key in issuer.published]
                body = issuer.nonsense or json.dumps({"keys": keys}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Tests read no access log."""

        return Handler


@dataclass(frozen=True)
class Person:
    """Somebody with a token. Names are made up; mail addresses end in `.test`."""

    issuer: TokenIssuer
    subject: str
    roles: Sequence[str] = ()
    organisation: str | None = None
    name: str = ""
    email: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> uuid.UUID:
        """The person id that the services will give this person."""
        return auth.person_id(self.issuer.url, self.subject)

    @property
    def headers(self) -> dict[str, str]:
        """The Authorization header of a fresh token."""
        claims = self.issuer.claims(
            self.subject,
            roles=list(self.roles),
            org=self.organisation,
            name=self.name or f"Person {self.subject}",
            email=self.email or f"{self.subject}@helse-midt.test",
            **self.extra,
        )
        return {"Authorization": f"Bearer {self.issuer.token(claims)}"}
