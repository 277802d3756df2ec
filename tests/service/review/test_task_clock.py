"""The clock of a task: reminders and escalations fire once, and stand still while an answer is owed."""

import uuid
from collections.abc import Callable

import pytest

from services.review.commands import clock
from tests.service.review.case_play import FAR, CasePlay
from tests.service.review.task_play import DAY, HOUR, consult, holder_of, short_call
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds
from workflows.contracts.review import LadderStep


async def test_reminders_and_escalations_fire_once_and_name_whom(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    await play.pass_time(task_id, 14 * HOUR)
    for n in (1, 2, 3, 4, 4, 1):
        await play.step(task_id, n)
    reminded, escalated = await play.facts("task-reminded"), await play.facts("task-escalated")
    assert [fact["step"] for fact in reminded] == [1, 2]
    assert [(fact["step"], fact["level"]) for fact in escalated] == [(3, 1), (4, 2)]
    assert escalated[0]["to"] == [{"role": "lead", "organisation": "HP", "person_id": None}]
    assert escalated[1]["to"] == [
        {"role": "rhf_adviser", "organisation": None, "person_id": None},
        {"role": "hf_adviser", "organisation": "STOLAV", "person_id": None},
    ]


async def test_a_step_whose_instant_has_not_come_is_tried_again(play: CasePlay) -> None:
    task_id = await consult(play, await short_call(play))
    with pytest.raises(clock.StepNotDueYet) as early:
        await play.step(task_id, 1)
    assert 8 * HOUR < early.value.wait <= 9 * HOUR


async def test_a_reminder_reaches_who_claimed_the_task(play: CasePlay, person: Callable[..., Person]) -> None:
    task_id = await consult(play, await short_call(play))
    consultant = person("consultant", organisation="HP")
    assert (await play.api.post(consultant, f"/v1/tasks/{task_id}/claim")).status_code == 200
    await play.pass_time(task_id, 10 * HOUR)
    await play.step(task_id, 1)
    (reminded,) = await play.facts("task-reminded")
    assert reminded["to"] == [{"role": "consultant", "organisation": "HP", "person_id": str(consultant.id)}]


async def test_a_step_of_a_closed_paused_or_moved_task_does_nothing(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    consultant = person("consultant", organisation="HP")
    old_due = (await play.row(task_id))["due_at"]
    await play.ask(consultant, case, task_id)
    await play.pass_time(task_id, 20 * HOUR)
    assert await play.step(task_id, 3) == [], "it is paused"
    assert await play.step(task_id, 3, old_due) == [], "it is of an older clock"
    await play.prescreen(person("hf_adviser", organisation="STOLAV"), case)
    await play.api.post(
        consultant, f"/v1/cases/{case}/consultations/HP", {"outcome": "feasible", "reason": "Fine."}
    )
    assert (await play.row(task_id))["state"] == "done"
    assert await play.step(task_id, 3) == [], "it is closed"
    assert await play.facts("task-escalated") == []


async def test_an_answered_question_moves_due_and_ladder_by_exactly_the_pause(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    consultant = person("consultant", organisation="HP")
    before, ladder = await play.row(task_id), await play.ladder(task_id)
    question_id = await play.ask(consultant, case, task_id)
    assert (await play.row(task_id))["state"] == "paused"
    await play.pass_time(task_id, 30 * HOUR)  # first reminder's and due instant pass meanwhile
    holder = await holder_of(play, case, person)
    await play.answer(holder, question_id)
    after = await play.row(task_id)
    async with play.database.read() as conn:
        pause = await conn.fetchrow("select * from pause where task_id = $1", task_id)
    assert after["state"] == "open"
    assert after["due_at"] == before["due_at"] - 30 * HOUR + (pause["resumed_at"] - pause["paused_at"])
    assert await play.ladder(task_id) == ladder
    (moved,) = await play.facts("task-moved")
    assert moved["cause"] == "resumed"
    assert len(moved["ladder"]) == 4
    assert await play.facts("task-reminded") == []


async def test_the_case_shows_for_whom_it_waited(play: CasePlay, person: Callable[..., Person]) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    await play.pass_time(task_id, 2 * HOUR)
    question_id = await play.ask(person("consultant", organisation="HP"), case, task_id)
    await play.pass_time(task_id, 5 * HOUR)
    holder = await holder_of(play, case, person)
    await play.answer(holder, question_id)
    found = (await play.api.get(holder, f"/v1/cases/{case}")).json()
    (waited,) = [task["waited"] for task in found["tasks"] if task["id"] == str(task_id)]
    assert waited["unit"] == "seconds"
    assert waited["us"] == pytest.approx(2 * 3600, abs=60)
    assert waited["them"] == pytest.approx(5 * 3600, abs=60)


async def test_a_task_waits_for_the_last_of_its_questions(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    consultant = person("consultant", organisation="HP")
    first = await play.ask(consultant, case, task_id)
    second = await play.ask(consultant, case, task_id)
    holder = await holder_of(play, case, person)
    await play.answer(holder, first)
    assert (await play.row(task_id))["state"] == "paused"
    await play.answer(holder, second)
    assert (await play.row(task_id))["state"] == "open"
    assert len(await play.facts("task-paused")) == len(await play.facts("task-moved")) == 1


async def test_a_question_opens_a_task_for_who_is_asked_and_its_answer_closes_it(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    question_id = await play.ask(play.adviser, case)
    task_id = kinds.task_id(str(case), kinds.ANSWER_QUESTION, str(question_id))
    assert (await play.row(task_id))["audience_person"] == (await play.case(case))["holder_id"]
    await play.answer(await holder_of(play, case, person), question_id)
    assert (await play.row(task_id))["state"] == "done"
    asked = await play.api.get(play.adviser, f"/v1/cases/{case}/questions")
    assert [(q["text"], q["answer"]) for q in asked.json()["items"]] == [
        ("How long does it take?", "A week.")
    ]


async def test_the_asker_hears_when_an_answer_is_late(play: CasePlay) -> None:
    case = await short_call(play)
    question_id = await play.ask(play.adviser, case)
    task_id = kinds.task_id(str(case), kinds.ANSWER_QUESTION, str(question_id))
    await play.pass_time(task_id, 20 * DAY)
    await play.step(task_id, 3)
    (escalated,) = await play.facts("task-escalated")
    assert escalated["to"] == [{"role": "asker", "organisation": None, "person_id": str(play.adviser.id)}]


async def test_a_step_of_an_unknown_task_does_nothing(play: CasePlay) -> None:
    await short_call(play)
    async with play.database.transaction() as conn:
        assert await clock.take_ladder_step(conn, LadderStep(uuid.uuid4(), 1, FAR)) == []
