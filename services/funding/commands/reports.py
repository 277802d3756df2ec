"""Reports: asked for, delivered, approved or returned; and the close of the grant after the final one."""

from datetime import datetime
from uuid import UUID

from services.common.db import Connection, now
from services.common.errors import FieldError, Invalid, NotFound, StepOutOfOrder
from services.common.record import Actor, record
from services.funding.commands.moves import iso, lock_award, move_award
from services.funding.domain.grants import (
    REPORT,
    GrantAction,
    GrantState,
    ReportAction,
    ReportState,
    StillOwed,
)
from services.funding.domain.machine import move
from services.funding.events import GrantClosed, ReportJudged, ReportRequested, ReportSubmitted
from services.funding.store import calls, cases, grants, reports
from services.funding.times import due_when_asked, instant


async def request_report(
    conn: Connection, application_id: UUID, kind: str, n: int, ends_at: datetime | None, actor: Actor
) -> None:
    """Ask the holder for a report (X25). Once per (kind, n).

    `ends_at`, of the final report: the project's end that has come; where another one counts by now, or is
    asked for, nothing happens.
    """
    award = await lock_award(conn, application_id)
    if await reports.lock_report(conn, application_id, kind, n) is not None:
        return
    if kind == "final" and (award.ends_at != ends_at or await reports.end_in_question(conn, application_id)):
        return
    await move_award(conn, award, GrantAction.REQUEST_REPORT, actor)
    at = await now(conn)
    call = (await calls.get_call(conn, award.call_id)).definition
    planned_at = await _planned_at(conn, award, kind, n)
    rule = "final_report_due" if kind == "final" else "report_due"
    due_at = due_when_asked(call, rule, planned_at, at)
    # Also where the project is over by then: its end may still be moved.
    next_ask_at = None if kind == "final" else instant(call, "next_report_ask", due_at)
    report = reports.Report(application_id, kind, n, ReportState.REQUESTED, 1, at, due_at, next_ask_at)
    await reports.add_report(conn, report)
    await cases.add_step(
        conn, "report", f"{application_id}/{kind}/{n}", None, "request", ReportState.REQUESTED, actor
    )
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="report.requested",
        body={"kind": kind, "n": n, "due_at": iso(due_at)},
        events=[
            ReportRequested(
                application_id=application_id,
                call_id=award.call_id,
                kind=kind,
                n=n,
                attempt=1,
                due_at=due_at,
                next_ask_at=next_ask_at,
                holder_id=award.holder_id,
            )
        ],
    )


async def _planned_at(conn: Connection, award: grants.Award, kind: str, n: int) -> datetime:
    """When the report was to be asked for: what came late before it may have held it up."""
    if kind == "final":
        planned_at = award.ends_at
    elif n == 1:
        planned_at = award.first_report_ask_at
    else:
        before = await reports.lock_report(conn, award.application_id, kind, n - 1)
        planned_at = before.next_ask_at if before else None
    if planned_at is None:
        raise StepOutOfOrder(f"the {kind} report {n} cannot be asked for yet")
    return planned_at


async def _locked(
    conn: Connection, application_id: UUID, kind: str, n: int
) -> tuple[grants.Award, reports.Report]:
    award = await lock_award(conn, application_id)
    report = await reports.lock_report(conn, application_id, kind, n)
    if report is None:
        raise NotFound
    return award, report


async def submit_report(
    conn: Connection,
    application_id: UUID,
    kind: str,
    n: int,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    summary: str,
    results: str,
    next_steps: str,
    spent: int,
) -> reports.Report:
    """The holder delivers the report, or mends a returned one. `spent`: whole NOK of the award so far."""
    award, report = await _locked(conn, application_id, kind, n)
    after = move(REPORT, report.state, ReportAction.SUBMIT)
    if spent > award.amount:
        remedy = f"at most the award, {award.amount} NOK"
        raise Invalid("spent", errors=[FieldError("spent", spent, remedy)])
    await move_award(conn, award, GrantAction.SUBMIT_REPORT, actor)
    attempt = report.attempt + (report.state is ReportState.RETURNED)
    late = at > report.due_at
    await reports.deliver_report(
        conn,
        report,
        attempt=attempt,
        summary=summary,
        results=results,
        next_steps=next_steps,
        spent=spent,
        late=late,
        by=by,
        at=at,
    )
    subject = f"{application_id}/{kind}/{n}"
    await cases.add_step(conn, "report", subject, report.state, ReportAction.SUBMIT, after, actor)
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="report.submitted",
        body={"kind": kind, "n": n, "attempt": attempt, "late": late, "spent": spent},
        events=[
            ReportSubmitted(
                application_id=application_id,
                call_id=award.call_id,
                kind=kind,
                n=n,
                attempt=attempt,
                late=late,
            )
        ],
    )
    return report


async def judge_report(
    conn: Connection,
    application_id: UUID,
    kind: str,
    n: int,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    approved: bool,
    reason: str | None,
) -> datetime | None:
    """The adviser approves the report, or returns it with a reason. Returns by when it must be mended."""
    award, report = await _locked(conn, application_id, kind, n)
    action = ReportAction.APPROVE if approved else ReportAction.RETURN
    after = move(REPORT, report.state, action)
    if not approved and not reason:
        raise Invalid("reason", errors=[FieldError("reason", reason, "say what must be mended")])
    await move_award(conn, award, GrantAction.JUDGE_REPORT, actor)
    call = (await calls.get_call(conn, award.call_id)).definition
    mend_due_at = None if approved else instant(call, "report_mend", at)
    await reports.judge_report(conn, report, after, reason, mend_due_at, by, at)
    subject = f"{application_id}/{kind}/{n}"
    await cases.add_step(conn, "report", subject, report.state, action, after, actor)
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="report.judged",
        body={"kind": kind, "n": n, "attempt": report.attempt, "outcome": after, "reason": reason},
        events=[
            ReportJudged(
                application_id=application_id,
                call_id=award.call_id,
                kind=kind,
                n=n,
                attempt=report.attempt,
                outcome=after,
                mend_due_at=mend_due_at,
                holder_id=award.holder_id,
            )
        ],
    )
    return mend_due_at


async def close_grant(conn: Connection, application_id: UUID, actor: Actor) -> None:
    """The final report is approved. Invoices may still come until their own deadline."""
    award = await lock_award(conn, application_id)
    if award.state is GrantState.CLOSED:
        return
    found = await reports.reports(conn, application_id)
    if not any(each.kind == "final" and each.state is ReportState.APPROVED for each in found):
        raise StillOwed
    await move_award(conn, award, GrantAction.CLOSE, actor, closed_at=await now(conn))
    last = (await reports.invoiced(conn, application_id)).last
    over = last or award.invoicing_expired_at is not None
    closed = GrantClosed(
        application_id=application_id,
        call_id=award.call_id,
        invoicing_until=None if over else award.invoicing_due_at,
    )
    await record(conn, key=str(application_id), actor=actor, action="grant.closed", body={}, events=[closed])
