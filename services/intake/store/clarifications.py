"""Questions from a draft to the organisations that would be consulted (X14)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection


@dataclass(frozen=True)
class Clarification:
    """`outcome` (covered, adjust, feasible) is None while the answer is owed."""

    id: UUID
    n: int
    organisation: str
    question: str
    asked_by: UUID
    asked_at: datetime
    outcome: str | None
    answered_at: datetime | None


def _clarification(row: Any) -> Clarification:
    return Clarification(
        id=row["id"],
        n=row["n"],
        organisation=row["organisation"],
        question=row["question"],
        asked_by=row["asked_by"],
        asked_at=row["asked_at"],
        outcome=row["outcome"],
        answered_at=row["answered_at"],
    )


async def insert(
    conn: Connection,
    clarification_id: UUID,
    application_id: UUID,
    organisation: str,
    question: str,
    asked_by: UUID,
) -> Clarification:
    row = await conn.fetchrow(
        """insert into clarification (id, application_id, n, organisation, question, asked_by)
           select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5 from clarification where application_id = $2
           returning *""",
        clarification_id,
        application_id,
        organisation,
        question,
        asked_by,
    )
    return _clarification(row)


async def of_application(conn: Connection, application_id: UUID) -> list[Clarification]:
    rows = await conn.fetch(
        "select * from clarification where application_id = $1 order by n", application_id
    )
    return [_clarification(row) for row in rows]


async def answer(
    conn: Connection, clarification_id: UUID, outcome: str, answered_by: UUID, at: datetime
) -> bool:
    """False if it is answered already, or unknown."""
    done = await conn.fetchval(
        """update clarification set outcome = $2, answered_by = $3, answered_at = $4
           where id = $1 and outcome is null returning true""",
        clarification_id,
        outcome,
        answered_by,
        at,
    )
    return bool(done)
