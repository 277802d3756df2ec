"""SQL of the questions on a case and their answers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.common.db import Connection


@dataclass(frozen=True, kw_only=True)
class Question:
    id: UUID
    application_id: UUID
    task_id: UUID | None
    asked_by: UUID
    asked_at: datetime
    of_role: str
    of_organisation: str | None
    of_person: UUID | None
    text: str
    answered_by: UUID | None
    answered_at: datetime | None
    answer: str | None


async def insert(conn: Connection, question: Question) -> None:
    await conn.execute(
        """
        insert into question (id, application_id, task_id, asked_by, asked_at, of_role, of_organisation,
                              of_person, text)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        question.id,
        question.application_id,
        question.task_id,
        question.asked_by,
        question.asked_at,
        question.of_role,
        question.of_organisation,
        question.of_person,
        question.text,
    )


async def get(conn: Connection, question_id: UUID) -> Question | None:
    row = await conn.fetchrow("select * from question where id = $1", question_id)
    return None if row is None else Question(**dict(row))


async def of_case(conn: Connection, application_id: UUID) -> list[Question]:
    rows = await conn.fetch(
        "select * from question where application_id = $1 order by asked_at, id", application_id
    )
    return [Question(**dict(row)) for row in rows]


async def save_answer(
    conn: Connection, question_id: UUID, *, answer: str, answered_by: UUID, answered_at: datetime
) -> None:
    await conn.execute(
        "update question set answer = $2, answered_by = $3, answered_at = $4 where id = $1",
        question_id,
        answer,
        answered_by,
        answered_at,
    )


async def any_open(conn: Connection, task_id: UUID) -> bool:
    """Whether the task still waits for the answer to one of its questions."""
    found: bool = await conn.fetchval(
        "select exists (select from question where task_id = $1 and answered_at is null)", task_id
    )
    return found


async def carry_over(conn: Connection, old_task: UUID, new_task: UUID) -> None:
    """The open questions of a task that was reopened now hold up its new incarnation."""
    await conn.execute(
        "update question set task_id = $2 where task_id = $1 and answered_at is null", old_task, new_task
    )
