"""What is no success is a problem with a stable type; limits, versions, pages, arrival, health."""
# Longer than 300 lines because each kind of bad request is one short test on one small application.

import asyncio
import json
import logging
import time
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from fastapi import APIRouter, Response
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from services.common import middleware
from services.common.auth import CallerDep
from services.common.errors import (
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    Refused,
    StepOutOfOrder,
)
from services.common.http import (
    Arrival,
    ArrivedDep,
    Body,
    DatabaseDep,
    IfMatchDep,
    MergePatchDep,
    arrived_at,
    decode_cursor,
    encode_cursor,
    etag,
    merge_patch,
)
from services.common.telemetry import setup
from tests.support.api import serve_routers

router = APIRouter(prefix="/v1")
CANARY = "Kari Kanarifugl"


class DeadlinePassed(Refused):
    """The deadline has passed.

    More words that are not the title.
    """


class Inner(Body):
    amount: int = Field(ge=1)


class Thing(Body):
    name: str = Field(max_length=20)
    inner: Inner
    when: str | None = None


@router.post("/things")
async def make(thing: Thing) -> dict[str, object]:
    return {"name": thing.name}


FAILURES = {
    "deadline": lambda: DeadlinePassed("one second too late", late_by_seconds=1),
    "forbidden": Forbidden,
    "missing": NotFound,
    "order": StepOutOfOrder,
    "stale": PreconditionFailed,
    "invalid": lambda: Invalid("budget", errors=[FieldError("budget.total", 7, "at least 10")]),
    "bug": lambda: ZeroDivisionError(CANARY),
    "deadlock": lambda: asyncpg.DeadlockDetectedError(CANARY),
    "away": lambda: ConnectionRefusedError(CANARY),
    "timeout": lambda: TimeoutError(CANARY),
    "our mistake in SQL": lambda: asyncpg.InterfaceError("the server expects 2 arguments for this query"),
}


@router.get("/fail/{how}")
async def fail(how: str) -> None:
    raise FAILURES[how]()


@router.put("/things/{id}")
async def change(id: UUID, version: IfMatchDep, thing: Thing) -> Response:
    return Response(status_code=204, headers={"ETag": etag(version + 1)})


@router.patch("/things/{id}")
async def amend(id: UUID, version: IfMatchDep, patch: MergePatchDep) -> dict[str, object]:
    return {"merged": merge_patch({"a": 1, "b": {"c": 2}}, patch)}


@router.get("/mine")
async def mine(caller: CallerDep) -> dict[str, str]:
    return {"id": str(caller.person_id)}


@router.post("/arrival")
async def arrival(arrival: ArrivedDep, database: DatabaseDep, wait: float) -> dict[str, object]:
    await asyncio.sleep(wait)
    async with database.transaction() as conn:
        at = await arrived_at(conn, arrival)
        now = await conn.fetchval("select clock_timestamp()")
    return {"lag": (now - at).total_seconds(), "zone": str(at.tzinfo)}


@pytest.fixture
async def api(settings):
    changed = settings.model_copy(
        update={"rate_burst": 5, "rate_per_second": 0.01, "cors_origins": ("http://portal.innoflyt.test",)}
    )
    async with serve_routers(changed, "review", [router]) as made:
        yield made


def problem(answer, status, slug):
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["type"]) == (status, f"https://innoflyt.test/problems/{slug}")
    assert body["title"]
    return body


