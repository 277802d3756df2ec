"""Nobody is waited for in vain: a task that can change nothing any more is closed, and answered no more."""

import uuid
from collections.abc import Callable

import pytest

from services.intake import events as intake
from services.review.domain.cases import CaseState
from tests.service.review.case_play import CasePlay
from tests.service.review.decision_play import ask_clarification, case_decided, consult, decide, refused
from tests.service.review.panel_play import CALL
from tests.service.review.task_play import FACTS
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds


def handed_back(case: uuid.UUID, version: int = 1) -> intake.ApplicationReturned:
    return intake.ApplicationReturned(application_id=case, call_id=CALL, version=version, cause="infected")


async def waited_for(play: CasePlay) -> list[str]:
    return sorted(item["kind"] for item in await play.worklist(play.adviser, "all"))


async def test_a_return_by_the_trust_ends_the_wait_for_a_rejection_of_that_version(
    play: CasePlay, adviser: Person
) -> None:
    await play.begin()
    case = await play.submit("a")
    await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    await play.open(kinds.CONFIRM_REJECTION, case)
    assert (await decide(play, adviser, case, "returned")).status_code == 201
    assert await waited_for(play) == []
    await play.open(kinds.CONFIRM_REJECTION, case)  # the workflow was late
    assert await waited_for(play) == []
    await play.open(kinds.PRESCREEN, case, "2", role="hf_adviser")  # it knows of the next version before us
    await play.resubmit("a", 2)
    await play.open(kinds.CONFIRM_REJECTION, case, "2")
    assert await waited_for(play) == [kinds.CONFIRM_REJECTION, kinds.PRESCREEN]


async def test_a_version_that_is_handed_back_was_never_waited_for_when_its_task_comes_late(
    play: CasePlay,
) -> None:
    await play.begin()
    case = await play.submit("a")
    await play.deliver(handed_back(case), str(case))
    await play.resubmit("a", 2)
    await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    await play.open(kinds.CONFIRM_REJECTION, case)
    assert await waited_for(play) == []


@pytest.mark.parametrize("kind", [kinds.PRESCREEN, kinds.CONFIRM_REJECTION, kinds.CONSULT])
async def test_the_decision_ends_what_a_straggler_still_lacked(play: CasePlay, kind: str) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    await play.enter(case, "prescreening")
    await play.open(kind, case, organisation="HP")
    assert await waited_for(play) == [kind]
    await play.deliver(case_decided(case), str(case))
    assert await waited_for(play) == []
    assert [fact["outcome"] for fact in await play.facts("task-closed")] == ["cancelled"]
    assert (await play.case(case))["state"] == CaseState.DECIDED


async def test_after_the_decision_nobody_recommends_consults_or_clarifies(
    play: CasePlay, adviser: Person, consultant: Person
) -> None:
    await play.begin()
    _, clarification = await ask_clarification(play, "a")
    case = await play.submit("a", touches=["HP"])
    await play.enter(case, "prescreening")
    await play.deliver(case_decided(case), str(case))
    refused(await decide(play, adviser, case, "recommended"), 409, "step-out-of-order")
    refused(await consult(play, consultant, case), 409, "step-out-of-order")
    body = {"outcome": "adjust", "reason": "Because."}
    answer = await play.api.post(consultant, f"/v1/clarifications/{clarification}/answer", body)
    refused(answer, 409, "step-out-of-order")
    assert await play.facts("prescreening-decided") == []
    await play.open(kinds.CONSULT, case, role="consultant", organisation="HP")
    assert await waited_for(play) == []
    await play.deliver(case_decided(case, 2), str(case))
    assert (await play.case(case))["state"] == CaseState.DECIDED


async def test_a_withdrawal_that_crossed_with_the_decision_brings_no_old_task_back(play: CasePlay) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    await play.enter(case, "prescreening")
    await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    await play.open(kinds.CONFIRM_MOVE, case)
    await play.deliver(FACTS["withdraw"](case), str(case))
    await play.deliver(case_decided(case), str(case))
    assert (await play.case(case))["state"] == CaseState.ENDED
    await play.deliver(FACTS["undo_withdrawal"](case), str(case))
    assert (await play.case(case))["state"] == CaseState.DECIDED
    assert await waited_for(play) == [kinds.CONFIRM_MOVE]


async def test_a_case_that_is_assessed_again_is_in_a_round_until_it_is_decided_again(play: CasePlay) -> None:
    await play.begin()
    case = await play.submit("a")
    await play.enter(case)
    await play.deliver(case_decided(case), str(case))
    await play.order("open_reassessment", f"{case}.r1", application_id=case)
    assert (await play.case(case))["state"] == CaseState.IN_ROUND
    await play.deliver(case_decided(case, 2), str(case))
    assert (await play.case(case))["state"] == CaseState.DECIDED


async def test_a_clarification_that_is_answered_late_is_the_consultations_answer(
    play: CasePlay, adviser: Person, consultant: Person
) -> None:
    await play.begin()
    _, clarification = await ask_clarification(play, "a")
    case = await play.submit("a", touches=["HP", "TTO"])
    await decide(play, adviser, case, "recommended")
    for organisation in "HP", "TTO":
        await play.open(kinds.CONSULT, case, role="consultant", organisation=organisation)
    body = {"outcome": "covered", "reason": "Because."}
    answer = await play.api.post(consultant, f"/v1/clarifications/{clarification}/answer", body)
    assert answer.status_code == 201, answer.text
    left = [(item["kind"], item["n"]) for item in await play.worklist(play.adviser, "all")]
    assert left == [(kinds.CONSULT, "TTO")]


async def test_a_case_that_is_handed_back_keeps_its_questions_and_clarifications(
    play: CasePlay, adviser: Person, consultant: Person, person: Callable[..., Person]
) -> None:
    await play.begin()
    _, clarification = await ask_clarification(play, "a")
    holder = person()
    case = await play.resubmit("a", 1, holder_id=holder.id, touches=["HP", "TTO"])
    await decide(play, adviser, case, "recommended")
    for organisation in "HP", "TTO":
        await play.open(kinds.CONSULT, case, role="consultant", organisation=organisation)
    question = await play.ask(adviser, case)
    await play.deliver(handed_back(case), str(case))
    assert await waited_for(play) == [kinds.ANSWER_CLARIFICATION, kinds.ANSWER_QUESTION]
    await play.answer(holder, question)
    await play.resubmit("a", 2, holder_id=holder.id, touches=["TTO"])
    await decide(play, adviser, case, "recommended", version=2)
    left = [(item["kind"], item["n"]) for item in await play.worklist(play.adviser, "all")]
    assert sorted(left) == [(kinds.ANSWER_CLARIFICATION, "1"), (kinds.CONSULT, "TTO")]
    body = {"outcome": "covered", "reason": "Because."}
    answer = await play.api.post(consultant, f"/v1/clarifications/{clarification}/answer", body)
    assert answer.status_code == 201, answer.text


async def test_a_version_mended_in_its_round_is_not_waited_for_as_it_was(play: CasePlay) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP", "TTO"])
    await play.enter(case, "prescreening")
    await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    for organisation in "HP", "TTO":
        await play.open(kinds.CONSULT, case, role="consultant", organisation=organisation)
    await play.resubmit("a", 2, touches=["TTO"])
    left = [(item["kind"], item["n"]) for item in await play.worklist(play.adviser, "all")]
    assert left == [(kinds.CONSULT, "TTO")]
