"""S15: every form of forged, stale or misdirected token is 401, and none makes us call anybody."""
# Longer than 300 lines because each kind of forgery is one short line or test against one issuer.

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import threading
import time

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import APIRouter
from joserfc.jwk import ECKey, RSAKey

from services.common.auth import Authenticator, CallerDep, person_id
from services.common.errors import Unauthenticated, Unavailable
from tests.support import eventually
from tests.support.api import serve_routers
from tests.support.environment import stack_settings
from tests.support.tokens import TokenIssuer, rsa_key

router = APIRouter()


@router.get("/who")
async def who(caller: CallerDep) -> dict[str, object]:
    return {"id": str(caller.person_id), "roles": sorted(caller.roles), "organisation": caller.organisation}


@pytest.fixture
def own():
    """An issuer of this one test, so that counting its fetches means something."""
    made = TokenIssuer()
    yield made
    made.close()


@pytest.fixture
def authenticator(own):
    return Authenticator(stack_settings(oidc_issuers=(own.settings(),)))


def part(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unsigned(header, claims, signature=""):
    return f"{part(header)}.{part(claims)}.{signature}"


def hs256_with_the_public_key(own):
    """The classic confusion: the public key, which everybody has, used as a shared secret."""
    header = {"alg": "HS256", "kid": "rsa-1", "typ": "JWT"}
    signed = f"{part(header)}.{part(own.claims())}"
    secret = own.rsa.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{signed}.{part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def with_own_key(own, **header):
    """Signed by the forger, who brings or points at a key."""
    forger = rsa_key("forger", "a forger")
    return own.token(own.claims(), {"kid": "forger", **header}, forger)


def tampered(own):
    head, _, signature = own.token(own.claims()).split(".")
    return f"{head}.{part(own.claims('somebody-else'))}.{signature}"


HOUR = 3600
FORGED = {
    "nothing": lambda own: "",
    "no JWT": lambda own: "abc",
    "two parts": lambda own: "a.b",
    "binary": lambda own: "ÿ.ÿ.ÿ",
    "an array as header": lambda own: unsigned([], own.claims(), "x"),
    "alg none": lambda own: unsigned({"alg": "none"}, own.claims()),
    "alg None in another case": lambda own: unsigned({"alg": "nOnE", "typ": "JWT"}, own.claims()),
    "no alg": lambda own: unsigned({"typ": "JWT"}, own.claims(), "x"),
    "HS256 with the public key": hs256_with_the_public_key,
    "RS512, which is not configured": lambda own: own.token(own.claims(), {"alg": "RS512"}),
    "PS256, which is not configured": lambda own: own.token(own.claims(), {"alg": "PS256"}),
    "ES256 by a key id of the RSA family": lambda own: own.token(
        own.claims(), {"alg": "ES256", "kid": "rsa-1"}, own.ec
    ),
    "jwk in the header": lambda own: with_own_key(own, jwk={"kty": "oct", "k": "AAAA"}),
    "jku in the header": lambda own: with_own_key(own, jku="http://127.0.0.1:9/keys"),
    "x5u in the header": lambda own: with_own_key(own, x5u="http://127.0.0.1:9/cert"),
    "x5c in the header": lambda own: with_own_key(own, x5c=["AAAA"]),
    "crit in the header": lambda own: unsigned(
        {"alg": "RS256", "kid": "rsa-1", "crit": ["x"], "x": 1}, own.claims(), "AAAA"
    ),
    "an unknown key": lambda own: with_own_key(own),
    "a foreign key under a known id": lambda own: with_own_key(own, kid="rsa-1"),
    "kid traversal": lambda own: with_own_key(own, kid="../../../../dev/null"),
    "kid that is no text": lambda own: unsigned({"alg": "RS256", "kid": ["rsa-1"]}, own.claims(), "AAAA"),
    "changed claims": tampered,
    "no signature": lambda own: own.token(own.claims()).rsplit(".", 1)[0] + ".",
    "another issuer": lambda own: own.token(own.claims(iss="https://elsewhere.test")),
    "no issuer": lambda own: own.token(own.claims(iss=None)),
    "issuer as a list": lambda own: own.token({**own.claims(), "iss": [own.url]}),
    "another audience": lambda own: own.token(own.claims(aud="another-api")),
    "no audience": lambda own: own.token(own.claims(aud=None)),
    "audience as an object": lambda own: own.token(own.claims(aud={"innoflyt!": 1})),
    "no subject": lambda own: own.token(own.claims(sub=None)),
    "subject as a number": lambda own: own.token({**own.claims(), "sub": 7}),
    "an empty subject": lambda own: own.token({**own.claims(), "sub": ""}),
    "expired": lambda own: own.token(own.claims(exp=int(time.time()) - 61)),
    "no expiry": lambda own: own.token(own.claims(exp=None)),
    "expiry as text": lambda own: own.token({**own.claims(), "exp": "2099-01-01"}),
    "expiry as a truth": lambda own: own.token({**own.claims(), "exp": True}),
    "not valid yet": lambda own: own.token(own.claims(nbf=int(time.time()) + HOUR)),
    "issued in the future": lambda own: own.token(own.claims(iat=int(time.time()) + HOUR)),
    "an id token by its header": lambda own: own.token(own.claims(), {"typ": "id+jwt"}),
    "a type that is a list": lambda own: unsigned({"alg": "RS256", "typ": []}, own.claims(), "x"),
    "a type that is an object": lambda own: unsigned({"alg": "RS256", "typ": {}}, own.claims(), "x"),
    "an audience that is a number": lambda own: own.token(own.claims(aud=7)),
    "a logout token": lambda own: own.token(own.claims(), {"typ": "logout+jwt"}),
    "an id token by its claims": lambda own: own.token(own.claims(at_hash="x")),
    "an id token of another maker": lambda own: own.token(own.claims(typ="ID")),
    "an id token by its use": lambda own: own.token(own.claims(token_use="id")),
    "a client's token without a person": lambda own: own.token(own.claims(sub=None, aud=None)),
    "far too long": lambda own: own.token(own.claims(padding="x" * 9000)),
}


@pytest.mark.parametrize("form", FORGED)
async def test_a_forged_token_is_refused(own, authenticator, form):
    token = FORGED[form](own)
    with pytest.raises(Unauthenticated):
        await authenticator.verify(token)


class Listener:
    """Counts connections on a port of its own."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self):
        while True:
            try:
                accepted, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            accepted.close()

    def close(self):
        self._socket.close()


async def test_no_address_in_a_token_is_ever_called(own, authenticator):
    listener = Listener()
    address = f"http://127.0.0.1:{listener.port}"
    for header in ({"jku": f"{address}/keys"}, {"x5u": f"{address}/cert"}, {"jku": f"{own.url}/../x"}):
        with pytest.raises(Unauthenticated):
            await authenticator.verify(with_own_key(own, **header))
    with pytest.raises(Unauthenticated):
        await authenticator.verify(own.token(own.claims(iss=address)))
    listener.close()
    assert listener.connections == 0
    assert own.fetches == 0  # refused by their form alone, before any key was needed


async def test_unknown_key_ids_do_not_make_us_hammer_the_provider(own, authenticator):
    await authenticator.verify(own.token(own.claims()))
    assert own.fetches == 1
    for number in range(50):
        with pytest.raises(Unauthenticated):
            await authenticator.verify(with_own_key(own, kid=f"unknown-{number}"))
    assert own.fetches <= 2


async def test_a_new_key_is_found_and_an_old_one_goes(own, authenticator, monkeypatch):
    await authenticator.verify(own.token(own.claims()))
    fresh = rsa_key("rsa-2", "the tests")
    own.published = [fresh]
    monkeypatch.setattr("services.common.auth._REFETCH_SECONDS", 0.0)
    await authenticator.verify(own.token(own.claims(), {"kid": "rsa-2"}, fresh))
    with pytest.raises(Unauthenticated):
        await authenticator.verify(own.token(own.claims()))


async def test_a_provider_that_is_away_is_503_and_known_keys_go_on(own, authenticator, monkeypatch):
    away = Authenticator(stack_settings(oidc_issuers=(own.settings(jwks_url="http://127.0.0.1:9/jwks"),)))
    with pytest.raises(Unavailable):
        await away.verify(own.token(own.claims()))
    await authenticator.verify(own.token(own.claims()))
    own.close()
    monkeypatch.setattr("services.common.auth._KEYS_KEPT_SECONDS", 0.0)
    monkeypatch.setattr("services.common.auth._REFETCH_SECONDS", 0.0)
    await authenticator.verify(own.token(own.claims()))


async def test_a_provider_that_is_silent_holds_up_nobody_whose_key_is_known(own, monkeypatch):
    class Silent(httpx.AsyncHTTPTransport):
        silent = False
        asked = 0

        async def handle_async_request(self, request):
            self.asked += 1
            if self.silent:
                await asyncio.Event().wait()
            return await super().handle_async_request(request)

    monkeypatch.setattr("services.common.auth._REFETCH_SECONDS", 0.0)
    transport = Silent()
    authenticator = Authenticator(stack_settings(oidc_issuers=(own.settings(),)), transport=transport)
    await authenticator.verify(own.token(own.claims()))
    monkeypatch.setattr("services.common.auth._KEYS_KEPT_SECONDS", 0.0)
    monkeypatch.setattr("services.common.auth._FETCH_SECONDS", 60.0)
    transport.silent = True
    async with asyncio.timeout(30):  # half of what a fetch may take: nobody waits for it
        for _ in range(3):
            await authenticator.verify(own.token(own.claims()))
    await eventually(lambda: transport.asked == 2)


@pytest.mark.parametrize(
    "nonsense", [b"<html>", b"[]", b'{"keys": null}', b'{"keys": {"kid": 1}}', b'{"keys": [7]}']
)
async def test_a_provider_that_answers_nonsense_is_away(own, authenticator, nonsense):
    own.nonsense = nonsense
    with pytest.raises(Unavailable):
        await authenticator.verify(own.token(own.claims()))


GOOD = {
    "RS256": lambda own: own.token(own.claims()),
    "ES256": lambda own: own.token(own.claims(), {"alg": "ES256"}, own.ec),
    "typ at+jwt": lambda own: own.token(own.claims(), {"typ": "at+jwt"}),
    "several audiences": lambda own: own.token(own.claims(aud=["x", "innoflyt"])),
    "a clock that is half a minute behind": lambda own: own.token(own.claims(exp=int(time.time()) - 20)),
    "a clock that is half a minute ahead": lambda own: own.token(own.claims(nbf=int(time.time()) + 20)),
}


@pytest.mark.parametrize("form", GOOD)
async def test_a_good_token_is_accepted(own, authenticator, form):
    caller = await authenticator.verify(GOOD[form](own))
    assert caller.person_id == person_id(own.url, "someone")
    assert caller.roles == {"applicant"}


async def test_roles_and_organisation_come_from_the_issuers_claim_paths(own):
    paths = {"roles_claim": "realm.access.roles", "organisation_claim": "https://claims.test/org"}
    authenticator = Authenticator(stack_settings(oidc_issuers=(own.settings(**paths),)))
    claims = own.claims(
        realm={"access": {"roles": ["hf_adviser", 7]}},
        **{"https://claims.test/org": "STOLAV", "name": "Kari Test"},
    )
    caller = await authenticator.verify(own.token(claims))
    assert (caller.roles, caller.organisation) == ({"applicant", "hf_adviser"}, "STOLAV")
    assert (caller.name, caller.email) == ("Kari Test", "")
    assert caller.actor.id == str(caller.person_id)


async def test_a_person_of_one_issuer_is_not_the_person_of_another(own):
    other = TokenIssuer("somebody else")
    authenticator = Authenticator(stack_settings(oidc_issuers=(own.settings(), other.settings())))
    first = await authenticator.verify(own.token(own.claims()))
    second = await authenticator.verify(other.token(other.claims()))
    assert first.person_id != second.person_id
    with pytest.raises(Unauthenticated):  # signed by the one, speaking for the other
        await authenticator.verify(other.token(own.claims(), {"kid": "rsa-1"}))
    other.close()


async def test_only_the_algorithms_of_the_issuer_count(own):
    authenticator = Authenticator(stack_settings(oidc_issuers=(own.settings(algorithms=("RS256",)),)))
    await authenticator.verify(own.token(own.claims()))
    with pytest.raises(Unauthenticated):
        await authenticator.verify(own.token(own.claims(), {"alg": "ES256"}, own.ec))


async def test_a_key_of_the_wrong_curve_or_use_is_not_used(own, authenticator):
    key = rsa_key("enc-1", "the tests")
    wrong_use = RSAKey.import_key({**key.as_dict(private=True), "use": "enc"})
    wrong_curve = ECKey.generate_key("P-384", {"kid": "ec-384", "use": "sig"})
    own.published = [wrong_use, wrong_curve]
    with pytest.raises(Unauthenticated):
        await authenticator.verify(own.token(own.claims(), {"kid": "enc-1"}, key))
    forged = unsigned({"alg": "ES256", "kid": "ec-384"}, own.claims(), part(b"0" * 64))
    with pytest.raises(Unauthenticated):
        await authenticator.verify(forged)


async def test_over_http_it_is_a_problem_and_says_bearer(settings, issuer, person):
    async with serve_routers(settings, "review", [router]) as api:
        for headers in (
            {},
            {"Authorization": "Basic eA=="},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer x.y.z"},
        ):
            answer = await api.client.get("/who", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["type"] == "https://innoflyt.test/problems/unauthenticated"
        someone = person("hf_adviser", organisation="STOLAV")
        answer = await api.get(someone, "/who")
        assert answer.json() == {
            "id": str(someone.id),
            "roles": ["applicant", "hf_adviser"],
            "organisation": "STOLAV",
        }
