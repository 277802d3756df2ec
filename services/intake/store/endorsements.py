"""Endorsements asked and given (X31)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection


@dataclass(frozen=True)
class Endorsement:
    """`covers`: fingerprint of the budget and plan it is about. `state`: asked, endorsed, declined or
    voided."""

    id: UUID
    application_id: UUID
    n: int
    position: str
    person_id: UUID
    covers: str
    state: str
    reason: str | None
    asked_at: datetime
    decided_at: datetime | None


def _endorsement(row: Any) -> Endorsement:
    return Endorsement(
        id=row["id"],
        application_id=row["application_id"],
        n=row["n"],
        position=row["position"],
        person_id=row["person_id"],
        covers=row["covers"],
        state=row["state"],
        reason=row["reason"],
        asked_at=row["asked_at"],
        decided_at=row["decided_at"],
    )


async def insert(
    conn: Connection,
    endorsement_id: UUID,
    application_id: UUID,
    position: str,
    person_id: UUID,
    covers: str,
) -> Endorsement:
    """The next request of this application."""
    row = await conn.fetchrow(
        """insert into endorsement (id, application_id, n, position, person_id, covers, state)
           select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, 'asked' from endorsement where application_id =
           $2
           returning *""",
        endorsement_id,
        application_id,
        position,
        person_id,
        covers,
    )
    return _endorsement(row)


async def of_application(conn: Connection, application_id: UUID) -> list[Endorsement]:
    rows = await conn.fetch("select * from endorsement where application_id = $1 order by n", application_id)
    return [_endorsement(row) for row in rows]


async def asked_of(conn: Connection, person_id: UUID) -> list[Endorsement]:
    """Open requests to this person, by application."""
    rows = await conn.fetch(
        "select * from endorsement where person_id = $1 and state = 'asked' order by application_id, n",
        person_id,
    )
    return [_endorsement(row) for row in rows]


async def decide(conn: Connection, endorsement_id: UUID, state: str, reason: str | None) -> None:
    await conn.execute(
        "update endorsement set state = $2, reason = $3, decided_at = clock_timestamp() where id = $1",
        endorsement_id,
        state,
        reason,
    )


async def standing(conn: Connection, application_id: UUID, covers: str) -> frozenset[str]:
    """The positions whose endorsement holds for exactly this budget and plan."""
    rows = await conn.fetch(
        """select position from endorsement
           where application_id = $1 and state = 'endorsed' and covers = $2""",
        application_id,
        covers,
    )
    return frozenset(row["position"] for row in rows)
