"""The holder's answer to the award, the adjusted plan it may owe, and the confirmed start."""

from datetime import date, datetime, time
from uuid import UUID

from services.common.calendar import OSLO
from services.common.db import Connection
from services.common.errors import FieldError, Invalid, NotFound
from services.common.record import Actor, Fact, record
from services.funding.commands.moves import iso, lock_award, move_award
from services.funding.domain.grants import (
    PLAN,
    REQUEST,
    GrantAction,
    PlanAction,
    PlanNotConfirmed,
    PlanState,
    RequestAction,
    RequestState,
    plans_owed,
)
from services.funding.domain.machine import move
from services.funding.events import AwardAnswered, ExtensionDecided, PlanDelivered, PlanJudged, StartConfirmed
from services.funding.store import calls, cases, decisions, grants
from services.funding.times import project_times


async def answer_award(
    conn: Connection,
    application_id: UUID,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    accepted: bool,
    reason: str | None,
) -> grants.Award:
    """The holder accepts, or says no; after a no an adviser confirms the loss."""
    award = await lock_award(conn, application_id)
    action = GrantAction.ACCEPT if accepted else GrantAction.REFUSE
    await move_award(conn, award, action, actor, answered_at=at)
    if accepted:
        decided = (await decisions.decisions_of_case(conn, application_id))[-1]
        for organisation in plans_owed(decided.conditions):
            await grants.add_plan(conn, application_id, organisation)
    outcome = "accepted" if accepted else "refused"
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="award.answered",
        body={"version": award.version, "outcome": outcome, "reason": reason},
        events=[
            AwardAnswered(
                application_id=application_id,
                call_id=award.call_id,
                version=award.version,
                outcome=outcome,
                answered_by=by,
            )
        ],
    )
    return award


async def _plan(conn: Connection, application_id: UUID, organisation: str) -> grants.Plan:
    for plan in await grants.plans(conn, application_id):
        if plan.organisation == organisation:
            return plan
    raise NotFound


async def deliver_plan(
    conn: Connection,
    application_id: UUID,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    organisation: str,
    statement: str,
) -> int:
    """The holder delivers the adjusted plan (X15), anew if it was returned. Returns the number of the
    delivery."""
    award = await lock_award(conn, application_id)
    plan = await _plan(conn, application_id, organisation)
    after = move(PLAN, plan.state, PlanAction.DELIVER)
    await move_award(conn, award, GrantAction.DELIVER_PLAN, actor)
    await cases.add_step(
        conn, "plan", f"{application_id}/{organisation}", plan.state, PlanAction.DELIVER, after, actor
    )
    n = plan.n + 1
    await grants.deliver_plan(conn, plan, n, statement, by, at)
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="plan.delivered",
        body={"organisation": organisation, "n": n},
        events=[
            PlanDelivered(
                application_id=application_id, call_id=award.call_id, organisation=organisation, n=n
            )
        ],
    )
    return n


async def judge_plan(
    conn: Connection,
    application_id: UUID,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    organisation: str,
    confirmed: bool,
    reason: str | None,
) -> None:
    """The consulted organisation confirms the adjusted plan, or returns it with a reason."""
    award = await lock_award(conn, application_id)
    plan = await _plan(conn, application_id, organisation)
    action = PlanAction.CONFIRM if confirmed else PlanAction.RETURN
    after = move(PLAN, plan.state, action)
    if not confirmed and not reason:
        raise Invalid("reason", errors=[FieldError("reason", reason, "say what must be changed in the plan")])
    await move_award(conn, award, GrantAction.JUDGE_PLAN, actor)
    await cases.add_step(conn, "plan", f"{application_id}/{organisation}", plan.state, action, after, actor)
    await grants.judge_plan(conn, plan, after, reason, by, at)
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="plan.judged",
        body={"organisation": organisation, "n": plan.n, "outcome": after, "reason": reason},
        events=[
            PlanJudged(
                application_id=application_id,
                call_id=award.call_id,
                organisation=organisation,
                n=plan.n,
                outcome=after,
            )
        ],
    )


async def start(
    conn: Connection, application_id: UUID, by: UUID, actor: Actor, at: datetime, started_on: date | None
) -> grants.Award:
    """The holder confirms the start (X18); late when it comes after the first due instant, within an
    extension.

    `started_on` is the day of the real start, from the letter to today. PlanNotConfirmed while a condition is
    open.
    """
    award = await lock_award(conn, application_id)
    owed = [
        each.organisation
        for each in await grants.plans(conn, application_id)
        if each.state is not PlanState.CONFIRMED
    ]
    if owed:
        raise PlanNotConfirmed(f"waiting for {', '.join(owed)}", organisations=list(owed))
    started_at = _started_at(started_on, award.made_at, at)
    times = project_times((await calls.get_call(conn, award.call_id)).definition, started_at)
    late = at > award.first_start_due_at
    await move_award(
        conn,
        award,
        GrantAction.START,
        actor,
        started_at=started_at,
        started_late=late,
        first_report_ask_at=times.first_report_ask_at,
        ends_at=times.ends_at,
        final_report_due_at=times.final_report_due_at,
        invoicing_due_at=times.invoicing_due_at,
    )
    events: list[Fact] = await _overtake_extension(conn, award, by, actor, at)
    events.append(
        StartConfirmed(
            application_id=application_id,
            call_id=award.call_id,
            version=award.version,
            started_at=started_at,
            late=late,
            first_report_ask_at=times.first_report_ask_at,
            ends_at=times.ends_at,
            final_report_due_at=times.final_report_due_at,
            invoicing_due_at=times.invoicing_due_at,
        )
    )
    body = {"started_at": iso(started_at), "late": late}
    await record(
        conn, key=str(application_id), actor=actor, action="start.confirmed", body=body, events=events
    )
    return award


def _started_at(started_on: date | None, made_at: datetime, at: datetime) -> datetime:
    if started_on is None:
        return at
    if not made_at.astimezone(OSLO).date() <= started_on <= at.astimezone(OSLO).date():
        raise Invalid(
            "started_on",
            errors=[
                FieldError("started_on", started_on.isoformat(), "a day from the award's letter to today")
            ],
        )
    # Noon is on that day wherever it is read; never later than the confirmation itself.
    return min(at, max(made_at, datetime.combine(started_on, time(12), OSLO)))


async def _overtake_extension(
    conn: Connection, award: grants.Award, by: UUID, actor: Actor, at: datetime
) -> list[Fact]:
    """A start makes a wish for more time pointless: it is closed, so that nobody is asked about it any
    more."""
    extension = await grants.last_extension(conn, award.application_id)
    if extension is None or extension.state != RequestState.ASKED:
        return []
    before = RequestState.ASKED
    after = move(REQUEST, before, RequestAction.OVERTAKE)
    subject = f"{award.application_id}/{extension.n}"
    await cases.add_step(conn, "extension", subject, before, RequestAction.OVERTAKE, after, actor)
    await grants.decide_extension(conn, extension, after, "started", by, at)
    return [
        ExtensionDecided(
            application_id=award.application_id,
            call_id=award.call_id,
            version=award.version,
            n=extension.n,
            granted=False,
            start_due_at=award.start_due_at,
            start_lapses_at=award.start_lapses_at,
            holder_id=award.holder_id,
        )
    ]