GOOD = {"name": "x", "inner": {"amount": 1}}
BAD_BODIES = [
    (b"{", 400, "bad-request", None),
    (b"", 422, "invalid", "body"),
    (b"[]", 422, "invalid", "body"),
    (b"null", 422, "invalid", "body"),
    (b'"text"', 422, "invalid", "body"),
    (b"\xff\xfe", 400, None, None),
    (b'{"a":' * 20_000, 400, None, None),
    (b"{}", 422, "invalid", "name"),
    (json.dumps({**GOOD, "extra": 1}).encode(), 422, "invalid", "extra"),
    (json.dumps({**GOOD, "inner": {"amount": 0}}).encode(), 422, "invalid", "inner.amount"),
    (json.dumps({**GOOD, "inner": {"amount": "many"}}).encode(), 422, "invalid", "inner.amount"),
    (json.dumps({**GOOD, "inner": {"amount": 1, "x": 2}}).encode(), 422, "invalid", "inner.x"),
    (json.dumps({**GOOD, "name": 7}).encode(), 422, "invalid", "name"),
    (json.dumps({**GOOD, "name": "x" * 21}).encode(), 422, "invalid", "name"),
    (json.dumps({**GOOD, "name": None}).encode(), 422, "invalid", "name"),
    (json.dumps({**GOOD, "name": "a\x00b"}).encode(), 422, "invalid", "name"),
    (json.dumps({**GOOD, "when": "\ud800"}).encode(), 422, "invalid", "when"),
]


@pytest.mark.parametrize(("body", "status", "slug", "field"), BAD_BODIES)
async def test_a_bad_body_is_explained(api, body, status, slug, field):
    answer = await api.client.post("/v1/things", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    if slug:
        assert said["type"].endswith(f"/{slug}")
    if field:
        wrong = {error["field"]: error for error in said["errors"]}
        assert field in wrong
        assert wrong[field]["remedy"]


async def test_json_must_say_that_it_is_json(api):
    answer = await api.client.post(
        "/v1/things", content=json.dumps(GOOD), headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("how", "status", "slug"),
    [
        ("deadline", 409, "deadline-passed"),
        ("forbidden", 403, "forbidden"),
        ("missing", 404, "not-found"),
        ("order", 409, "step-out-of-order"),
        ("stale", 412, "precondition-failed"),
        ("invalid", 422, "invalid"),
        ("bug", 500, "internal-error"),
        ("our mistake in SQL", 500, "internal-error"),
        ("deadlock", 503, "unavailable"),
        ("away", 503, "unavailable"),
        ("timeout", 503, "unavailable"),
    ],
)
async def test_failures_become_problems_without_internals(api, how, status, slug):
    answer = await api.client.get(f"/v1/fail/{how}")
    problem(answer, status, slug)
    assert CANARY not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)
    assert answer.headers["x-call-id"]


async def test_a_refusal_shows_its_title_detail_and_members(api):
    body = problem(await api.client.get("/v1/fail/deadline"), 409, "deadline-passed")
    assert body["title"] == "The deadline has passed"
    assert (body["detail"], body["late_by_seconds"]) == ("one second too late", 1)
    invalid = (await api.client.get("/v1/fail/invalid")).json()
    assert invalid["errors"] == [{"field": "budget.total", "value": 7, "remedy": "at least 10"}]


async def test_not_found_is_byte_equal_at_every_call(api):
    first, second = [await api.client.get("/v1/fail/missing") for _ in range(2)]
    assert first.content == second.content


async def test_unknown_paths_methods_and_ids_are_problems(api):
    problem(await api.client.get("/v1/nothing"), 404, "not-found")
    problem(await api.client.delete("/v1/things"), 405, "method-not-allowed")
    answer = await api.client.put("/v1/things/no-uuid", json=GOOD, headers={"If-Match": '"1"'})
    assert problem(answer, 422, "invalid")["errors"][0]["field"] == "path.id"


async def test_logs_and_answers_hold_no_text_of_an_exception(api, capsys):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        setup("review")
        await api.client.get("/v1/fail/bug", headers={"X-Call-Id": "call-of-the-bug"})
        try:
            raise ZeroDivisionError(CANARY)
        except ZeroDivisionError:
            logging.getLogger("some.library").exception("it failed")
    finally:
        root.handlers[:], root.level = before[0], before[1]
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    failure = next(line for line in lines if line["event"] == "request failed")
    assert (failure["error"], failure["call_id"]) == ("ZeroDivisionError", "call-of-the-bug")
    assert any("test_kernel_http.py" in place for place in failure["where"])
    foreign = next(line for line in lines if line["event"] == "it failed")
    assert (foreign["error"], foreign["logger"]) == ("ZeroDivisionError", "some.library")
    assert CANARY not in json.dumps(lines)


