"""Who is calling: access tokens of the configured OpenID Connect issuers, and nothing else.

Keys come only from the configured JWKS address. A token cannot name its own algorithm, key or key address.
"""

import asyncio
import base64
import binascii
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import structlog
from fastapi import Depends, Request
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from services.common.errors import Unauthenticated, Unavailable
from services.common.record import Actor
from services.common.settings import Issuer, Settings

_PERSONS = uuid.uuid5(uuid.NAMESPACE_URL, "https://innoflyt.test/persons")
_LEEWAY_SECONDS = 30
_KEYS_KEPT_SECONDS = 600.0
_REFETCH_SECONDS = 10.0
_FETCH_SECONDS = 5.0
_LONGEST_TOKEN = 8192
_ACCESS_TOKEN_TYPES = frozenset({None, "jwt", "at+jwt", "application/at+jwt"})
_FORBIDDEN_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "zip", "enc", "b64"})
_KEY_TYPE = {"RS256": "RSA", "ES256": "EC"}

_log = structlog.get_logger()


@dataclass(frozen=True)
class Caller:
    """The person behind a request. `roles` always holds "applicant"; name and email may be empty."""

    person_id: uuid.UUID
    issuer: str
    subject: str
    roles: frozenset[str]
    organisation: str | None
    name: str
    email: str

    @property
    def actor(self) -> Actor:
        """This person as the actor of an audit row."""
        return Actor("person", str(self.person_id))


def person_id(issuer: str, subject: str) -> uuid.UUID:
    """The id by which a person is known everywhere in the platform."""
    return uuid.uuid5(_PERSONS, f"{issuer} {subject}")


class Authenticator:
    """Verifies tokens for one process; keeps each issuer's keys."""

    def __init__(self, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._issuers = {issuer.issuer: _Keys(issuer, transport) for issuer in settings.oidc_issuers}

    async def verify(self, token: str) -> Caller:
        """The caller this token speaks for. Unauthenticated says why not; Unavailable without any keys."""
        header, claims = _peek(token)
        keys = self._issuers.get(str(claims.get("iss")))
        if keys is None:
            raise Unauthenticated("the issuer is not accepted here")
        algorithm = _check_header(header, keys.issuer.algorithms)
        key = await keys.find(header.get("kid"), algorithm)
        try:
            # The very bytes whose claims were read above; joserfc checks the signature over them.
            jws.deserialize_compact(token.encode(), key, algorithms=[algorithm])
        except (JoseError, ValueError) as error:
            raise Unauthenticated("the signature is not valid") from error
        _check_claims(claims, keys.issuer, time.time())
        return _caller(claims, keys.issuer)


class _Keys:
    """The signing keys of one issuer, fetched when first needed, when old, and when a kid is unknown."""

    def __init__(self, issuer: Issuer, transport: httpx.AsyncBaseTransport | None) -> None:
        self.issuer = issuer
        self._transport = transport
        self._keys: list[Mapping[str, Any]] = []
        self._fetched_at = -_KEYS_KEPT_SECONDS
        self._tried_at = -_REFETCH_SECONDS
        self._lock = asyncio.Lock()
        self._refreshing: asyncio.Future[None] | None = None

    async def find(self, kid: object, algorithm: str) -> RSAKey | ECKey:
        """The key with this id (or the only one), of the type the algorithm needs."""
        if kid is not None and not isinstance(kid, str):
            raise Unauthenticated("kid must be text")
        if self._match(kid, algorithm) is None:
            await self._refetch()
        elif time.monotonic() - self._fetched_at > _KEYS_KEPT_SECONDS and (
            self._refreshing is None or self._refreshing.done()
        ):
            # Behind the request: a provider that does not answer must not hold up those whose key we have.
            self._refreshing = asyncio.ensure_future(self._refetch())
        if not self._keys:
            raise Unavailable("the sign-in provider's keys cannot be fetched at the moment")
        found = self._match(kid, algorithm)
        if found is None:
            raise Unauthenticated("the token is signed with an unknown key")
        try:
            return RSAKey.import_key(dict(found)) if algorithm == "RS256" else ECKey.import_key(dict(found))
        except (JoseError, ValueError) as error:
            raise Unauthenticated("the token is signed with an unusable key") from error

    def _match(self, kid: object, algorithm: str) -> Mapping[str, Any] | None:
        fitting = [
            key
            for key in self._keys
            if key.get("kty") == _KEY_TYPE[algorithm]
            and key.get("use", "sig") == "sig"
            and key.get("alg", algorithm) == algorithm
            and (kid is None or key.get("kid") == kid)
        ]
        return fitting[0] if len(fitting) == 1 or (fitting and kid is not None) else None

    async def _refetch(self) -> None:
        async with self._lock:
            if time.monotonic() - self._tried_at < _REFETCH_SECONDS:
                return  # so that forged key ids cannot make us call the provider at every request
            self._tried_at = time.monotonic()
            try:
                async with (
                    asyncio.timeout(_FETCH_SECONDS),
                    httpx.AsyncClient(transport=self._transport, follow_redirects=False) as client,
                ):
                    response = await client.get(self.issuer.jwks_url)
                    response.raise_for_status()
                    keys: list[Mapping[str, Any]] = [
                        key for key in response.json()["keys"] if isinstance(key, dict)
                    ]
            except (httpx.HTTPError, TimeoutError, ValueError, KeyError, TypeError) as error:
                # Keys that we have go on being used: nobody who has a token is locked out.
                _log.warning(
                    "sign-in keys could not be fetched", issuer=self.issuer.issuer, error=type(error).__name__
                )
                self._tried_at = time.monotonic() - _REFETCH_SECONDS + 1
                return
            self._keys = keys
            self._fetched_at = time.monotonic()


def _peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, not yet trusted."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _LONGEST_TOKEN:
        raise Unauthenticated("the token is not a signed JWT")
    try:
        header, claims = (
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2]
        )
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Unauthenticated("the token is not a signed JWT") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Unauthenticated("the token is not a signed JWT")
    return header, claims


