"""An award is lost: proposed, confirmed by an adviser, and in the same transaction the money goes on."""

from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection, now
from services.common.errors import NotFound, StepOutOfOrder
from services.common.record import Actor, Entry, record, record_all
from services.funding.commands.moves import lock_award, lock_case, lock_money, move_award, move_case
from services.funding.commands.offers import offer_free_money
from services.funding.domain.cases import CaseAction
from services.funding.domain.grants import GrantAction, GrantState
from services.funding.events import LossDecided, LossProposed
from services.funding.store import calls, grants
from services.funding.times import kept_acceptance, kept_start


class NotYetLapsed(Exception):
    """The instant has not passed by the database's clock; to be tried again."""


_LAPSES = {GrantState.AWARDED: "acceptance_lapses_at", GrantState.ACCEPTED: "start_lapses_at"}


async def propose_loss(
    conn: Connection, application_id: UUID, n: int, outcome: str, lapses_at: datetime | None, actor: Actor
) -> None:
    """Propose that the award is lost, if the holder has still not acted. Once per (application, n).

    `lapses_at` is the instant that passed; where another one counts by now nothing happens, nor while an
    extension that was asked for is not decided: then the holder has acted. None: the holder said no.
    """
    award = await lock_award(conn, application_id)
    if await grants.loss_exists(conn, application_id, n) or await grants.open_loss(conn, application_id):
        return
    if lapses_at is None:
        if award.state is not GrantState.REFUSED:
            return
    else:
        at = await now(conn)
        if award.state not in _LAPSES or getattr(award, _LAPSES[award.state]) != lapses_at:
            return
        if at < lapses_at:
            raise NotYetLapsed(f"{lapses_at.isoformat()} has not passed")
        extension = await grants.last_extension(conn, application_id)
        if extension is not None and extension.state == "asked":
            return
    await grants.add_loss(conn, application_id, n, outcome, await now(conn))
    await move_award(conn, award, GrantAction.PROPOSE_LOSS, actor)
    proposed = LossProposed(application_id=application_id, call_id=award.call_id, n=n, outcome=outcome)
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="loss.proposed",
        body={"n": n, "outcome": outcome},
        events=[proposed],
    )


async def decide_loss(
    conn: Connection, application_id: UUID, by: UUID, actor: Actor, *, confirmed: bool, reason: str
) -> None:
    """An adviser confirms the loss, and the money is offered on at once; or keeps the award, with new time to
    act."""
    found = await grants.find_award(conn, application_id)
    if found is None:
        raise NotFound
    pots = await lock_money(conn, found.call_id, [found.panel])
    case = await lock_case(conn, application_id)
    award = await lock_award(conn, application_id)
    loss = await grants.open_loss(conn, application_id)
    if loss is None:
        raise StepOutOfOrder("no loss of this award is proposed")
    at = await now(conn)
    await grants.decide_loss(conn, loss, confirmed, reason, by, at)
    body: dict[str, JsonValue] = {
        "n": loss.n,
        "outcome": loss.outcome,
        "confirmed": confirmed,
        "reason": reason,
    }
    if not confirmed:
        decided = await _keep(conn, award, loss, by, actor, at)
        await record(
            conn, key=str(application_id), actor=actor, action="loss.decided", body=body, events=[decided]
        )
        return
    await move_award(conn, award, GrantAction.CONFIRM_LOSS, actor, lost_as=loss.outcome)
    await move_case(conn, case, CaseAction.LOSE, actor)
    decided = LossDecided(
        application_id=application_id,
        call_id=award.call_id,
        n=loss.n,
        outcome=loss.outcome,
        confirmed=True,
        decided_by=by,
        holder_id=award.holder_id,
    )
    entry = Entry(str(application_id), actor, "loss.decided", body, [decided])
    await record_all(
        conn, [entry, *await free_money(conn, pots[award.panel], award.amount, application_id, actor)]
    )


async def free_money(
    conn: Connection, locked: calls.LockedPot, amount: int, freed_by: UUID, actor: Actor
) -> list[Entry]:
    """Give awarded money back to its (locked) pot and offer it to the reserve list. Returns what to
    record."""
    after = locked.pot.give_back(amount)
    await calls.save_pot(conn, locked.call_id, locked.panel, locked.pot, after)
    freed = calls.LockedPot(locked.call_id, locked.panel, after, locked.reserve_size)
    return await offer_free_money(conn, freed, actor, freed_by=freed_by, fresh=True)


async def _keep(
    conn: Connection, award: grants.Award, loss: grants.Loss, by: UUID, actor: Actor, at: datetime
) -> LossDecided:
    call = (await calls.get_call(conn, award.call_id)).definition
    if award.state is GrantState.START_LAPSING:
        due_at, lapses_at = kept_start(call, at)
        times = {"start_due_at": due_at, "start_lapses_at": lapses_at}
    else:
        due_at, lapses_at = kept_acceptance(call, at)
        times = {"accept_due_at": due_at, "acceptance_lapses_at": lapses_at}
    await move_award(conn, award, GrantAction.KEEP, actor, **times)
    return LossDecided(
        application_id=award.application_id,
        call_id=award.call_id,
        n=loss.n,
        outcome=loss.outcome,
        confirmed=False,
        decided_by=by,
        holder_id=award.holder_id,
        **times,
    )
