"""What the applicant sees of the way of their case: timeline, stages, outcomes, questions owed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection
from services.intake.domain.expected import Due
from services.intake.domain.status import Held, Question
from services.intake.texts import HAPPENED


@dataclass(frozen=True)
class Entry:
    """One thing that has happened; `detail` holds codes, numbers and instants."""

    at: datetime
    code: str
    detail: dict[str, Any]


async def happened(
    conn: Connection, application_id: UUID, code: str, at: datetime | None = None, **detail: JsonValue
) -> None:
    """Add to the timeline; `at` None: now, by the database's clock. KeyError for a code without words."""
    if code not in HAPPENED:
        raise KeyError(code)
    await conn.execute(
        """insert into timeline (application_id, at, code, detail)
           values ($1, coalesce($2, clock_timestamp()), $3, $4)""",
        application_id,
        at,
        code,
        detail,
    )


async def timeline(conn: Connection, application_id: UUID) -> list[Entry]:
    rows = await conn.fetch(
        "select at, code, detail from timeline where application_id = $1 order by at, n", application_id
    )
    return [Entry(row["at"], row["code"], row["detail"]) for row in rows]


async def enter_stage(
    conn: Connection, application_id: UUID, stage: str, owner: str, expected_at: datetime | None
) -> None:
    await conn.execute(
        "update application set stage = $2, stage_owner = $3, expected_at = $4 where id = $1",
        application_id,
        stage,
        owner,
        expected_at,
    )
    await conn.execute(
        """insert into stage_history (application_id, stage, owner, expected_at) values ($1, $2, $3, $4)""",
        application_id,
        stage,
        owner,
        expected_at,
    )


async def held(conn: Connection, application_id: UUID) -> list[Held]:
    """Who had the case from when on, by the stages the workflow entered."""
    rows = await conn.fetch(
        "select entered_at, owner from stage_history where application_id = $1 order by n", application_id
    )
    return [Held(row["entered_at"], row["owner"]) for row in rows]


async def set_due(conn: Connection, task_id: UUID, application_id: UUID, kind: str, due_at: datetime) -> None:
    await conn.execute(
        """insert into task_due values ($1, $2, $3, $4)
           on conflict (task_id) do update set due_at = excluded.due_at""",
        task_id,
        application_id,
        kind,
        due_at,
    )


async def drop_due(conn: Connection, task_id: UUID) -> None:
    await conn.execute("delete from task_due where task_id = $1", task_id)


async def open_tasks(conn: Connection, application_id: UUID) -> list[Due]:
    """The tasks of the case that are open and that a stage waits for."""
    rows = await conn.fetch("select kind, due_at from task_due where application_id = $1", application_id)
    return [Due(row["kind"], row["due_at"]) for row in rows]


async def reach_outcome(
    conn: Connection, application_id: UUID, outcome: str, at: datetime | None = None
) -> None:
    """The case has this outcome now; saying the latest one again changes nothing."""
    await conn.execute(
        """insert into outcome (application_id, outcome, reached_at)
           select $1, $2, coalesce($3, clock_timestamp())
           where $2 is distinct from (select outcome from outcome where application_id = $1 and undone_at is
           null
                                      order by n desc limit 1)""",
        application_id,
        outcome,
        at,
    )


async def undo_outcome(conn: Connection, application_id: UUID, outcome: str) -> None:
    await conn.execute(
        """update outcome set undone_at = clock_timestamp()
           where application_id = $1 and outcome = $2 and undone_at is null""",
        application_id,
        outcome,
    )


async def outcomes(conn: Connection, application_id: UUID) -> list[str]:
    """In the order reached, without those that were undone."""
    rows = await conn.fetch(
        "select outcome from outcome where application_id = $1 and undone_at is null order by n",
        application_id,
    )
    return [row["outcome"] for row in rows]


async def ask_holder(conn: Connection, question_id: UUID, application_id: UUID, at: datetime) -> None:
    await conn.execute(
        """insert into holder_question (question_id, application_id, asked_at) values ($1, $2, $3)
           on conflict do nothing""",
        question_id,
        application_id,
        at,
    )


async def answer_by_holder(conn: Connection, question_id: UUID, at: datetime) -> bool:
    """Whether this question was one to the holder."""
    done = await conn.fetchval(
        """update holder_question set answered_at = $2 where question_id = $1 and answered_at is null
           returning true""",
        question_id,
        at,
    )
    return bool(done)


async def questions(conn: Connection, application_id: UUID) -> list[Question]:
    rows = await conn.fetch(
        "select asked_at, answered_at from holder_question where application_id = $1", application_id
    )
    return [Question(row["asked_at"], row["answered_at"]) for row in rows]
