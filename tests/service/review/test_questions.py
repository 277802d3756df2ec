"""Questions and clarifications; who may ask and answer, and what is noted of it."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import httpx

from tests.service.review.case_play import FAR, CasePlay, submitted
from tests.service.review.decision_play import ask_clarification, decide, refused
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds


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