def _check_header(header: Mapping[str, Any], algorithms: Sequence[str]) -> str:
    if _FORBIDDEN_HEADERS & header.keys():
        raise Unauthenticated("the token brings a header that is not accepted here")
    algorithm = header.get("alg")
    if algorithm not in algorithms:
        raise Unauthenticated("the token's algorithm is not accepted here")
    kind = header.get("typ")
    if kind is not None and not isinstance(kind, str):
        raise Unauthenticated("the token is not an access token")
    if (kind.lower() if kind is not None else None) not in _ACCESS_TOKEN_TYPES:
        raise Unauthenticated("the token is not an access token")
    return str(algorithm)


def _check_claims(claims: Mapping[str, Any], issuer: Issuer, at: float) -> None:
    subject, audience = claims.get("sub"), claims.get("aud")
    if claims.get("iss") != issuer.issuer:
        raise Unauthenticated("the issuer is not accepted here")
    if not isinstance(subject, str) or not subject:
        raise Unauthenticated("the token names no subject")
    meant_for = audience if isinstance(audience, list) else [audience]
    if issuer.audience not in meant_for:
        raise Unauthenticated("the token is meant for another audience")
    if not _is_number(claims.get("exp")) or claims["exp"] <= at - _LEEWAY_SECONDS:
        raise Unauthenticated("the token has expired")
    for name in ("nbf", "iat"):
        if name in claims and not (_is_number(claims[name]) and claims[name] <= at + _LEEWAY_SECONDS):
            raise Unauthenticated("the token is not valid yet")
    # An id token tells a client who signed in; it does not give access to an API.
    if {"at_hash", "c_hash", "s_hash"} & claims.keys() or str(claims.get("typ", "")).upper() == "ID":
        raise Unauthenticated("the token is an id token, not an access token")
    if claims.get("token_use", "access") != "access":
        raise Unauthenticated("the token is not an access token")


def _caller(claims: Mapping[str, Any], issuer: Issuer) -> Caller:
    subject = str(claims["sub"])
    roles = _at(claims, issuer.roles_claim)
    listed = roles.split() if isinstance(roles, str) else roles if isinstance(roles, list) else []
    organisation = _at(claims, issuer.organisation_claim)
    return Caller(
        person_id=person_id(issuer.issuer, subject),
        issuer=issuer.issuer,
        subject=subject,
        roles=frozenset({"applicant", *(role for role in listed if isinstance(role, str))}),
        organisation=organisation if isinstance(organisation, str) and organisation else None,
        name=_text(_at(claims, issuer.name_claim)),
        email=_text(_at(claims, issuer.email_claim)),
    )


def _at(claims: Mapping[str, Any], path: str) -> Any:
    value: Any = claims.get(path)  # a claim name may itself hold dots, as URLs do
    if value is None:
        value = claims
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


async def authenticate(request: Request) -> Caller:
    """Dependency: the caller, 401 without or with a bad token, 429 when this person asks too often."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("send the access token as Authorization: Bearer <token>")
    authenticator: Authenticator = request.app.state.authenticator
    caller = await authenticator.verify(token.strip())
    request.app.state.limiter.take(caller.person_id)
    return caller


CallerDep = Annotated[Caller, Depends(authenticate)]
