"""Pre-screening, consultations, clarifications and questions: every outcome, and every refusal."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from services.intake import events as intake
from tests.service.review.case_play import FAR, CasePlay, submitted
from tests.service.review.panel_play import AT, CALL
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds

PROBLEMS = "https://innoflyt.test/problems/"


def refused(response: httpx.Response, status: int, name: str) -> None:
    assert (response.status_code, response.json()["type"]) == (status, PROBLEMS + name), response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.fixture
def adviser(person: Callable[..., Person]) -> Person:
    return person("hf_adviser", organisation="STOLAV")


@pytest.fixture
def consultant(person: Callable[..., Person]) -> Person:
    return person("consultant", organisation="HP")


async def decide(
    play: CasePlay, who: Person, case: uuid.UUID, outcome: str, version: int = 1
) -> httpx.Response:
    body = {"version": version, "outcome": outcome, "reason": "Because."}
    return await play.api.post(who, f"/v1/cases/{case}/prescreening", body)


async def consult(play: CasePlay, who: Person, case: uuid.UUID, outcome: str = "adjust") -> httpx.Response:
    return await play.api.post(
        who, f"/v1/cases/{case}/consultations/HP", {"outcome": outcome, "reason": "Because."}
    )


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


async def ask_clarification(play: CasePlay, name: str = "a", n: int = 1) -> tuple[uuid.UUID, uuid.UUID]:
    draft, clarification = submitted(name).application_id, uuid.uuid4()
    fact = intake.ClarificationAsked(
        application_id=draft,
        call_id=CALL,
        clarification_id=clarification,
        n=n,
        organisation="HP",
        holder_id=uuid.uuid4(),
        title="A draft",
    )
    await play.deliver(fact, str(draft))
    return draft, clarification


async def test_a_draft_is_clarified_before_and_after_its_submission(
    play: CasePlay, consultant: Person, person: Callable[..., Person]
) -> None:
    await play.begin()
    for name in "ab":
        draft, clarification = await ask_clarification(play, name)
        (task,) = await play.worklist(consultant)
        assert (task["kind"], task["title"]) == (kinds.ANSWER_CLARIFICATION, "A draft")
        assert task["act_path"] == f"POST review /v1/clarifications/{clarification}/answer"
        if name == "b":
            await play.deliver(submitted(name, touches=["HP"]), str(draft))
        path = f"/v1/clarifications/{clarification}/answer"
        other = person("consultant", organisation="TTO")
        body = {"outcome": "adjust", "reason": "Because."}
        assert (await play.api.post(other, path, body)).status_code == 404
        assert (await play.api.post(consultant, path, body)).status_code == 201
        refused(await play.api.post(consultant, path, body), 409, "step-out-of-order")
        assert await play.worklist(consultant) == []
    assert [fact["outcome"] for fact in await play.facts("clarification-answered")] == ["adjust"] * 2


async def test_a_draft_is_not_shown_to_the_funder(play: CasePlay, consultant: Person) -> None:
    await play.begin()
    draft, _clarification = await ask_clarification(play)
    assert (await play.api.get(play.adviser, f"/v1/cases/{draft}")).status_code == 404
    question = {"text": "When?", "of": "rhf_adviser"}
    asked = await play.api.post(consultant, f"/v1/cases/{draft}/questions", question)
    assert asked.status_code == 422, "nobody is asked who could not read the question"
    assert (await play.api.get(consultant, f"/v1/cases/{draft}")).status_code == 200


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


async def test_who_is_asked_must_have_a_part_in_the_case(play: CasePlay, adviser: Person) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    path = f"/v1/cases/{case}/questions"
    wrong = await play.api.post(adviser, path, {"text": "?", "of": "consultant", "organisation": "TTO"})
    refused(wrong, 422, "invalid")
    assert wrong.json()["errors"][0]["field"] == "organisation"
    right = await play.api.post(adviser, path, {"text": "?", "of": "consultant", "organisation": "HP"})
    assert right.status_code == 201
    assert right.json()["of"] == {"role": "consultant", "organisation": "HP", "person_id": None}


async def test_only_who_is_waited_for_can_stop_a_clock_and_only_where_the_call_lets_them(
    play: CasePlay, adviser: Person, consultant: Person, person: Callable[..., Person]
) -> None:
    await play.begin()
    case, other = await play.submit("a", touches=["HP"]), await play.submit("b")
    prescreen = await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    endless = await play.open(kinds.REGISTER_INVOICES, case, role="hf_adviser", due_at=FAR)
    foreign = await play.open(kinds.PRESCREEN, other, role="hf_adviser")
    path = f"/v1/cases/{case}/questions"

    async def ask(who: Person, task_id: uuid.UUID) -> httpx.Response:
        return await play.api.post(who, path, {"text": "?", "of": "holder", "task_id": str(task_id)})

    for who, task_id in (
        (consultant, prescreen),
        (adviser, uuid.uuid4()),
        (adviser, foreign),
    ):
        answer = await ask(who, task_id)
        refused(answer, 422, "invalid")
        assert answer.json()["errors"][0]["field"] == "task_id"
    refused(await ask(adviser, endless), 409, "task-may-not-pause")
    async with play.database.read() as conn:
        assert await conn.fetchval("select count(*) from question") == 0
    assert (await ask(adviser, prescreen)).status_code == 201


async def test_a_question_is_answered_by_who_is_asked_and_once(
    play: CasePlay, adviser: Person, person: Callable[..., Person]
) -> None:
    await play.begin()
    case = await play.submit("a")
    question = await play.ask(play.adviser, case, of="hf_adviser")
    path = f"/v1/questions/{question}/answer"
    for stranger in (person(), person("hf_adviser", organisation="HMR"), play.adviser):
        assert (await play.api.post(stranger, path, {"text": "x"})).status_code == 404
    await play.answer(adviser, question)
    refused(await play.api.post(adviser, path, {"text": "x"}), 409, "step-out-of-order")
    (answered,) = await play.facts("question-answered")
    assert answered["asked_by"] == str(play.adviser.id)


async def test_reading_another_organisations_case_and_being_refused_are_noted(
    play: CasePlay, adviser: Person, person: Callable[..., Person]
) -> None:
    await play.begin()
    case = await play.submit("a")
    stranger = person("hf_adviser", organisation="HMR")
    await play.api.get(adviser, f"/v1/cases/{case}")
    await play.api.get(play.adviser, f"/v1/cases/{case}")
    await play.api.get(stranger, f"/v1/cases/{case}")
    await decide(play, stranger, case, "recommended")
    async with play.database.read() as conn:
        rows = await conn.fetch("select actor_id, action, outcome from access_log order by seq")
    assert [tuple(row) for row in rows] == [
        (str(play.adviser.id), "read_case", "read"),
        (str(stranger.id), "read_case", "denied"),
        (str(stranger.id), "decide_prescreening", "denied"),
    ]


async def test_the_same_request_again_gets_the_first_answer(play: CasePlay, adviser: Person) -> None:
    await play.begin()
    case = await play.submit("a")
    body = {"version": 1, "outcome": "recommended", "reason": "Because."}
    first = await play.api.post(adviser, f"/v1/cases/{case}/prescreening", body, key="k")
    again = await play.api.post(adviser, f"/v1/cases/{case}/prescreening", body, key="k")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert len(await play.facts("prescreening-decided")) == 1


async def test_a_request_counts_from_when_it_reached_us(play: CasePlay, adviser: Person) -> None:
    await play.begin()
    case = await play.submit("a")
    await decide(play, adviser, case, "recommended")
    async with play.database.read() as conn:
        before = await conn.fetchval("select clock_timestamp() - decided_at from prescreening")
    assert timedelta(0) < before < timedelta(seconds=30)


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
