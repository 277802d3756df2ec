"""Changes of a running grant (leader, plan, budget, end), and the trust's invoices."""

from datetime import date, datetime, time
from uuid import UUID

from services.common.calendar import OSLO
from services.common.db import Connection, now
from services.common.errors import FieldError, Invalid, NotFound, NotYet, Refused, StepOutOfOrder
from services.common.record import Actor, record
from services.funding.commands.moves import iso, lock_award, move_award
from services.funding.domain.grants import REQUEST, GrantAction, RequestAction, RequestState
from services.funding.domain.machine import move
from services.funding.events import ChangeAsked, ChangeDecided, InvoiceRegistered, InvoicingExpired
from services.funding.store import calls, cases, grants, people, reports
from services.funding.times import instant


class FinalReportRequested(Refused):
    """The project's end cannot be moved once its final report has been asked for."""


class InvoicingClosed(Refused):
    """The time for invoices is over."""


class InvoicedTooMuch(Refused):
    """The invoices exceed the award."""

    status = 422


async def ask_change(
    conn: Connection,
    application_id: UUID,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    kind: str,
    reason: str,
    new_holder_id: UUID | None,
    new_end: date | None,
) -> int:
    """A change is asked for; one of a kind at a time. Another leader already before the award is accepted.
    Returns its number."""
    award = await lock_award(conn, application_id)
    action = GrantAction.ASK_LEADER if kind == "leader" else GrantAction.ASK_CHANGE
    await move_award(conn, award, action, actor)
    _require_target(award, kind, new_holder_id, new_end, at)
    if new_holder_id is not None:
        await _require_signed_in(conn, new_holder_id)
    if new_end is not None and await reports.lock_report(conn, application_id, "final", 1) is not None:
        raise FinalReportRequested
    earlier = await reports.changes(conn, application_id)
    if any(each.kind == kind and each.state == RequestState.ASKED for each in earlier):
        raise StepOutOfOrder("such a change is asked for already")
    n = len(earlier) + 1
    await reports.add_change(conn, application_id, n, kind, reason, new_holder_id, new_end, by, at)
    await cases.add_step(conn, "change", f"{application_id}/{n}", None, "ask", RequestState.ASKED, actor)
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="change.asked",
        body={"n": n, "kind": kind, "reason": reason},
        events=[ChangeAsked(application_id=application_id, call_id=award.call_id, n=n, kind=kind)],
    )
    return n


def _require_target(
    award: grants.Award, kind: str, new_holder_id: UUID | None, new_end: date | None, at: datetime
) -> None:
    """A new leader or a new end is named exactly where that is what changes."""
    if (kind == "leader") != (new_holder_id is not None):
        remedy = "name the new leader" if kind == "leader" else "leave it out"
        given = str(new_holder_id) if new_holder_id else None
        raise Invalid("new_holder_id", errors=[FieldError("new_holder_id", given, remedy)])
    if (kind == "end_date") != (new_end is not None):
        remedy = "name the new end" if kind == "end_date" else "leave it out"
        given = new_end.isoformat() if new_end else None
        raise Invalid("new_end", errors=[FieldError("new_end", given, remedy)])
    if new_end is not None:
        if award.started_at is None:
            raise StepOutOfOrder("the project has not started, so it has no end to move")
        latest = award.made_at.year + 10
        if not at.astimezone(OSLO).date() < new_end or new_end.year > latest:
            remedy = f"a day after today and not after {latest}"
            raise Invalid("new_end", errors=[FieldError("new_end", new_end.isoformat(), remedy)])


async def _require_signed_in(conn: Connection, person_id: UUID) -> None:
    """Whoever is only invited signs in under another id, for which nothing would wait."""
    if not await people.has_signed_in(conn, person_id):
        remedy = "name somebody who has signed in; invite them first where they have not"
        raise Invalid("new_holder_id", errors=[FieldError("new_holder_id", str(person_id), remedy)])


