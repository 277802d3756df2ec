"""Pre-screening and consultations: every outcome, and every refusal."""

import asyncio
import uuid
from collections.abc import Callable

import pytest

from services.intake import events as intake
from tests.service.review.case_play import CasePlay, submitted
from tests.service.review.decision_play import ask_clarification, consult, decide, refused
from tests.service.review.panel_play import AT, CALL
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds


@pytest.mark.parametrize(
    ("outcome", "state", "ended_as"),
    [
        ("recommended", "consulting", None),
        ("not_recommended", "ended", "not_recommended"),
        ("returned", "returned", None),
    ],
)
async def test_the_trust_decides_with_reason_and_decider(
    play: CasePlay, adviser: Person, outcome: str, state: str, ended_as: str | None
) -> None:
    await play.begin()
    case = await play.submit("a")
    await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    assert (await decide(play, adviser, case, outcome)).status_code == 201
    row = await play.case(case)
    assert (row["state"], row["ended_as"]) == (state, ended_as)
    (fact,) = await play.facts("prescreening-decided")
    assert (fact["version"], fact["outcome"], fact["decided_by"]) == (1, outcome, str(adviser.id))
    shown = (await play.api.get(adviser, f"/v1/cases/{case}")).json()["prescreenings"]
    assert [(p["outcome"], p["reason"], p["decided_by"]) for p in shown] == [
        (outcome, "Because.", str(adviser.id))
    ]
    assert await play.worklist(adviser, "all") == []


async def test_a_decision_needs_no_open_task_and_leaves_none_behind(play: CasePlay, adviser: Person) -> None:
    await play.begin()
    case = await play.submit("a")
    assert (await decide(play, adviser, case, "recommended")).status_code == 201
    await play.open(kinds.PRESCREEN, case, role="hf_adviser")  # the workflow was late
    assert await play.worklist(adviser, "all") == []


async def test_a_not_recommended_case_ends_every_wait_in_the_same_step(
    play: CasePlay, adviser: Person
) -> None:
    await play.begin()
    case = await play.submit("a")
    await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    await play.open(kinds.CONFIRM_REJECTION, case)
    await decide(play, adviser, case, "not_recommended")
    closed = {fact["kind"]: fact["outcome"] for fact in await play.facts("task-closed")}
    assert closed == {kinds.PRESCREEN: "done", kinds.CONFIRM_REJECTION: "cancelled"}
    async with play.database.read() as conn:
        count = await conn.fetchval("select count(*) from audit where action = 'prescreening.decided'")
    assert count == 1


async def test_a_decided_version_cannot_be_decided_again(play: CasePlay, adviser: Person) -> None:
    await play.begin()
    case = await play.submit("a")
    await decide(play, adviser, case, "recommended")
    refused(await decide(play, adviser, case, "not_recommended"), 409, "step-out-of-order")


