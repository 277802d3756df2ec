"""Complaints about decisions, and who took part in them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.common.db import Connection


@dataclass(frozen=True)
class Complaint:
    application_id: UUID
    n: int
    state: str
    error: str
    ground: str
    organisation: str
    received_at: datetime
    stage: str | None
    answer: str | None
    answered_at: datetime | None


_COMPLAINT = "application_id, n, state, error, ground, organisation, received_at, stage, answer, answered_at"


async def add_complaint(
    conn: Connection,
    application_id: UUID,
    n: int,
    error: str,
    ground: str,
    organisation: str,
    by: UUID,
    at: datetime,
) -> None:
    await conn.execute(
        """insert into complaint
             (application_id, n, state, error, ground, organisation, complained_by, received_at)
           values ($1, $2, 'asked', $3, $4, $5, $6, $7)""",
        application_id,
        n,
        error,
        ground,
        organisation,
        by,
        at,
    )


async def complaints(conn: Connection, application_id: UUID) -> list[Complaint]:
    rows = await conn.fetch(
        f"select {_COMPLAINT} from complaint where application_id = $1 order by n", application_id
    )
    return [Complaint(**dict(row)) for row in rows]


async def answer_complaint(
    conn: Connection, complaint: Complaint, state: str, stage: str | None, answer: str, by: UUID, at: datetime
) -> None:
    await conn.execute(
        """update complaint set state = $3, stage = $4, answer = $5, answered_by = $6, answered_at = $7
           where application_id = $1 and n = $2""",
        complaint.application_id,
        complaint.n,
        state,
        stage,
        answer,
        by,
        at,
    )