async def test_the_body_limit_holds_with_and_without_a_declared_length(api):
    limit = api.app.state.settings.max_body_bytes
    answer = await api.client.post("/v1/things", content=b"x" * (limit + 1))
    problem(answer, 413, "content-too-large")

    async def pieces():
        for _ in range(limit // 1000 + 2):
            yield b"x" * 1000

    answer = await api.client.post(
        "/v1/things", content=pieces(), headers={"Content-Type": "application/json"}
    )
    problem(answer, 413, "content-too-large")


async def test_a_body_that_never_comes_is_given_up(api, monkeypatch):
    monkeypatch.setattr(middleware, "_BODY_SECONDS", 0.05)

    async def never():
        yield b'{"name":'
        await asyncio.sleep(5)
        yield b'"x"}'

    answer = await api.client.post(
        "/v1/things", content=never(), headers={"Content-Type": "application/json"}
    )
    problem(answer, 408, "request-timeout")


async def test_a_body_that_comes_in_drips_is_given_up_as_a_whole(api, monkeypatch):
    monkeypatch.setattr(middleware, "_BODY_SECONDS", 0.3)
    given = []

    async def drips():
        for piece in [b'{"name":"', *[b"x"] * 100, b'"}']:
            await asyncio.sleep(0.02)
            given.append(piece)
            yield piece

    answer = await api.client.post(
        "/v1/things", content=drips(), headers={"Content-Type": "application/json"}
    )
    problem(answer, 408, "request-timeout")
    assert 1 < len(given) < 100


async def test_versions_are_required_and_understood(api):
    path = "/v1/things/00000000-0000-0000-0000-000000000001"
    problem(await api.client.put(path, json=GOOD), 428, "precondition-required")
    for value in ("1", "*", 'W/"1"', '"x"', '"1", "2"', '""'):
        problem(await api.client.put(path, json=GOOD, headers={"If-Match": value}), 400, "bad-request")
    answer = await api.client.put(path, json=GOOD, headers={"If-Match": '"7"'})
    assert (answer.status_code, answer.headers["etag"]) == (204, '"8"')


async def test_a_merge_patch_says_what_it_is_and_is_an_object(api):
    path, version = "/v1/things/00000000-0000-0000-0000-000000000001", {"If-Match": '"1"'}
    merge = {**version, "Content-Type": "application/merge-patch+json"}
    problem(await api.client.patch(path, json={}, headers=version), 415, "unsupported-media-type")
    problem(await api.client.patch(path, content=b"{", headers=merge), 400, "bad-request")
    problem(await api.client.patch(path, content=b"[]", headers=merge), 422, "invalid")
    for text in (b'{"a":{"b":["\\u0000"]}}', b'{"a":{"b":["\\ud800"]}}'):
        answer = await api.client.patch(path, content=text, headers=merge)
        assert [error["field"] for error in problem(answer, 422, "invalid")["errors"]] == ["a.b.0"]
    answer = await api.client.patch(path, content=b'{"a":null,"b":{"d":3}}', headers=merge)
    assert answer.json() == {"merged": {"b": {"c": 2, "d": 3}}}


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [  # the table of RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_follows_the_standard(target, patch, result):
    assert merge_patch(target, patch) == result


async def test_each_person_has_a_limit_of_their_own(api, person):
    anna, berit = person(), person()
    answers = [await api.get(anna, "/v1/mine") for _ in range(6)]
    assert [answer.status_code for answer in answers[:5]] == [200] * 5
    body = problem(answers[5], 429, "too-many-requests")
    assert body["title"]
    assert int(answers[5].headers["retry-after"]) >= 1
    assert (await api.get(berit, "/v1/mine")).status_code == 200


async def test_a_request_counts_from_when_its_headers_were_read(api):
    answer = await api.client.post("/v1/arrival", params={"wait": 0.3})
    assert 0.3 <= answer.json()["lag"] < 10
    assert answer.json()["zone"] == "UTC"


async def test_arrival_is_the_databases_clock_less_the_time_that_has_passed_here(open_database):
    database = await open_database("review")
    seen = Arrival(time.monotonic() - 60)
    async with database.transaction() as conn:
        at = await arrived_at(conn, seen)
        now = await conn.fetchval("select clock_timestamp()")
    assert timedelta(seconds=60) <= now - at < timedelta(seconds=90)


async def test_a_known_origin_may_call_and_a_strange_one_is_not_told_so(api):
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}
    known = await api.client.options("/v1/things", headers={"Origin": "http://portal.innoflyt.test", **ask})
    assert known.headers["access-control-allow-origin"] == "http://portal.innoflyt.test"
    failed = await api.client.get("/v1/fail/bug", headers={"Origin": "http://portal.innoflyt.test"})
    assert failed.status_code == 500
    assert failed.headers["access-control-allow-origin"] == "http://portal.innoflyt.test"
    strange = await api.client.options("/v1/things", headers={"Origin": "http://evil.test", **ask})
    assert "access-control-allow-origin" not in strange.headers


async def test_answers_are_not_cached_or_sniffed_and_carry_the_callers_call_id(api):
    answer = await api.client.get("/v1/nothing", headers={"X-Call-Id": "my-own-call-id"})
    assert answer.headers["x-call-id"] == "my-own-call-id"
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == (
        "no-store",
        "nosniff",
    )
    answer = await api.client.get("/v1/nothing", headers={"X-Call-Id": "a\tb"})
    assert answer.headers["x-call-id"] != "a\tb"


async def test_health_and_readiness(api, as_role):
    assert (await api.client.get("/healthz")).json() == {"service": "review", "status": "alive"}
    ready = (await api.client.get("/readyz")).json()
    assert (ready["status"], ready["consumer"], ready["parked"]) == ("ready", "running", 0)
    owner = await as_role("review", "owner")
    await owner.execute("insert into halted (consumer, reason) values ('review', '20 keys are parked')")
    ready = await api.client.get("/readyz")
    assert ready.status_code == 200  # requests can still be taken, and must be
    assert (ready.json()["status"], ready.json()["consumer"]) == ("degraded", "20 keys are parked")


async def test_without_postgres_everything_is_503_and_health_is_not(settings):
    nowhere = settings.model_copy(update={"postgres_port": 9})
    async with serve_routers(nowhere, "review", [router]) as api:
        assert (await api.client.get("/healthz")).status_code == 200
        problem(await api.client.get("/readyz"), 503, "unavailable")
        answer = await api.client.post("/v1/arrival", params={"wait": 0})
        problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"]


async def test_the_openapi_document_shows_problems(api):
    document = (await api.client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    shown = document["paths"]["/v1/things"]["post"]["responses"]
    assert {"400", "401", "403", "404", "409", "422", "429", "503"} <= shown.keys()
    for status, answer in shown.items():
        kinds = {"application/json"} if status == "200" else {"application/problem+json"}
        assert answer["content"].keys() == kinds
        assert (
            status == "200" or answer["content"]["application/problem+json"]["schema"]["title"] == "Problem"
        )


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))  # what can be stored
values = st.lists(st.one_of(st.integers(), texts, st.none(), st.booleans()), max_size=4)


@pytest.mark.parametrize("value", ["\ud800", "\x00", ["\x00"]])
def test_a_cursor_of_what_cannot_be_stored_is_none_of_ours(value):
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor(value))


@given(values)
def test_a_cursor_gives_back_what_was_put_in(parts):
    assert decode_cursor(encode_cursor(*parts), len(parts)) == parts


@given(st.text())
def test_any_other_text_is_no_cursor(text):
    try:
        found = decode_cursor(text)
    except Invalid as refused:
        found = [error.field for error in refused.errors]
    assert isinstance(found, list)