async def decide_change(
    conn: Connection,
    application_id: UUID,
    n: int,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    granted: bool,
    reason: str,
) -> None:
    """An adviser grants or refuses the change; a granted leader or end takes effect at once."""
    case = await cases.lock_case(conn, application_id)
    award = await lock_award(conn, application_id)
    change = next((each for each in await reports.changes(conn, application_id) if each.n == n), None)
    if change is None or case is None:
        raise NotFound
    before = RequestState(change.state)
    action = RequestAction.GRANT if granted else RequestAction.REFUSE
    after = move(REQUEST, before, action)
    changed: dict[str, object] = {}
    if granted and change.new_holder_id is not None:
        await _require_signed_in(conn, change.new_holder_id)
        changed["holder_id"] = change.new_holder_id
        await cases.set_holder(conn, application_id, change.new_holder_id)
    if granted and change.new_end is not None:
        call = (await calls.get_call(conn, award.call_id)).definition
        ends_at = datetime.combine(change.new_end, time(15), OSLO)
        changed["ends_at"] = ends_at
        changed["final_report_due_at"] = instant(call, "final_report_due", ends_at)
        changed["invoicing_due_at"] = instant(call, "invoicing", ends_at)
    await move_award(conn, award, GrantAction.DECIDE_CHANGE, actor, **changed)
    await reports.decide_change(conn, change, after, reason, by, at)
    await cases.add_step(conn, "change", f"{application_id}/{n}", before, action, after, actor)
    final = await grants.find_award(conn, application_id)
    assert final is not None
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="change.decided",
        body={
            "n": n,
            "kind": change.kind,
            "granted": granted,
            "reason": reason,
            "ends_at": iso(final.ends_at),
        },
        events=[
            ChangeDecided(
                application_id=application_id,
                call_id=award.call_id,
                n=n,
                kind=change.kind,
                granted=granted,
                asked_by=change.asked_by,
                holder_id=final.holder_id,
                ends_at=final.ends_at,
                final_report_due_at=final.final_report_due_at,
                invoicing_due_at=final.invoicing_due_at,
            )
        ],
    )


async def register_invoice(
    conn: Connection,
    application_id: UUID,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    amount: int,
    invoiced_on: date,
    last: bool,
) -> int:
    """The trust registers an invoice: within the award, until the invoicing deadline. Returns its number.

    The last one may be of 0 NOK: that is how a trust says that no more will come.
    """
    award = await lock_award(conn, application_id)
    await move_award(conn, award, GrantAction.INVOICE, actor)
    assert award.invoicing_due_at is not None  # known since the start
    assert award.started_at is not None
    before = await reports.invoiced(conn, application_id)
    if before.last:
        raise InvoicingClosed("the last invoice is registered already")
    if at > award.invoicing_due_at:
        raise InvoicingClosed(f"invoices were due by {iso(award.invoicing_due_at)}")
    if amount == 0 and not last:
        remedy = "at least 1 NOK; 0 only in the last one"
        raise Invalid("amount", errors=[FieldError("amount", amount, remedy)])
    if before.amount + amount > award.amount:
        remedy = f"at most {award.amount - before.amount} NOK are left"
        raise InvoicedTooMuch(remedy, errors=[FieldError("amount", amount, remedy)])
    if not award.started_at.astimezone(OSLO).date() <= invoiced_on <= at.astimezone(OSLO).date():
        remedy = "a day from the project's start to today"
        raise Invalid("invoiced_on", errors=[FieldError("invoiced_on", invoiced_on.isoformat(), remedy)])
    n = before.count + 1
    await reports.add_invoice(conn, application_id, n, amount, invoiced_on, last, by, at)
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="invoice.registered",
        body={"n": n, "amount": amount, "invoiced_on": invoiced_on.isoformat(), "last": last},
        events=[
            InvoiceRegistered(
                application_id=application_id,
                call_id=award.call_id,
                amount=amount,
                invoiced_on=invoiced_on,
                last=last,
            )
        ],
    )
    return n


async def expire_invoicing(conn: Connection, application_id: UUID, due_at: datetime, actor: Actor) -> None:
    """The time for invoices is over, so nobody is waited for any more. Once per grant.

    `due_at` is the deadline that passed; where another one counts by now nothing happens, nor where the trust
    has registered its last invoice. NotYet while it has not passed by the database's clock.
    """
    award = await lock_award(conn, application_id)
    if award.invoicing_expired_at is not None or award.invoicing_due_at != due_at:
        return
    if (await reports.invoiced(conn, application_id)).last:
        return
    at = await now(conn)
    if at <= due_at:
        raise NotYet(f"invoices may come until {iso(due_at)}")
    await move_award(conn, award, GrantAction.EXPIRE_INVOICING, actor, invoicing_expired_at=at)
    expired = InvoicingExpired(application_id=application_id, call_id=award.call_id)
    await record(
        conn, key=str(application_id), actor=actor, action="invoicing.expired", body={}, events=[expired]
    )
