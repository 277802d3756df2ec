"""Bad input at every route: a problem with a stable type, never a 500, and nothing half done."""

import json
import uuid

import httpx
import pytest
from fastapi.routing import APIRoute

from services.common.http import encode_cursor
from services.intake.api import routers
from tests.service.intake.world import World, problem

ROUTES = [
    (method, route.path)
    for router in routers()
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
NASTY: list[bytes | None] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"[" * 5000 + b"]" * 5000,
    b'{"a":' * 200 + b"1" + b"}" * 200,
    b'{"title": "\\u0000"}',
    b'{"email": "\\ud800@x.test"}',
    b'{"deadline": "yesterday", "reason": 5}',
    b'{"confirmed": "perhaps", "reason": ["x"]}',
    b'{"accept_findings": [{"a": 1}]}',
    b'{"budget": {"lines": {"salary": 1e400}}}',
    b'{"budget": {"own_share": -1}}',
    b'{"budget": {"own_share": 99999999999999999999}}',
    b'{"form": "text", "touches": {"a": 1}}',
    b'{"colour": "blue"}',
    b'{"form": {"summary": NaN}}',
    b'{"form": {"a\\u0000b": 1}}',
    b"\xff\xfe\x00",
    json.dumps({"title": "x" * 2_000_000}).encode(),
]
IDS = ["not-a-uuid", str(uuid.uuid4()), "%00", "a" * 300, "..%2F..%2Fetc"]


async def count(world: World) -> int:
    """What a half-done change would alter."""
    async with world.database.read() as conn:
        return int(
            await conn.fetchval(
                "select (select count(*) from application) + (select count(*) from attachment)"
                " + (select count(*) from call) + (select coalesce(sum(revision), 0) from application)"
            )
        )


async def test_every_route_answers_bad_input_with_a_problem(world: World) -> None:
    wrong: list[str] = []
    for method, path in ROUTES:
        wrong += await faults_of(world, method, path)
    assert not wrong, "\n".join(wrong)


async def faults_of(world: World, method: str, path: str) -> list[str]:
    """What this route answers wrongly, asked by somebody new so that no rate limit answers instead."""
    holder = world.person("rhf_adviser", organisation="HMR")
    application_id = await world.draft(holder)
    before = await count(world)
    wrong = []
    is_draft = method == "PATCH" and "application_id" in path
    right = "application/merge-patch+json" if is_draft else "application/json"
    for n, each in enumerate((str(application_id), *IDS)):
        target = path.replace("{application_id}", each)
        for name in ("{attachment_id}", "{endorsement_id}", "{call_id}", "{token}", "{person_id}"):
            target = target.replace(name, IDS[n % len(IDS)])
        if n and target == path:
            break
        bodies = NASTY if method in ("POST", "PATCH") else [None]
        for body in bodies if n == 0 else bodies[:1]:
            for kind in (right, "text/plain") if body == NASTY[0] else (right,):
                headers = {"Content-Type": kind, "Idempotency-Key": str(uuid.uuid4()), "If-Match": '"2"'}
                answer = await world.api.request(method, holder, target, headers=headers, content=body)
                if not is_well_formed(answer):
                    wrong.append(
                        f"{method} {target} {body and body[:60]!r}: {answer.status_code} {answer.text}"
                    )
    if await count(world) - before not in (0, 1):  # an empty object is a save of nothing, and no mistake
        wrong.append(f"{method} {path}: something was written")
    return wrong


def is_well_formed(answer: httpx.Response) -> bool:
    """A success, or a problem with a type of ours that tells nothing internal; never a 500, never a 429."""
    if answer.status_code < 400:
        return True
    return (
        answer.status_code < 500
        and answer.status_code != 429
        and answer.headers["content-type"].startswith("application/problem+json")
        and answer.json()["type"].startswith("https://innoflyt.test/problems/")
        and "Traceback" not in answer.text
    )


# Instants that a calendar has, but that are none in UTC.
FIRST = encode_cursor("0001-01-01T00:00:00+14:00", str(uuid.UUID(int=0)))
LAST = encode_cursor("9999-12-31T23:59:59-14:00", str(uuid.UUID(int=0)))


@pytest.mark.parametrize(
    "query",
    [
        "cursor=%00",
        "cursor=W10",
        "limit=0",
        "limit=1000",
        "limit=x",
        "state=x",
        "cursor=WzEsMl0",
        f"cursor={FIRST}",
        f"cursor={LAST}",
    ],
)
async def test_bad_queries_are_named(world: World, query: str) -> None:
    reader = world.person("rhf_adviser")
    answer = await world.api.get(reader, f"/v1/applications?{query}")
    assert problem(answer, 422, "invalid")["errors"][0]["field"]


async def test_a_token_and_a_key_are_needed(world: World) -> None:
    problem(await world.api.get(None, "/v1/applications"), 401, "unauthenticated")
    holder = world.person(organisation="HMR")
    body = {"call_id": world.call.id, "category": "service", "organisation": "HMR"}
    answer = await world.api.request("POST", holder, "/v1/applications", json=body)
    problem(answer, 400, "idempotency-key-missing")
    garbled = await world.api.request(
        "POST", holder, "/v1/applications", json=body, headers={"Idempotency-Key": "two words"}
    )
    problem(garbled, 400, "idempotency-key-missing")
