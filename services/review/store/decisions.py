"""SQL of what is decided about a case before its panel: pre-screening, consultations, clarifications."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.common.db import Connection


@dataclass(frozen=True, kw_only=True)
class Prescreening:
    application_id: UUID
    version: int
    outcome: str
    reason: str
    decided_by: UUID
    organisation: str
    decided_at: datetime


@dataclass(frozen=True, kw_only=True)
class Consultation:
    application_id: UUID
    organisation: str
    outcome: str
    reason: str
    answered_by: UUID
    answered_at: datetime


@dataclass(frozen=True, kw_only=True)
class Waiver:
    application_id: UUID
    organisation: str
    reason: str
    waived_by: UUID
    waived_at: datetime


@dataclass(frozen=True, kw_only=True)
class Clarification:
    id: UUID
    application_id: UUID
    n: int
    organisation: str
    asked_at: datetime
    outcome: str | None
    reason: str | None
    answered_by: UUID | None
    answered_at: datetime | None


async def insert_prescreening(conn: Connection, decided: Prescreening) -> bool:
    """False if this version is decided already."""
    found = await conn.fetchval(
        """
        insert into prescreening
          (application_id, version, outcome, reason, decided_by, organisation, decided_at)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning true
        """,
        decided.application_id,
        decided.version,
        decided.outcome,
        decided.reason,
        decided.decided_by,
        decided.organisation,
        decided.decided_at,
    )
    return bool(found)


async def prescreenings(conn: Connection, application_id: UUID) -> list[Prescreening]:
    rows = await conn.fetch(
        "select * from prescreening where application_id = $1 order by version", application_id
    )
    return [Prescreening(**dict(row)) for row in rows]


async def insert_consultation(conn: Connection, answered: Consultation) -> bool:
    """False if the organisation has answered already."""
    found = await conn.fetchval(
        """
        insert into consultation (application_id, organisation, outcome, reason, answered_by, answered_at)
        values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning true
        """,
        answered.application_id,
        answered.organisation,
        answered.outcome,
        answered.reason,
        answered.answered_by,
        answered.answered_at,
    )
    return bool(found)


async def consultations(conn: Connection, application_id: UUID) -> list[Consultation]:
    rows = await conn.fetch(
        "select * from consultation where application_id = $1 order by answered_at, organisation",
        application_id,
    )
    return [Consultation(**dict(row)) for row in rows]


async def insert_waiver(conn: Connection, waived: Waiver) -> None:
    await conn.execute(
        """
        insert into waiver (application_id, organisation, reason, waived_by, waived_at)
        values ($1, $2, $3, $4, $5)
        """,
        waived.application_id,
        waived.organisation,
        waived.reason,
        waived.waived_by,
        waived.waived_at,
    )


async def waivers(conn: Connection, application_id: UUID) -> list[Waiver]:
    rows = await conn.fetch(
        "select * from waiver where application_id = $1 order by waived_at, organisation", application_id
    )
    return [Waiver(**dict(row)) for row in rows]


async def insert_clarification(
    conn: Connection, clarification_id: UUID, application_id: UUID, n: int, organisation: str
) -> None:
    """Asked once; a second delivery changes nothing."""
    await conn.execute(
        """
        insert into clarification (id, application_id, n, organisation, asked_at)
        values ($1, $2, $3, $4, clock_timestamp()) on conflict do nothing
        """,
        clarification_id,
        application_id,
        n,
        organisation,
    )


async def lock_clarification(conn: Connection, clarification_id: UUID) -> Clarification | None:
    row = await conn.fetchrow("select * from clarification where id = $1 for no key update", clarification_id)
    return None if row is None else Clarification(**dict(row))


async def get_clarification(conn: Connection, clarification_id: UUID) -> Clarification | None:
    row = await conn.fetchrow("select * from clarification where id = $1", clarification_id)
    return None if row is None else Clarification(**dict(row))


async def answer_clarification(
    conn: Connection, clarification_id: UUID, *, outcome: str, reason: str, by: UUID, at: datetime
) -> None:
    await conn.execute(
        """
        update clarification set outcome = $2, reason = $3, answered_by = $4, answered_at = $5 where id = $1
        """,
        clarification_id,
        outcome,
        reason,
        by,
        at,
    )


async def clarifications(conn: Connection, application_id: UUID) -> list[Clarification]:
    rows = await conn.fetch(
        "select * from clarification where application_id = $1 order by n", application_id
    )
    return [Clarification(**dict(row)) for row in rows]
