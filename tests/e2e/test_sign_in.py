"""Signing in: tokens of the demo persons, and the page on which one of them is chosen."""

import json
import urllib.error
import urllib.parse
import urllib.request
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

from deploy.stack.servers import identity
from deploy.stack.settings import Settings


def test_every_person_of_the_cast_gets_a_token_of_their_own(stack: Settings) -> None:
    people = identity.people()
    assert people
    for person in people:
        claims = _claims(
            _token(stack, grant_type="client_credentials", client_id=person["id"], client_secret="x")
        )
        assert claims["iss"] == json.loads(stack["OIDC_ISSUERS"])[0]["issuer"]
        assert (claims["sub"], claims["aud"]) == (person["id"], identity.AUDIENCE)
        assert (claims["name"], claims["email"]) == (person["name"], person["email"])
        assert claims["roles"] == person["roles"]
        assert claims.get("org") == person["org"]


def test_a_stranger_gets_no_subject(stack: Settings) -> None:
    claims = _claims(_token(stack, grant_type="client_credentials", client_id="nobody", client_secret="x"))
    assert claims.get("aud") != identity.AUDIENCE


def test_a_person_signs_in_on_our_own_page(stack: Settings) -> None:
    person = identity.people()[0]
    verifier = "a" * 64
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "client_id": "portal",
        "response_type": "code",
        "scope": "openid",
        "redirect_uri": "http://portal.innoflyt.test/signed-in",
        "state": "s",
        "nonce": "n",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    url = f"http://127.0.0.1:{stack['OIDC_PORT']}/innoflyt/authorize?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        page = answer.read().decode()
    assert all(someone["name"] in page for someone in identity.people())
    assert "http://" not in page, "the page pulls nothing from anywhere"
    form = {"username": person["id"], "claims": json.dumps(identity.claims(person))}
    code = _redirected(url, form)["code"]
    claims = _claims(
        _token(
            stack,
            grant_type="authorization_code",
            code=code,
            redirect_uri=query["redirect_uri"],
            client_id="portal",
            code_verifier=verifier,
        )
    )
    assert (claims["sub"], claims["aud"]) == (person["id"], identity.AUDIENCE)
    assert claims["name"] == person["name"]


def _token(settings: Settings, **form: str) -> str:
    url = f"http://127.0.0.1:{settings['OIDC_PORT']}/innoflyt/token"
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=10) as answer:
        return str(json.load(answer)["access_token"])


def _claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def _redirected(url: str, form: dict[str, str]) -> dict[str, str]:
    """Send a form and read the query of the address it sends us on to, without going there."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(url, urllib.parse.urlencode(form).encode(), timeout=10)
    except urllib.error.HTTPError as answer:
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))
    raise AssertionError("signing in did not lead back to the portal")
