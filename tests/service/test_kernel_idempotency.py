"""Idempotency-Key: the same answer for ever; refusals are not remembered; nothing is done twice."""

import asyncio
import uuid

import pytest
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.common.auth import CallerDep
from services.common.errors import Refused
from services.common.http import Body, DatabaseDep, etag
from services.common.idempotency import once
from services.common.record import record
from tests.support.api import serve_routers

router = APIRouter(prefix="/v1")


class Order(Body):
    what: str
    amount: int = 1
    refuse: bool = False


class Placed(BaseModel):
    id: uuid.UUID
    what: str


class SoldOut(Refused):
    """It is sold out."""


gate = asyncio.Event()


async def place(
    request: Request, caller: CallerDep, database: DatabaseDep, shop: str, order: Order
) -> Response:
    async def run(conn) -> Placed:
        await gate.wait()
        if order.refuse:
            raise SoldOut("nothing left")
        placed = Placed(id=uuid.uuid4(), what=order.what)
        await record(conn, key=str(placed.id), actor=caller.actor, action="ordered", body={})
        return placed

    def headers(placed: Placed) -> dict[str, str]:
        return {"ETag": etag(1), "Location": f"/v1/orders/{placed.id}"}

    return await once(request, caller, database, run, headers=headers)


@router.post("/shops/{shop}/closing")
async def close(request: Request, caller: CallerDep, database: DatabaseDep, shop: str) -> Response:
    async def run(conn) -> Placed:
        await record(conn, key=shop, actor=caller.actor, action="closed", body={})
        return Placed(id=uuid.uuid4(), what="nothing more")

    return await once(request, caller, database, run)


router.post("/shops/{shop}/orders")(place)
router.post("/shops/{shop}/returns")(place)


@pytest.fixture
async def shop(settings):
    gate.set()
    async with serve_routers(settings, "review", [router]) as api:
        yield api


@pytest.fixture
async def done(as_role):
    conn = await as_role("review", "inspector")
    return lambda: conn.fetchval("select count(*) from audit where action = 'ordered'")


async def test_the_same_request_again_gets_the_first_answer(shop, person, done):
    anna = person()
    first = await shop.post(anna, "/v1/shops/1/orders", {"what": "tea"}, key="k")
    assert first.status_code == 201
    again = await shop.post(anna, "/v1/shops/1/orders", {"what": "tea"}, key="k")
    assert (again.status_code, again.content) == (201, first.content)
    assert (again.headers["etag"], again.headers["location"]) == (
        first.headers["etag"],
        first.headers["location"],
    )
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert await done() == 1


async def test_equal_json_in_other_words_is_the_same_request(shop, person, done):
    anna = person()
    headers = {**anna.headers, "Idempotency-Key": "k", "Content-Type": "application/json"}
    texts = (b'{"what":"tea","amount":2}', b' {\n "amount": 2, "what": "t\\u0065a" }')
    answers = [await shop.client.post("/v1/shops/1/orders", content=text, headers=headers) for text in texts]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert await done() == 1


async def test_a_key_is_required_and_must_be_visible_text(shop, person, done):
    anna = person()
    for headers in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "x" * 201}, {"Idempotency-Key": "a b"}):
        answer = await shop.client.post(
            "/v1/shops/1/orders", json={"what": "x"}, headers={**anna.headers, **headers}
        )
        assert answer.status_code == 400
        assert answer.json()["type"].endswith("/idempotency-key-missing")
    assert await done() == 0


async def test_a_body_too_deep_to_be_read_is_no_failure_of_ours(shop, person, done):
    """On a route that takes no body either."""
    headers = {**person().headers, "Idempotency-Key": "k", "Content-Type": "application/json"}
    for path, expected in (("/v1/shops/1/orders", 400), ("/v1/shops/1/closing", 201)):
        answer = await shop.client.post(path, content=b"[" * 5000, headers=headers)
        assert answer.status_code == expected, answer.text


async def test_the_same_key_with_another_body_or_path_is_refused(shop, person, done):
    anna = person()
    await shop.post(anna, "/v1/shops/1/orders", {"what": "tea"}, key="k")
    for path, what in (("/v1/shops/1/orders", "coffee"), ("/v1/shops/2/orders", "tea")):
        answer = await shop.post(anna, path, {"what": what}, key="k")
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("/idempotency-key-reused")
    assert await done() == 1


async def test_keys_belong_to_a_person_and_a_route(shop, person, done):
    anna, berit = person(), person()
    answers = [
        await shop.post(anna, "/v1/shops/1/orders", {"what": "tea"}, key="k"),
        await shop.post(berit, "/v1/shops/1/orders", {"what": "tea"}, key="k"),
        await shop.post(anna, "/v1/shops/1/returns", {"what": "tea"}, key="k"),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 3
    assert await done() == 3


async def test_a_refusal_is_not_remembered(shop, person, done):
    anna = person()
    refused = await shop.post(anna, "/v1/shops/1/orders", {"what": "tea", "refuse": True}, key="k")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("/sold-out")
    mended = await shop.post(anna, "/v1/shops/1/orders", {"what": "tea"}, key="k")
    assert mended.status_code == 201
    assert await done() == 1


async def test_while_the_first_is_in_progress_the_second_is_told_to_ask_again(shop, person, done):
    anna = person()
    gate.clear()
    requests = [
        asyncio.create_task(shop.post(anna, "/v1/shops/1/orders", {"what": "tea"}, key="k")) for _ in range(2)
    ]
    (told,), (waiting,) = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    assert told.result().status_code == 409
    assert told.result().json()["type"].endswith("/request-in-progress")
    assert told.result().headers["retry-after"] == "1"
    gate.set()
    assert (await waiting).status_code == 201
    assert await done() == 1


async def test_a_hundred_at_once_do_it_once(shop, person, done):
    anna = person()
    answers = await asyncio.gather(
        *(shop.post(anna, "/v1/shops/1/orders", {"what": "tea"}, key="k") for _ in range(100))
    )
    statuses = {answer.status_code for answer in answers}
    assert 201 in statuses
    assert statuses <= {201, 409, 503}, "done, in progress, or too busy to say"
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert await done() == 1


async def test_a_crash_after_the_commit_is_answered_from_the_note(shop, person, done, as_role):
    """The answer got lost, the row did not: command and note are of one transaction."""
    anna = person()
    lost = await shop.post(anna, "/v1/shops/1/orders", {"what": "tea"}, key="k")
    owner = await as_role("review", "owner")
    row = await owner.fetchrow("select * from idempotency")
    assert (row["person_id"], row["route"], row["key"]) == (anna.id, "POST /v1/shops/{shop}/orders", "k")
    assert row["response"] == lost.text
    command = await owner.fetchval("select xmin::text from audit where action = 'ordered'")
    assert command == await owner.fetchval("select xmin::text from idempotency")
