"""A request, its event on the way, and what the event causes elsewhere are one trace, without names."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from fastapi import APIRouter

from services.common import parking
from services.common.auth import CallerDep
from services.common.consumer import Consumer
from services.common.errors import Refused
from services.common.http import Body, DatabaseDep
from services.common.record import Actor, Fact, record
from services.common.relay import Relay
from tests.support import eventually
from tests.support.api import serve_routers
from tests.support.facts import delivery
from tests.support.spans import parent_id, trace_id

CANARY = "Kari Kanarifugl"
router = APIRouter(prefix="/v1")


@dataclass(frozen=True, kw_only=True)
class Submitted(Fact):
    TYPE: ClassVar[str] = "no.innoflyt.intake.submitted.v1"


class Person(Body):
    name: str


@router.post("/applications/{application_id}/submission")
async def submit(
    application_id: str, person: Person, caller: CallerDep, database: DatabaseDep
) -> dict[str, str]:
    async with database.transaction() as conn:
        fact = router.fact()
        await record(conn, key=application_id, actor=caller.actor, action="submitted", body={}, events=[fact])
    if person.name == "refuse":
        raise Refused(CANARY)
    if person.name == "bug":
        raise ZeroDivisionError(CANARY)
    return {"hello": person.name}


async def note(conn, event):
    await record(conn, key=event.key, actor=Actor("service", "review"), action="noted", body={})


async def test_request_relay_and_consumer_are_one_trace(
    settings, topic, open_database, as_role, person, running, spans
):
    router.fact = type("Submitted", (Submitted,), {"TOPIC": topic})
    running(Relay(settings, "intake").run())
    running(Consumer(await open_database("review"), "review", (topic,), {Submitted.TYPE: note}).run())
    async with serve_routers(settings, "intake", [router]) as api:
        anna = person(name=CANARY, email="canary@helse-midt.test")
        answer = await api.post(
            anna, "/v1/applications/A1/submission", {"name": CANARY}, headers={"X-Call-Id": "call-0001"}
        )
        assert answer.status_code == 200
        review = await as_role("review", "inspector")
        await eventually(lambda: review.fetchval("select count(*) = 1 from audit"), deadline=60)
    await eventually(lambda: spans.all(f"send {topic}") and spans.all(f"process {topic}"))
    request = spans.one("POST /v1/applications/{application_id}/submission")
    # A fact may be sent, and so be taken in, more than once.
    caused = spans.all(f"send {topic}") + spans.all(f"process {topic}")
    assert {trace_id(span) for span in caused} == {trace_id(request)}
    for span in caused:
        assert parent_id(span) == format(request.get_span_context().span_id, "016x")
    for span in (request, *caused):
        assert span.attributes["application_id"] == "A1"
    intake = await as_role("intake", "inspector")
    row = await intake.fetchrow("select traceparent, call_id, causation_id from outbox")
    assert row["traceparent"].split("-")[1] == trace_id(request)
    assert (row["call_id"], row["causation_id"]) == ("call-0001", "call-0001")
    text = spans.text()
    assert CANARY not in text
    assert "canary@" not in text


async def test_what_an_operator_retries_goes_on_in_the_trace_of_its_command(topic, open_database, spans):
    database = await open_database("review")
    given = "00-" + "e" * 32 + "-" + "f" * 16 + "-01"
    fact = type("Submitted", (Submitted,), {"TOPIC": topic})()
    message = delivery(fact, "A1")
    message = replace(message, headers=(*message.headers, ("traceparent", given.encode())))

    async def refuse(conn, event):
        raise Refused("not now")

    await Consumer(database, "review", (topic,), {Submitted.TYPE: refuse}).take(message)
    operator = Actor("service", "operator test")
    assert await parking.retry(database, "review", "A1", {Submitted.TYPE: note}, operator) == 1
    retried = spans.one(f"retry {topic}")
    assert trace_id(retried) == "e" * 32
    assert retried.attributes["application_id"] == "A1"


@pytest.mark.parametrize("name", ["refuse", "bug"])
async def test_failures_leave_no_text_in_spans(settings, topic, person, spans, name):
    router.fact = type("Submitted", (Submitted,), {"TOPIC": topic})
    async with serve_routers(settings, "intake", [router]) as api:
        await api.post(person(name=CANARY), "/v1/applications/A1/submission", {"name": name})
    assert CANARY not in spans.text()
    request = spans.one("POST /v1/applications/{application_id}/submission")
    assert request.attributes["http.response.status_code"] == (409 if name == "refuse" else 500)
    assert request.status.is_ok == (name == "refuse")


async def test_a_request_continues_the_trace_of_the_portal(settings, topic, person, spans):
    router.fact = type("Submitted", (Submitted,), {"TOPIC": topic})
    given = "00-" + "c" * 32 + "-" + "d" * 16 + "-01"
    async with serve_routers(settings, "intake", [router]) as api:
        await api.post(
            person(), "/v1/applications/A1/submission", {"name": "x"}, headers={"traceparent": given}
        )
    assert trace_id(spans.one("POST /v1/applications/{application_id}/submission")) == "c" * 32