async def test_of_two_advisers_deciding_at_once_one_is_told_that_it_is_done(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    await play.begin()
    case = await play.submit("a")
    two = [person("hf_adviser", organisation="STOLAV") for _ in range(2)]
    answers = await asyncio.gather(
        decide(play, two[0], case, "recommended"), decide(play, two[1], case, "not_recommended")
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(await play.facts("prescreening-decided")) == 1


async def test_a_superseded_version_cannot_be_decided(play: CasePlay, adviser: Person) -> None:
    await play.begin()
    case = await play.submit("a")
    await decide(play, adviser, case, "returned")
    await play.resubmit("a", 2)
    refused(await decide(play, adviser, case, "recommended", version=1), 409, "version-superseded")
    assert (await decide(play, adviser, case, "recommended", version=2)).status_code == 201


async def test_a_return_is_refused_after_the_deadline(play: CasePlay, adviser: Person) -> None:
    await play.begin(deadline=AT)
    case = await play.submit("a")
    refused(await decide(play, adviser, case, "returned"), 409, "return-too-late")
    assert (await play.case(case))["state"] == "prescreening"
    assert (await decide(play, adviser, case, "recommended")).status_code == 201


async def test_a_return_is_refused_after_the_trusts_own_deadline(play: CasePlay, adviser: Person) -> None:
    await play.begin()
    case = await play.resubmit("a", 1, after_internal_deadline=True)
    refused(await decide(play, adviser, case, "returned"), 409, "return-too-late")


async def test_what_a_moved_deadline_has_brought_in_time_can_be_returned(
    play: CasePlay, adviser: Person
) -> None:
    await play.begin()
    case = await play.resubmit("a", 1, after_internal_deadline=True)
    await play.deliver(intake.SubmissionInTime(application_id=case, call_id=CALL), str(case))
    assert (await decide(play, adviser, case, "returned")).status_code == 201


async def test_a_no_that_crossed_with_a_return_by_intake_is_about_a_version_that_is_not_in_any_more(
    play: CasePlay, adviser: Person
) -> None:
    """Intake has given the applicant the pen, so the next version may come, and is judged anew."""
    await play.begin()
    case = await play.submit("a")
    await decide(play, adviser, case, "not_recommended")
    returned = intake.ApplicationReturned(application_id=case, call_id=CALL, version=1, cause="infected")
    await play.deliver(returned, str(case))
    assert (await play.case(case))["state"] == "returned"
    await play.resubmit("a", 2)
    assert (await decide(play, adviser, case, "recommended", version=2)).status_code == 201


async def test_a_return_by_intake_starts_over_and_keeps_the_consultations_that_were_waited_for(
    play: CasePlay, adviser: Person, consultant: Person
) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    await decide(play, adviser, case, "recommended")
    await play.open(kinds.CONSULT, case, "HP", role="consultant", organisation="HP")
    returned = intake.ApplicationReturned(application_id=case, call_id=CALL, version=1, cause="infected")
    await play.deliver(returned, str(case))
    assert (await play.case(case))["state"] == "returned"
    assert await play.worklist(consultant) == []
    refused(await consult(play, consultant, case), 409, "step-out-of-order")
    await play.resubmit("a", 2, touches=["HP"])
    await decide(play, adviser, case, "recommended", version=2)
    await play.open(kinds.CONSULT, case, "HP", role="consultant", organisation="HP")
    assert [item["kind"] for item in await play.worklist(consultant)] == [kinds.CONSULT]
    assert (await consult(play, consultant, case)).status_code == 201
    assert await play.worklist(consultant) == []


async def test_an_older_or_repeated_version_changes_nothing(play: CasePlay) -> None:
    await play.begin()
    case = await play.resubmit("a", 2, title="New")
    await play.resubmit("a", 1, title="Old")
    await play.deliver(submitted("a", version=2, title="Again"), str(case))
    row = await play.case(case)
    assert (row["version"], row["title"]) == (2, "New")


@pytest.mark.parametrize("outcome", ["covered", "adjust", "feasible"])
async def test_a_consulted_organisation_answers(
    play: CasePlay, adviser: Person, consultant: Person, outcome: str
) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    await decide(play, adviser, case, "recommended")
    await play.open(kinds.CONSULT, case, "HP", role="consultant", organisation="HP")
    answer = await consult(play, consultant, case, outcome)
    assert answer.status_code == 201
    (fact,) = await play.facts("consultation-answered")
    assert (fact["organisation"], fact["outcome"]) == ("HP", outcome)
    assert await play.worklist(consultant) == []
    refused(await consult(play, consultant, case, outcome), 409, "step-out-of-order")


async def test_nobody_is_consulted_before_the_trust_recommends(play: CasePlay, consultant: Person) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    refused(await consult(play, consultant, case), 409, "step-out-of-order")


async def test_an_organisation_that_is_not_consulted_sees_no_case(
    play: CasePlay, adviser: Person, person: Callable[..., Person]
) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    await decide(play, adviser, case, "recommended")
    other = person("consultant", organisation="TTO")
    body = {"outcome": "covered", "reason": "Because."}
    unknown = await play.api.post(other, f"/v1/cases/{uuid.uuid4()}/consultations/TTO", body)
    for organisation in ("TTO", "HP"):
        answer = await play.api.post(other, f"/v1/cases/{case}/consultations/{organisation}", body)
        assert (answer.status_code, answer.content) == (404, unknown.content)
    second = await play.submit("b", touches=["HP", "TTO"])
    await decide(play, adviser, second, "recommended")
    answer = await play.api.post(other, f"/v1/cases/{second}/consultations/HP", body)
    assert (answer.status_code, answer.content) == (404, unknown.content)


async def test_an_ended_case_takes_no_decision(play: CasePlay, adviser: Person, consultant: Person) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    _draft, clarification = await ask_clarification(play, n=2)
    await play.withdraw(case)
    body = {"outcome": "adjust", "reason": "Because."}
    refused(await decide(play, adviser, case, "recommended"), 409, "step-out-of-order")
    refused(await consult(play, consultant, case), 409, "step-out-of-order")
    path = f"/v1/clarifications/{clarification}/answer"
    refused(await play.api.post(consultant, path, body), 409, "step-out-of-order")
    question = {"text": "Why?", "of": "holder"}
    refused(await play.api.post(adviser, f"/v1/cases/{case}/questions", question), 409, "step-out-of-order")
    async with play.database.read() as conn:
        assert await conn.fetchval("select count(*) from prescreening") == 0


async def test_a_case_handed_back_in_its_round_stays_there_and_an_adviser_is_told(
    play: CasePlay, adviser: Person
) -> None:
    await play.begin()
    case = await play.resubmit("a", 1, title="Infected")
    await decide(play, adviser, case, "recommended")
    await play.enter(case)
    returned = intake.ApplicationReturned(application_id=case, call_id=CALL, version=1, cause="infected")
    await play.deliver(returned, str(case))
    await play.deliver(returned, str(case))
    assert [item["kind"] for item in await play.worklist(play.adviser)] == [kinds.HANDLE_LATE_FACT]
    await play.resubmit("a", 2, title="Mended")
    row = await play.case(case)
    assert (row["state"], row["title"], row["version"]) == ("in_round", "Mended", 2)
    refused(await decide(play, adviser, case, "returned", version=2), 409, "step-out-of-order")
    expired = intake.ApplicationExpired(application_id=case, call_id=CALL)
    await play.deliver(expired, str(case))
    assert (await play.case(case))["ended_as"] == "expired"
