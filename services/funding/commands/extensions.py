"""More time for the start: asked by the holder, decided by an adviser."""

from datetime import datetime
from uuid import UUID

from services.common.db import Connection
from services.common.errors import FieldError, Refused, StepOutOfOrder
from services.common.record import Actor, record
from services.funding.commands.moves import iso, lock_award, move_award
from services.funding.domain.grants import REQUEST, GrantAction, RequestAction, RequestState
from services.funding.domain.machine import move
from services.funding.events import ExtensionAsked, ExtensionDecided
from services.funding.store import calls, cases, grants
from services.funding.times import after_refused_extension, instant, lapse_after_extension


class ExtensionTooLong(Refused):
    """The start cannot be moved that far."""

    status = 422


async def ask_extension(
    conn: Connection,
    application_id: UUID,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    reason: str,
    until: datetime | None,
) -> tuple[int, datetime]:
    """The holder asks to start later; without `until` as late as the call allows. Returns the wish's number
    and end."""
    award = await lock_award(conn, application_id)
    await move_award(conn, award, GrantAction.ASK_EXTENSION, actor)
    last = await grants.last_extension(conn, application_id)
    if last is not None and last.state == RequestState.ASKED:
        raise StepOutOfOrder("an extension is asked for already")
    call = (await calls.get_call(conn, award.call_id)).definition
    latest = instant(call, "start_extension", award.start_due_at)
    wished = until or latest
    earliest = max(award.start_due_at, at)
    if not earliest < wished <= latest:
        remedy = f"after {iso(earliest)} and not after {iso(latest)}"
        raise ExtensionTooLong(remedy, errors=[FieldError("until", iso(until), remedy)])
    n = last.n + 1 if last else 1
    await grants.add_extension(conn, application_id, n, wished, reason, by, at)
    await cases.add_step(conn, "extension", f"{application_id}/{n}", None, "ask", RequestState.ASKED, actor)
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="extension.asked",
        body={"n": n, "until": iso(wished), "reason": reason},
        events=[
            ExtensionAsked(
                application_id=application_id, call_id=award.call_id, version=award.version, n=n, until=wished
            )
        ],
    )
    return n, wished


async def decide_extension(
    conn: Connection,
    application_id: UUID,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    granted: bool,
    reason: str,
) -> datetime:
    """Grant the wish, or refuse it and give back the time the answer took. Returns when the start is due."""
    award = await lock_award(conn, application_id)
    await move_award(conn, award, GrantAction.DECIDE_EXTENSION, actor)
    extension = await grants.last_extension(conn, application_id)
    if extension is None:
        raise StepOutOfOrder("no extension is asked for")
    before = RequestState(extension.state)
    action = RequestAction.GRANT if granted else RequestAction.REFUSE
    after = move(REQUEST, before, action)
    call = (await calls.get_call(conn, award.call_id)).definition
    due_at = (
        extension.until if granted else after_refused_extension(award.start_due_at, extension.asked_at, at)
    )
    lapses_at = lapse_after_extension(call, due_at, award.start_lapses_at, extension.asked_at, at)
    await grants.decide_extension(conn, extension, after, reason, by, at)
    await grants.save_award(conn, award, start_due_at=due_at, start_lapses_at=lapses_at)
    subject = f"{application_id}/{extension.n}"
    await cases.add_step(conn, "extension", subject, before, action, after, actor)
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="extension.decided",
        body={"n": extension.n, "granted": granted, "reason": reason, "start_due_at": iso(due_at)},
        events=[
            ExtensionDecided(
                application_id=application_id,
                call_id=award.call_id,
                version=award.version,
                n=extension.n,
                granted=granted,
                start_due_at=due_at,
                start_lapses_at=lapses_at,
                holder_id=award.holder_id,
            )
        ],
    )
    return due_at
