"""Submitted versions, their formal check, and withdrawals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.intake.domain.budget import Budget
from services.intake.domain.rules import Draft


@dataclass(frozen=True)
class Submission:
    """A frozen version. `findings` as judged then, `accepted` the rule ids the applicant named."""

    application_id: UUID
    version: int
    submitted_at: datetime
    deadline: datetime
    submitted_by: UUID
    content: dict[str, Any]
    attachment_ids: list[UUID]
    findings: list[dict[str, Any]]
    accepted: list[str]

    @property
    def draft(self) -> Draft:
        """The content as it was sent."""
        kept = self.content
        budget = kept["budget"]
        return Draft(
            category=kept["category"],
            organisation=kept["organisation"],
            title=kept["title"],
            statement=kept["statement"],
            form=kept["form"],
            budget=Budget(budget["lines"], budget["own_share"], budget["applied_amount"]),
            priority_areas=kept["priority_areas"],
            patient_groups=kept["patient_groups"],
            touches=kept["touches"],
            leader_employment_percent=kept["leader_employment_percent"],
            earlier_awards=kept["earlier_awards"],
        )


def _submission(row: Any) -> Submission:
    return Submission(
        application_id=row["application_id"],
        version=row["version"],
        submitted_at=row["submitted_at"],
        deadline=row["deadline"],
        submitted_by=row["submitted_by"],
        content=row["content"],
        attachment_ids=list(row["attachment_ids"]),
        findings=row["findings"],
        accepted=list(row["accepted"]),
    )


async def insert(
    conn: Connection,
    application_id: UUID,
    version: int,
    *,
    submitted_at: datetime,
    deadline: datetime,
    submitted_by: UUID,
    revision: int,
    call_version: int,
    content: dict[str, Any],
    attachment_ids: Sequence[UUID],
    findings: Sequence[dict[str, Any]],
    accepted: Sequence[str],
) -> None:
    await conn.execute(
        """insert into submission (application_id, version, submitted_at, deadline, submitted_by, revision,
                                   call_version, content, attachment_ids, findings, accepted)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        application_id,
        version,
        submitted_at,
        deadline,
        submitted_by,
        revision,
        call_version,
        content,
        list(attachment_ids),
        list(findings),
        list(accepted),
    )


async def get(conn: Connection, application_id: UUID, version: int) -> Submission | None:
    row = await conn.fetchrow(
        "select * from submission where application_id = $1 and version = $2", application_id, version
    )
    return _submission(row) if row else None


async def newest(conn: Connection, application_ids: Sequence[UUID]) -> dict[UUID, Submission]:
    """The version last submitted of each of these that has one."""
    rows = await conn.fetch(
        """select distinct on (application_id) * from submission where application_id = any($1)
           order by application_id, version desc""",
        list(application_ids),
    )
    return {row["application_id"]: _submission(row) for row in rows}


@dataclass(frozen=True)
class FormalCheck:
    """`state`: proposed (an adviser must confirm), passed, rejected, or undone (rejected by mistake)."""

    version: int
    state: str
    rules: list[str]
    findings: list[dict[str, Any]]
    decided_by: UUID | None
    reason: str | None
    undo_until: datetime | None


def _formal_check(row: Any) -> FormalCheck:
    return FormalCheck(
        row["version"],
        row["state"],
        list(row["rules"]),
        row["findings"],
        row["decided_by"],
        row["reason"],
        row["undo_until"],
    )


async def formal_check(conn: Connection, application_id: UUID, version: int) -> FormalCheck | None:
    row = await conn.fetchrow(
        "select * from formal_check where application_id = $1 and version = $2", application_id, version
    )
    return _formal_check(row) if row else None


async def insert_formal_check(
    conn: Connection,
    application_id: UUID,
    version: int,
    state: str,
    rules: Sequence[str],
    findings: Sequence[dict[str, Any]],
) -> None:
    await conn.execute(
        """insert into formal_check (application_id, version, state, rules, findings) values ($1, $2, $3, $4,
        $5)""",
        application_id,
        version,
        state,
        list(rules),
        list(findings),
    )


async def decide_formal_check(
    conn: Connection,
    application_id: UUID,
    version: int,
    state: str,
    decided_by: UUID,
    reason: str,
    undo_until: datetime | None,
) -> None:
    await conn.execute(
        """update formal_check set state = $3, decided_by = $4, reason = $5, undo_until = $6,
                  decided_at = clock_timestamp()
           where application_id = $1 and version = $2""",
        application_id,
        version,
        state,
        decided_by,
        reason,
        undo_until,
    )


@dataclass(frozen=True)
class Withdrawal:
    n: int
    undo_until: datetime


async def insert_withdrawal(
    conn: Connection, application_id: UUID, withdrawn_by: UUID, reason: str, undo_until: datetime
) -> None:
    await conn.execute(
        """insert into withdrawal (application_id, n, withdrawn_by, reason, undo_until)
           select $1, coalesce(max(n), 0) + 1, $2, $3, $4 from withdrawal where application_id = $1""",
        application_id,
        withdrawn_by,
        reason,
        undo_until,
    )


async def open_withdrawal(conn: Connection, application_id: UUID) -> Withdrawal | None:
    row = await conn.fetchrow(
        """select n, undo_until from withdrawal where application_id = $1 and undone_at is null
           order by n desc limit 1""",
        application_id,
    )
    return Withdrawal(row["n"], row["undo_until"]) if row else None


async def undo_withdrawal(conn: Connection, application_id: UUID, n: int) -> None:
    await conn.execute(
        "update withdrawal set undone_at = clock_timestamp() where application_id = $1 and n = $2",
        application_id,
        n,
    )
