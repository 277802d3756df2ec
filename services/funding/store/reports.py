"""Reports, changes and invoices."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.funding.domain.grants import ReportState


@dataclass(frozen=True)
class Report:
    application_id: UUID
    kind: str
    n: int
    state: ReportState
    attempt: int
    requested_at: datetime
    due_at: datetime
    next_ask_at: datetime | None


@dataclass(frozen=True)
class Change:
    application_id: UUID
    n: int
    kind: str
    state: str
    new_holder_id: UUID | None
    new_end: date | None
    asked_by: UUID


_REPORT = "application_id, kind, n, state, attempt, requested_at, due_at, next_ask_at"


async def add_report(conn: Connection, report: Report) -> None:
    await conn.execute(
        f"insert into report ({_REPORT}) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        report.application_id,
        report.kind,
        report.n,
        report.state,
        report.attempt,
        report.requested_at,
        report.due_at,
        report.next_ask_at,
    )


def _report(row: Any) -> Report:
    return Report(**{**dict(row), "state": ReportState(row["state"])})


async def lock_report(conn: Connection, application_id: UUID, kind: str, n: int) -> Report | None:
    row = await conn.fetchrow(
        f"select {_REPORT} from report where application_id = $1 and kind = $2 and n = $3 for update",
        application_id,
        kind,
        n,
    )
    return _report(row) if row else None


async def reports(conn: Connection, application_id: UUID) -> list[Report]:
    rows = await conn.fetch(
        f"select {_REPORT} from report where application_id = $1 order by requested_at, n", application_id
    )
    return [_report(row) for row in rows]


async def deliver_report(
    conn: Connection,
    report: Report,
    *,
    attempt: int,
    summary: str,
    results: str,
    next_steps: str,
    spent: int,
    late: bool,
    by: UUID,
    at: datetime,
) -> None:
    await conn.execute(
        """insert into report_delivery (application_id, kind, n, attempt, summary, results, next_steps,
           spent, late,
                                        submitted_by, submitted_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        report.application_id,
        report.kind,
        report.n,
        attempt,
        summary,
        results,
        next_steps,
        spent,
        late,
        by,
        at,
    )
    await conn.execute(
        "update report set state = 'submitted', attempt = $4 where application_id = $1 and kind = "
        "$2 and n = $3",
        report.application_id,
        report.kind,
        report.n,
        attempt,
    )


async def judge_report(
    conn: Connection,
    report: Report,
    state: ReportState,
    reason: str | None,
    mend_due_at: datetime | None,
    by: UUID,
    at: datetime,
) -> None:
    await conn.execute(
        """update report set state = $4, due_at = coalesce($5, due_at)
           where application_id = $1 and kind = $2 and n = $3""",
        report.application_id,
        report.kind,
        report.n,
        state,
        mend_due_at,
    )
    await conn.execute(
        """update report_delivery set approved = $5, reason = $6, judged_by = $7, judged_at = $8
           where application_id = $1 and kind = $2 and n = $3 and attempt = $4""",
        report.application_id,
        report.kind,
        report.n,
        report.attempt,
        state is ReportState.APPROVED,
        reason,
        by,
        at,
    )


async def report_deliveries(conn: Connection, application_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """select kind, n, attempt, summary, results, next_steps, spent, late, submitted_at, approved, reason
           from report_delivery where application_id = $1 order by submitted_at""",
        application_id,
    )
    return [dict(row) for row in rows]


async def add_change(
    conn: Connection,
    application_id: UUID,
    n: int,
    kind: str,
    reason: str,
    new_holder_id: UUID | None,
    new_end: date | None,
    by: UUID,
    at: datetime,
) -> None:
    await conn.execute(
        """insert into change (application_id, n, kind, state, reason, new_holder_id, new_end, asked_by,
           asked_at)
           values ($1, $2, $3, 'asked', $4, $5, $6, $7, $8)""",
        application_id,
        n,
        kind,
        reason,
        new_holder_id,
        new_end,
        by,
        at,
    )


_CHANGE = "application_id, n, kind, state, new_holder_id, new_end, asked_by"


async def changes(conn: Connection, application_id: UUID) -> list[Change]:
    rows = await conn.fetch(
        f"select {_CHANGE} from change where application_id = $1 order by n", application_id
    )
    return [Change(**dict(row)) for row in rows]


async def end_in_question(conn: Connection, application_id: UUID) -> bool:
    """Whether another end of the project is asked for and not decided."""
    found: bool = await conn.fetchval(
        """select exists (select from change
                          where application_id = $1 and kind = 'end_date' and state = 'asked')""",
        application_id,
    )
    return found


async def decide_change(
    conn: Connection, change: Change, state: str, answer: str, by: UUID, at: datetime
) -> None:
    await conn.execute(
        """update change set state = $3, answer = $4, decided_by = $5, decided_at = $6
           where application_id = $1 and n = $2""",
        change.application_id,
        change.n,
        state,
        answer,
        by,
        at,
    )


@dataclass(frozen=True)
class Invoiced:
    """What a trust has invoiced for one grant, whole NOK; `count` invoices, `last`: no more will come."""

    count: int
    amount: int
    last: bool


async def invoiced(conn: Connection, application_id: UUID) -> Invoiced:
    row = await conn.fetchrow(
        """select count(*)::int as count, coalesce(sum(amount), 0)::bigint as amount,
                  coalesce(bool_or(last), false) as last from invoice where application_id = $1""",
        application_id,
    )
    return Invoiced(row["count"], row["amount"], row["last"])


async def add_invoice(
    conn: Connection,
    application_id: UUID,
    n: int,
    amount: int,
    invoiced_on: date,
    last: bool,
    by: UUID,
    at: datetime,
) -> None:
    await conn.execute(
        """insert into invoice (application_id, n, amount, invoiced_on, last, registered_by, registered_at)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        application_id,
        n,
        amount,
        invoiced_on,
        last,
        by,
        at,
    )
