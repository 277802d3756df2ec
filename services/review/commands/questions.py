"""Questions on a case and their answers, seen by both sides; meanwhile the task in question stands still."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from services.common.db import Connection, now
from services.common.errors import FieldError, Invalid, NotFound, Refused, StepOutOfOrder
from services.common.record import Actor, Fact
from services.review.commands.clock import pause_task, resume_task
from services.review.commands.recording import record_facts
from services.review.commands.tasks import as_event, close_task, open_task
from services.review.domain.audiences import Audience
from services.review.domain.cases import CaseAction, CaseState, move
from services.review.events import QuestionAnswered, QuestionAsked
from services.review.store import cases as case_store
from services.review.store import questions as store
from services.review.store import tasks as task_store
from workflows.contracts.review import OpenTask
from workflows.contracts.tasks import ANSWER_QUESTION


class TaskMayNotPause(Refused):
    """The clock of this task cannot be stopped."""


@dataclass(frozen=True)
class AskQuestion:
    application_id: UUID
    text: str
    of: str
    """holder | hf_adviser | consultant | rhf_adviser"""
    organisation: str | None
    """of the consultant"""
    task_id: UUID | None
    """the task that cannot go on without the answer"""
    asked_by: UUID


async def ask_question(conn: Connection, question: AskQuestion) -> store.Question:
    """Ask, open the task to answer, and stop the clock of the task that waits for it.

    Invalid names the field for an addressee the case does not have, or a task that is not of this case.
    TaskMayNotPause where the call lets that task wait for nobody.
    """
    case = await case_store.lock_case(conn, question.application_id)
    if case is None:
        raise NotFound
    move(case.state, CaseAction.ASK)
    audience = await _addressee(conn, question, case)
    asked = store.Question(
        id=uuid4(),
        application_id=case.id,
        task_id=question.task_id,
        asked_by=question.asked_by,
        asked_at=await now(conn),
        of_role=audience.role,
        of_organisation=audience.organisation,
        of_person=audience.person_id,
        text=question.text,
        answered_by=None,
        answered_at=None,
        answer=None,
    )
    facts: list[Fact] = [
        QuestionAsked(
            application_id=case.id,
            call_id=case.call_id,
            question_id=asked.id,
            task_id=asked.task_id,
            asked_by=asked.asked_by,
            asked_of=as_event(audience),
        )
    ]
    if question.task_id is not None:
        task = await task_store.lock(conn, question.task_id)
        if task is None or task.application_id != case.id:
            wrong = FieldError("task_id", str(question.task_id), "name an open task of this case, or none")
            raise Invalid(errors=[wrong])
        if not task.may_pause:
            raise TaskMayNotPause
        facts += await pause_task(conn, task, cause=f"question:{asked.id}")
    await store.insert(conn, asked)
    facts += await open_task(
        conn,
        OpenTask(
            subject=str(case.id),
            kind=ANSWER_QUESTION,
            n=str(asked.id),
            call_id=case.call_id,
            application_id=case.id,
            role=audience.role,
            organisation=audience.organisation,
            person_id=audience.person_id,
        ),
    )
    by = Actor("person", str(question.asked_by))
    await record_facts(conn, by, "question.asked", {"question_id": str(asked.id)}, facts)
    return asked


async def _addressee(conn: Connection, question: AskQuestion, case: case_store.Case) -> Audience:
    match question.of:
        case "holder":
            return Audience("holder", person_id=case.holder_id)
        case "hf_adviser" if case.organisation is not None:
            return Audience("hf_adviser", case.organisation)
        case "rhf_adviser" if case.state is not CaseState.DRAFT:  # for whom no draft exists
            return Audience("rhf_adviser")
        case "consultant" if question.organisation in await case_store.consulted(conn, case.id):
            return Audience("consultant", question.organisation)
    wrong = FieldError("of", question.of, "ask somebody who has a part in this case")
    if question.of == "consultant":
        wrong = FieldError("organisation", question.organisation, "name an organisation the case is put to")
    raise Invalid(errors=[wrong])


async def answer_question(
    conn: Connection, question_id: UUID, text: str, answered_by: UUID
) -> store.Question:
    """Answer; the clock runs on when this was the last open question of its task.

    StepOutOfOrder the second time, or when the case has ended.
    """
    known = await store.get(conn, question_id)
    case = None if known is None else await case_store.lock_case(conn, known.application_id)
    question = await store.get(conn, question_id)
    if case is None or question is None:
        raise NotFound
    move(case.state, CaseAction.ASK)
    if question.answered_at is not None:
        raise StepOutOfOrder("The question is answered")
    await store.save_answer(
        conn, question_id, answer=text, answered_by=answered_by, answered_at=await now(conn)
    )
    by = Actor("person", str(answered_by))
    facts: list[Fact] = [
        QuestionAnswered(
            application_id=case.id,
            call_id=case.call_id,
            question_id=question_id,
            task_id=question.task_id,
            asked_by=question.asked_by,
            answered_by=answered_by,
        )
    ]
    facts += await close_task(
        conn,
        str(case.id),
        ANSWER_QUESTION,
        str(question_id),
        by=by,
        call_id=case.call_id,
        application_id=case.id,
    )
    if question.task_id is not None and not await store.any_open(conn, question.task_id):
        task = await task_store.lock(conn, question.task_id)
        if task is not None:
            facts += await resume_task(conn, task)
    await record_facts(conn, by, "question.answered", {"question_id": str(question_id)}, facts)
    answered = await store.get(conn, question_id)
    assert answered is not None
    return answered
