"""Questions on a case and their answers, seen by both sides."""

from typing import Literal, Self
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.common.auth import Caller, CallerDep
from services.common.db import Connection
from services.common.denials import noting_denials
from services.common.errors import FieldError, Invalid
from services.common.http import Body, DatabaseDep
from services.common.idempotency import once
from services.review.api.inputs import Text
from services.review.api.reads import note_read
from services.review.api.tasks import AudienceView
from services.review.commands import questions as commands
from services.review.policy import Act, CaseAccess, permit, standing, waits_for
from services.review.store import cases, worklist
from services.review.store import questions as store
from services.review.store import tasks as task_store

router = APIRouter(prefix="/v1", tags=["questions"])


class QuestionBody(Body):
    """A question to somebody who has a part in the case.

    `task_id` names the task that cannot go on without the answer: its clock stands still until it comes.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Which part of the record does it read?", "of": "holder"}]}
    )

    text: Text
    of: Literal["holder", "hf_adviser", "consultant", "rhf_adviser"]
    organisation: str | None = None
    """which consulted organisation, if `of` is consultant"""
    task_id: UUID | None = None


class AnswerBody(Body):
    """The answer, seen by both sides."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "It reads the medication list only."}]}
    )

    text: Text


class QuestionView(BaseModel):
    id: UUID
    application_id: UUID
    task_id: UUID | None
    asked_by: UUID
    asked_at: AwareDatetime
    of: AudienceView
    text: str
    answer: str | None
    answered_by: UUID | None
    answered_at: AwareDatetime | None

    @classmethod
    def from_row(cls, row: store.Question) -> Self:
        return cls(
            id=row.id,
            application_id=row.application_id,
            task_id=row.task_id,
            asked_by=row.asked_by,
            asked_at=row.asked_at,
            of=AudienceView(role=row.of_role, organisation=row.of_organisation, person_id=row.of_person),
            text=row.text,
            answer=row.answer,
            answered_by=row.answered_by,
            answered_at=row.answered_at,
        )


class QuestionList(BaseModel):
    items: list[QuestionView]


@router.post(
    "/cases/{application_id}/questions",
    status_code=201,
    response_model=QuestionView,
    summary="Ask a question on the case",
)
async def ask_question(
    application_id: UUID, body: QuestionBody, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    async def run(conn: Connection) -> QuestionView:
        access = await cases.access(conn, application_id, caller.person_id)
        permit(caller, Act.ASK_QUESTION, standing(caller, access))
        if body.task_id is not None:
            await _require_own_task(conn, caller, body.task_id)
        question = commands.AskQuestion(
            application_id=application_id,
            text=body.text,
            of=body.of,
            organisation=body.organisation,
            task_id=body.task_id,
            asked_by=caller.person_id,
        )
        return QuestionView.from_row(await commands.ask_question(conn, question))

    async with noting_denials(database, caller, "ask_question", application_id):
        return await once(request, caller, database, run)


async def _require_own_task(conn: Connection, caller: Caller, task_id: UUID) -> None:
    """Only who is waited for can say that they wait for somebody else."""
    task = await task_store.get(conn, task_id)
    if task is None or not waits_for(caller, await worklist.access(conn, task, caller.person_id)):
        wrong = FieldError("task_id", str(task_id), "name a task that waits for you, or none")
        raise Invalid("task_id", errors=[wrong])


@router.get("/cases/{application_id}/questions", summary="The questions on the case, oldest first")
async def list_questions(application_id: UUID, caller: CallerDep, database: DatabaseDep) -> QuestionList:
    async with noting_denials(database, caller, "list_questions", application_id), database.read() as conn:
        access = await cases.access(conn, application_id, caller.person_id)
        permit(caller, Act.SEE_QUESTIONS, standing(caller, access))
        found = await store.of_case(conn, application_id)
    assert access is not None
    await note_read(database, caller, "list_questions", access)
    return QuestionList(items=[QuestionView.from_row(each) for each in found])


@router.post(
    "/questions/{question_id}/answer",
    status_code=201,
    response_model=QuestionView,
    summary="Answer a question on a case",
)
async def answer_question(
    question_id: UUID, body: AnswerBody, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    async def run(conn: Connection) -> QuestionView:
        question = await store.get(conn, question_id)
        access = (
            None if question is None else await cases.access(conn, question.application_id, caller.person_id)
        )
        found = _standing(caller, access, question)
        permit(caller, Act.ANSWER_QUESTION, found)
        answered = await commands.answer_question(conn, question_id, body.text, caller.person_id)
        return QuestionView.from_row(answered)

    async with noting_denials(database, caller, "answer_question", question_id):
        return await once(request, caller, database, run)


def _standing(caller: Caller, access: CaseAccess | None, question: store.Question | None) -> frozenset[str]:
    """The standing towards the case, and "asked" for whoever the question is put to."""
    found = standing(caller, access)
    if question is None or not found:
        return found
    asked = question.of_role in found and question.of_organisation in (None, caller.organisation)
    return found | {"asked"} if asked else found
