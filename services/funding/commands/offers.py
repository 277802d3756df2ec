"""Freed money and the reserve list: offered to the first whose turn it is, confirmed or left to wait."""

from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection, now
from services.common.errors import NotYet, StepOutOfOrder
from services.common.record import Actor, Entry, record_all
from services.funding.commands.moves import lock_case, lock_money, move_case
from services.funding.domain.cases import CaseAction, CaseState, next_round_id
from services.funding.domain.money import Pot, is_expired, next_offer
from services.funding.events import ReserveExpired, ReserveMoveDecided, ReserveOffered
from services.funding.store import calls, cases, grants


async def offer_free_money(
    conn: Connection, locked: calls.LockedPot, actor: Actor, *, freed_by: UUID | None, fresh: bool = False
) -> list[Entry]:
    """Offer what is free in the (locked) pot to the panel's reserve list, in strict order.

    The offered amount is held in the pot, so nothing else can take it before the adviser has confirmed the
    move. `fresh`: money has just come free, so a place that was let wait is asked again. Returns what to
    record.
    """
    if fresh:
        await cases.set_held_back(conn, locked.call_id, locked.panel)
    entries: list[Entry] = []
    pot: Pot = locked.pot
    places = await cases.waiting_places(conn, locked.call_id, locked.panel)
    while place := next_offer(pot.free, places):
        places.remove(place)
        case = await lock_case(conn, place.application_id)
        before, pot = pot, pot.hold(place.amount)
        await calls.save_pot(conn, locked.call_id, locked.panel, before, pot)
        n = case.offers + 1
        await move_case(conn, case, CaseAction.OFFER, actor, held=place.amount, offers=n)
        await grants.add_offer(conn, case.id, n, place.amount, freed_by, await now(conn))
        entries.append(
            Entry(
                str(case.id),
                actor,
                "reserve.offered",
                {"n": n, "amount": place.amount, "freed_by": str(freed_by) if freed_by else None},
                [
                    ReserveOffered(
                        application_id=case.id,
                        call_id=case.call_id,
                        n=n,
                        amount=place.amount,
                        freed_by=freed_by,
                    )
                ],
            )
        )
    return entries


async def decide_move(
    conn: Connection, application_id: UUID, by: UUID, actor: Actor, *, confirmed: bool, reason: str
) -> str | None:
    """An adviser confirms the move up, or lets the place wait. Returns the decision round that follows.

    Let wait: the money is free again but stays, for nobody is skipped, until other money comes free. A place
    whose time is over by then ends.
    """
    found = await cases.find_case(conn, application_id)
    pots = await lock_money(conn, found.call_id, [found.panel]) if found else {}
    case = await lock_case(conn, application_id)
    if case.state is not CaseState.OFFERED:
        raise StepOutOfOrder("no money is offered to this place")
    at = await now(conn)
    await grants.decide_offer(conn, case.id, case.offers, confirmed, reason, by, at)
    entries: list[Entry] = []
    round_id = next_round_id(case.id, case.decision_version) if confirmed else None
    if confirmed:
        await move_case(conn, case, CaseAction.CONFIRM_MOVE, actor)
    else:
        await move_case(conn, case, CaseAction.LET_WAIT, actor, held=0, held_back=True)
        locked = await _release(conn, pots[case.panel], case.held)
        if is_expired(case.reserve_until, at):
            entries = await _expire(conn, application_id, locked, actor)
    decided = ReserveMoveDecided(
        application_id=case.id,
        call_id=case.call_id,
        n=case.offers,
        confirmed=confirmed,
        decision_round_id=round_id,
    )
    body: dict[str, JsonValue] = {"n": case.offers, "confirmed": confirmed, "reason": reason}
    await record_all(conn, [Entry(str(case.id), actor, "reserve.move_decided", body, [decided]), *entries])
    return round_id


async def expire_reserve(conn: Connection, application_id: UUID, actor: Actor) -> None:
    """End a place whose time is over; nothing happens where it has moved up or another decision is under
    way. NotYet while it is not over by the database's clock."""
    found = await cases.find_case(conn, application_id)
    if found is None or not found.panel:
        return
    pots = await lock_money(conn, found.call_id, [found.panel])
    case = await lock_case(conn, application_id)
    if case.state is not CaseState.RESERVE:
        return
    if not is_expired(case.reserve_until, await now(conn)):
        raise NotYet(f"the place of {application_id} is valid still")
    entries = await _expire(conn, application_id, pots[case.panel], actor)
    await record_all(conn, entries)


async def _expire(
    conn: Connection, application_id: UUID, locked: calls.LockedPot, actor: Actor
) -> list[Entry]:
    case = await lock_case(conn, application_id)
    await move_case(conn, case, CaseAction.EXPIRE, actor)
    expired = ReserveExpired(application_id=case.id, call_id=case.call_id)
    entry = Entry(str(case.id), actor, "reserve.expired", {}, [expired])
    # The next in line may fit where this one did not.
    return [entry, *await offer_free_money(conn, locked, actor, freed_by=None)]


async def withdraw_offer(
    conn: Connection, case: cases.Case, by: UUID, actor: Actor, at: datetime, *, reason: str
) -> Entry:
    """The open offer to this case ends without a move. The case has left the list already."""
    await grants.decide_offer(conn, case.id, case.offers, False, reason, by, at)
    decided = ReserveMoveDecided(
        application_id=case.id, call_id=case.call_id, n=case.offers, confirmed=False, decision_round_id=None
    )
    body: dict[str, JsonValue] = {"n": case.offers, "confirmed": False, "reason": reason}
    return Entry(str(case.id), actor, "reserve.offer_withdrawn", body, [decided])


async def leave_list(
    conn: Connection, case: cases.Case, pots: dict[str, calls.LockedPot], actor: Actor
) -> list[Entry]:
    """What the case held is free again, and the next in line is asked. It has left the list already."""
    locked = pots[case.panel]
    if case.held:
        locked = await _release(conn, locked, case.held)
    return await offer_free_money(conn, locked, actor, freed_by=case.id, fresh=bool(case.held))


async def _release(conn: Connection, locked: calls.LockedPot, amount: int) -> calls.LockedPot:
    after = locked.pot.release(amount)
    await calls.save_pot(conn, locked.call_id, locked.panel, locked.pot, after)
    return calls.LockedPot(locked.call_id, locked.panel, after, locked.reserve_size)
