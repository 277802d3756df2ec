"""Opening and closing a task: once, with a tombstone, in one record, also for what no procedure foresees."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest

from services.common.consumer import Consumer
from services.common.record import verify_chain
from services.notify.events import MessageFailed
from services.review.commands import tasks as commands
from services.review.commands.recording import record_facts
from services.review.consumers import HANDLERS
from tests.service.review.case_play import FAR, CasePlay
from tests.service.review.decision_play import clarification_asked
from tests.service.review.panel_play import CALL, WORKFLOW
from tests.service.review.task_play import FACTS, HOUR, consult, plan_judged, short_call
from tests.support.facts import delivery
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds
from workflows.contracts.review import OpenTask
from workflows.events import FactArrivedLate


async def test_opening_states_audience_due_ladder_and_where_to_act(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    (fact,) = await play.facts("task-opened")
    row = await play.row(task_id)
    assert row["due_at"] - row["opened_at"] == 10 * HOUR
    assert fact["task_id"] == str(task_id)
    assert fact["audience"] == {"role": "consultant", "organisation": "HP", "person_id": None}
    assert [step["kind"] for step in fact["ladder"]] == ["reminder", "reminder", "escalation", "escalation"]
    assert fact["act_path"] == f"POST review /v1/cases/{case}/consultations/HP"


async def test_opening_twice_opens_once(play: CasePlay) -> None:
    case = await short_call(play)
    await asyncio.gather(*(consult(play, case) for _ in range(5)))
    assert len(await play.facts("task-opened")) == 1
    async with play.database.read() as conn:
        assert await conn.fetchval("select count(*) from audit where action = 'task.opened'") == 1


async def test_roles_of_the_applicants_side_are_narrowed_to_their_trust_and_person(play: CasePlay) -> None:
    case = await short_call(play)
    adviser = await play.row(await play.open(kinds.PRESCREEN, case, role="hf_adviser"))
    invoices = await play.row(await play.open(kinds.REGISTER_INVOICES, case, role="institution"))
    holder = await play.row(await play.open(kinds.DELIVER_PLAN, case, "HP:1", role="holder"))
    assert adviser["audience_organisation"] == invoices["audience_organisation"] == "STOLAV"
    assert holder["audience_person"] == (await play.case(case))["holder_id"]


async def test_a_due_instant_from_the_workflow_goes_before_the_calls_rule(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.CONFIRM_START, case, role="holder", due_at=FAR)
    assert (await play.row(task_id))["due_at"] == FAR


async def test_a_close_before_the_open_leaves_a_tombstone(play: CasePlay) -> None:
    case = await short_call(play)
    await play.deliver(plan_judged(case), str(case))
    task_id = await play.open(kinds.CONFIRM_PLAN, case, "HP:1", role="consultant", organisation="HP")
    row = await play.row(task_id)
    assert (row["state"], row["opened_at"]) == ("done", None)
    assert await play.facts("task-opened") == []
    assert (await play.api.get(play.adviser, f"/v1/tasks/{task_id}")).status_code == 404
    assert await play.worklist(play.adviser, "all") == []


async def test_a_second_close_says_nothing(play: CasePlay) -> None:
    case = await short_call(play)
    await play.open(kinds.CONFIRM_PLAN, case, "HP:1", role="consultant", organisation="HP")
    await play.deliver(plan_judged(case), str(case))
    await play.deliver(plan_judged(case), str(case))
    (closed,) = await play.facts("task-closed")
    assert closed["outcome"] == "done"


async def test_a_task_waits_for_its_call_and_case_to_be_known(play: CasePlay) -> None:
    with pytest.raises(commands.CaseNotKnownYet):
        await play.open(kinds.PRESCREEN, uuid.uuid4(), role="hf_adviser")
    async with play.database.transaction() as conn:
        with pytest.raises(commands.CallNotKnownYet):
            await commands.open_task(
                conn, OpenTask("nocall.d1", kinds.PREPARE_DECISION, "1", "nocall", None, "rhf_adviser")
            )


async def test_a_fact_that_comes_before_its_call_waits_for_it_and_is_not_parked(play: CasePlay) -> None:
    asked = clarification_asked()
    message = delivery(asked, str(asked.application_id))
    consumer = Consumer(play.database, "review", [asked.TOPIC], HANDLERS)
    for _ in range(6):  # more often than a fault is tried
        with pytest.raises(commands.CallNotKnownYet):
            await consumer.take(message)
    async with play.database.read() as conn:
        assert await conn.fetchval("select count(*) from parked") == 0
    await play.begin()
    await consumer.take(message)
    assert [fact["kind"] for fact in await play.facts("task-opened")] == [kinds.ANSWER_CLARIFICATION]


async def test_a_mail_that_came_back_asks_an_adviser_also_about_a_draft_or_a_case_that_ended(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    await play.deliver(FACTS["withdraw"](case), str(case))
    for application_id, call_id in (case, CALL), (uuid.uuid4(), CALL), (None, CALL), (None, None):
        failed = MessageFailed(
            message_id=uuid.uuid4(),
            application_id=application_id,
            call_id=call_id,
            template="receipt",
            person_id=uuid.uuid4(),
        )
        await play.deliver(failed, str(application_id or call_id or failed.person_id))
    waiting = await play.worklist(play.adviser)
    assert [item["kind"] for item in waiting] == [kinds.REACH_RECIPIENT] * 4
    done = await play.api.post(
        play.adviser, f"/v1/tasks/{waiting[0]['id']}/handled", {"note": "Called them."}
    )
    assert done.status_code == 200
    assert done.json()["state"] == "done"
    assert len(await play.worklist(play.adviser)) == 3


async def test_a_facts_many_tasks_fit_into_one_record(play: CasePlay) -> None:
    first = await short_call(play)
    second = await play.submit("b")
    async with play.database.transaction() as conn:
        facts = []
        for case in (first, second):
            order = OpenTask(str(case), kinds.CONFIRM_MOVE, "1", CALL, case, "rhf_adviser")
            facts += await commands.open_task(conn, order)
            facts += await commands.close_task(
                conn, str(case), kinds.CONFIRM_MOVE, "1", by=WORKFLOW, call_id=CALL, application_id=case
            )
        await record_facts(conn, WORKFLOW, "both", {}, facts)
    async with play.database.read() as conn:
        keys = await conn.fetch("select key from audit where action = 'both'")
        assert await verify_chain(conn) == []
    assert {row["key"] for row in keys} == {str(first), str(second)}
    assert len(await play.facts("task-closed")) == 2


async def test_a_closed_task_keeps_who_closed_it(
    play: CasePlay, known: Callable[..., Awaitable[Person]]
) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    adviser = await known("hf_adviser", organisation="STOLAV")
    await play.prescreen(adviser, case)
    row = await play.row(task_id)
    assert (row["closed_by"], row["closed_because"]) == (str(adviser.id), "done")


async def test_a_fact_that_came_too_late_for_its_run_asks_an_adviser(play: CasePlay) -> None:
    case = await short_call(play)
    for application_id in (case, None):
        late = FactArrivedLate(
            application_id=application_id, call_id=CALL, event_id=uuid.uuid4(), type="no.innoflyt.x.y.v1"
        )
        await play.deliver(late, str(application_id or CALL))
    waiting = await play.worklist(play.adviser)
    assert [item["kind"] for item in waiting] == [kinds.HANDLE_LATE_FACT] * 2
    assert {item["subject"] for item in waiting} == {str(case), CALL}
