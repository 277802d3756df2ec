"""The end of a case ends its waits, and the undo of that end brings them back."""

import uuid
from collections.abc import Callable

import pytest

from tests.service.review.case_play import CasePlay
from tests.service.review.task_play import DAY, FACTS, HOUR, consult, holder_of, short_call
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds


@pytest.mark.parametrize(
    ("ended_as", "ending", "undo"),
    [
        ("withdrawn", "withdraw", "undo_withdrawal"),
        ("rejected", "reject", "undo_rejection"),
    ],
)
async def test_the_end_of_a_case_ends_its_waits_and_the_undo_brings_them_back(
    play: CasePlay, person: Callable[..., Person], ended_as: str, ending: str, undo: str
) -> None:
    case = await short_call(play)
    running = await consult(play, case)
    paused = await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    adviser = person("hf_adviser", organisation="STOLAV")
    question = await play.ask(adviser, case, paused)
    await play.deliver(FACTS[ending](case), str(case))
    assert (await play.case(case))["ended_as"] == ended_as
    assert await play.worklist(play.adviser, "all") == []
    assert {fact["outcome"] for fact in await play.facts("task-closed")} == {"cancelled"}
    await play.open(kinds.CONFIRM_MOVE, case)
    assert await play.worklist(play.adviser, "all") == [], "an ended case opens no task"

    for task_id in (running, paused):
        await play.pass_time(task_id, 100 * DAY)
    await play.deliver(FACTS[undo](case), str(case))
    assert (await play.case(case))["ended_as"] is None
    back = {item["kind"]: item for item in await play.worklist(play.adviser, "all")}
    assert back.keys() == {kinds.CONSULT, kinds.PRESCREEN, kinds.ANSWER_QUESTION, kinds.CONFIRM_MOVE}
    assert back[kinds.CONSULT]["id"] != str(running), "a new clock needs an id of its own"
    assert back[kinds.PRESCREEN]["state"] == "paused"
    consultation = await play.row(uuid.UUID(back[kinds.CONSULT]["id"]))
    assert 9 * HOUR < consultation["due_at"] - consultation["opened_at"] <= 10 * HOUR
    holder = await holder_of(play, case, person)
    await play.answer(holder, question)
    assert (await play.row(uuid.UUID(back[kinds.PRESCREEN]["id"])))["state"] == "open"
    await play.prescreen(adviser, case)
    open_kinds = {item["kind"] for item in await play.worklist(play.adviser, "all")}
    assert open_kinds == {kinds.CONSULT, kinds.CONFIRM_MOVE}


async def test_a_second_ending_and_a_foreign_undo_change_nothing(play: CasePlay) -> None:
    case = await short_call(play)
    await play.deliver(FACTS["reject"](case), str(case))
    await play.deliver(FACTS["withdraw"](case), str(case))
    await play.deliver(FACTS["undo_withdrawal"](case), str(case))
    assert (await play.case(case))["ended_as"] == "rejected"


async def test_what_waited_behind_a_confirmed_rejection_is_done_and_not_reopened(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.CONFIRM_REJECTION, case)
    await play.deliver(FACTS["reject"](case), str(case))
    assert (await play.row(task_id))["state"] == "done"
    await play.deliver(FACTS["undo_rejection"](case), str(case))
    assert await play.worklist(play.adviser, "all") == []
