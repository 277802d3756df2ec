"""Bad input to every route of review: a problem that names what is wrong, never a 500 or half a change."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx

from services.common.http import encode_cursor
from tests.service.review.case_play import CasePlay
from tests.service.review.test_access import BODIES, World, routes_of, world
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds

__all__ = ["world"]  # a fixture

JSON = {"Content-Type": "application/json"}
NUL, LONG = "a\x00b", "x" * 4001
WRONG: tuple[Any, ...] = (
    None,
    1,
    -1,
    10**30,
    1.5,
    True,
    "",
    NUL,
    LONG,
    "\ud800",
    [],
    [NUL],
    {},
    {"a": {"b": []}},
)


def problem(response: httpx.Response) -> dict[str, Any]:
    assert 400 <= response.status_code < 500, f"{response.status_code}: {response.text}"
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"].startswith("https://innoflyt.test/problems/")
    assert body["status"] == response.status_code
    return body


async def rows(play: CasePlay) -> dict[str, int]:
    """How many rows each table holds, but for the log of refused attempts."""
    tables = await play.owner.fetch(
        "select tablename from pg_tables where schemaname = 'review' and tablename <> 'access_log'"
    )
    return {t: await play.owner.fetchval(f"select count(*) from {t}") for (t,) in map(tuple, tables)}


async def send(world: World, method: str, route: str, who: Person | None, **request: Any) -> httpx.Response:
    path = route.format(**world.objects["own"])
    headers = {"Idempotency-Key": str(uuid.uuid4()), **request.pop("headers", {})}
    return await world.play.api.request(method, who, path, headers=headers, **request)


async def test_no_body_brings_down_a_route_or_changes_anything(world: World) -> None:
    before = await rows(world.play)
    advisers = [world.people[role] for role in ("hf_adviser", "consultant", "rhf_adviser", "chair", "holder")]
    for method, route in routes_of(world.play):
        if method == "GET":
            continue
        valid = BODIES.get(f"{method} {route}")
        for raw in (b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 5000, b'{"a": NaN}'):
            if valid is None and raw != b"{":
                continue  # a route without a body reads none
            for who in advisers:
                response = await send(world, method, route, who, content=raw, headers=JSON)
                if valid is not None:
                    problem(response)
                assert response.status_code < 500
        for field in valid or ():
            for value in WRONG:
                content = json.dumps({**valid, field: value})  # half a surrogate pair travels as an escape
                for who in advisers:
                    response = await send(world, method, route, who, content=content, headers=JSON)
                    assert response.status_code < 500, f"{method} {route} {field}={value!r}: {response.text}"
        if valid is not None:
            for who in advisers:
                found = problem(await send(world, method, route, who, json={**valid, "unknown": 1}))
                assert found["status"] in (403, 404, 422)
    after = await rows(world.play)
    changed = {table: (before[table], after[table]) for table in before if before[table] != after[table]}
    assert changed.keys() <= {"idempotency"}, changed


async def test_ids_that_are_none_are_refused(world: World) -> None:
    ids = ("application_id", "task_id", "question_id", "clarification_id")
    for method, route in routes_of(world.play):
        for name in (each for each in ids if "{" + each + "}" in route):
            for junk in ("not-a-uuid", "0", "../../etc", "%00", "a" * 5000, "null"):
                path = route.format(**world.objects["own"] | {name: junk})
                body = BODIES.get(f"{method} {route}")
                headers = {"Idempotency-Key": "k"}
                problem(
                    await world.play.api.request(method, world.play.adviser, path, headers=headers, json=body)
                )


async def test_strings_in_paths_and_queries_may_be_anything(world: World) -> None:
    play = world.play
    case = world.objects["own"]["application_id"]
    consultant = world.people["consultant"]
    answer = {"outcome": "covered", "reason": "x"}
    for junk in ("hp", "HP%00", "H" * 30, "%F0%9F%98%80", "HP;drop"):
        problem(await play.api.post(consultant, f"/v1/cases/{case}/consultations/{junk}", answer))
    for query in (
        {"view": "everything"},
        {"kind": "unknown"},
        {"kind": NUL},
        {"call_id": NUL},
        {"call_id": "UPPER"},
        {"application_id": "x"},
        {"limit": "0"},
        {"limit": "9" * 30},
        {"limit": "-1"},
    ):
        assert problem(await play.api.get(play.adviser, "/v1/tasks", params=query))["errors"]
    for cursor in (
        "",
        "junk",
        "é",
        encode_cursor("2023-01-01T00:00:00+00:00"),
        encode_cursor("2023-01-01T00:00:00", str(uuid.uuid4())),
        encode_cursor("yesterday", str(uuid.uuid4())),
        encode_cursor("2023-01-01T00:00:00+00:00", "x"),
        encode_cursor(1, 2),
        encode_cursor(None, None),
        encode_cursor(["2023"], {"a": 1}),
    ):
        found = problem(await play.api.get(play.adviser, "/v1/tasks", params={"cursor": cursor}))
        assert found["errors"][0]["field"] == "cursor"


async def test_a_text_with_a_character_that_cannot_be_stored_is_refused_and_nothing_is_done(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    adviser = person("hf_adviser", organisation="STOLAV")
    consultant = person("consultant", organisation="HP")
    alarm = await play.open(kinds.HANDLE_LATE_FACT, case)
    before = await rows(play)
    for who, path, body in (
        (adviser, f"cases/{case}/prescreening", {"version": 1, "outcome": "recommended", "reason": NUL}),
        (adviser, f"cases/{case}/questions", {"text": NUL, "of": "holder"}),
        (adviser, f"cases/{case}/questions", {"text": "x", "of": "consultant", "organisation": NUL}),
        (play.adviser, f"tasks/{alarm}/handled", {"note": NUL}),
    ):
        problem(await play.api.post(who, f"/v1/{path}", body))
    assert await rows(play) == before
    await play.prescreen(adviser, case)
    question = await play.ask(play.adviser, case, of="hf_adviser")
    before = await rows(play)
    for who, path, body in (
        (consultant, f"cases/{case}/consultations/HP", {"outcome": "covered", "reason": NUL}),
        (adviser, f"questions/{question}/answer", {"text": NUL}),
    ):
        problem(await play.api.post(who, f"/v1/{path}", body))
    assert await rows(play) == before


async def test_blank_and_oversized_texts_name_their_field(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    await play.begin()
    case = await play.submit("a")
    adviser = person("hf_adviser", organisation="STOLAV")
    for reason in ("", "   ", LONG):
        body = {"version": 1, "outcome": "recommended", "reason": reason}
        found = problem(await play.api.post(adviser, f"/v1/cases/{case}/prescreening", body))
        assert (found["status"], found["errors"][0]["field"]) == (422, "reason")
        assert found["errors"][0]["remedy"]


async def test_every_act_wants_an_idempotency_key_and_a_token(world: World) -> None:
    for method, route in routes_of(world.play):
        if method == "POST":
            path = route.format(**world.objects["own"])
            body = BODIES.get(f"{method} {route}", {})
            for role in ("rhf_adviser", "hf_adviser", "member"):
                response = await world.play.api.request(method, world.people[role], path, json=body)
                assert problem(response)["status"] in (400, 403, 404)
        assert problem(await send(world, method, route, None, json={}))["status"] == 401
