"""A case ends elsewhere (withdrawn, rejected, expired, not recommended), or such an ending is undone."""

from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection, now
from services.common.errors import NotYet
from services.common.record import Actor, Entry, record_all
from services.funding.commands.left_out import leave_out
from services.funding.commands.letters import issue_letter
from services.funding.commands.losses import free_money
from services.funding.commands.moves import lock_case, lock_money, move_award, move_case
from services.funding.commands.offers import leave_list, offer_free_money, withdraw_offer
from services.funding.domain.cases import CASE, CaseAction, CaseState
from services.funding.domain.grants import GRANT, GrantAction
from services.funding.events import LossDecided
from services.funding.store import calls, cases, decisions, grants, papers

_SERVICE = Actor("service", "funding")
_HAS_MONEY = frozenset({CaseState.OFFERED, CaseState.MOVING, CaseState.IN_DECISION, CaseState.RESERVE})


async def end_case(
    conn: Connection, application_id: UUID, call_id: str, ended_as: str, by: UUID | None = None
) -> None:
    """The case has ended; what it held or was awarded is free again. Once per ending.

    An application can be withdrawn until it is decided, so a withdrawal that meets an award has crossed with
    the decision on its way: it is the holder's "no" to the award. A project that has started is not touched.
    """
    await cases.hear_of(conn, application_id, call_id)
    found = await cases.find_case(conn, application_id)
    pots = await lock_money(conn, call_id, [found.panel]) if found and found.panel else {}
    case = await lock_case(conn, application_id)
    entries: list[Entry] = []
    if case.state is CaseState.AWARDED and ended_as == "withdrawn" and by is not None:
        entries = await _refuse_award(conn, case, pots, by)
    elif CaseAction.END in CASE[case.state]:
        await move_case(
            conn, case, CaseAction.END, _SERVICE, held=0, ended_as=ended_as, ended_from=case.state.value
        )
        entries = [Entry(str(application_id), _SERVICE, "case.ended", {"as": ended_as})]
        if case.state is CaseState.OFFERED and by is not None:
            at = await now(conn)
            entries.append(
                await withdraw_offer(conn, case, by, _SERVICE, at, reason=f"the case was {ended_as}")
            )
        if pots and case.state in _HAS_MONEY:
            entries += await leave_list(conn, case, pots, _SERVICE)
    if entries:
        await record_all(conn, entries)


async def not_recommend(conn: Connection, application_id: UUID, call_id: str, version: int) -> None:
    """The trust's no ends the case, unless a newer version has come. NotYet before the version itself."""
    case = await cases.find_case(conn, application_id)
    if case is None or case.version < version:
        raise NotYet(f"version {version} of {application_id} has not arrived yet")
    if case.version == version:
        await end_case(conn, application_id, call_id, "not_recommended")


async def _refuse_award(
    conn: Connection, case: cases.Case, pots: dict[str, calls.LockedPot], by: UUID
) -> list[Entry]:
    award = await grants.lock_award(conn, case.id)
    if award is not None and GrantAction.WITHDRAW not in GRANT[award.state]:
        return [Entry(str(case.id), _SERVICE, "withdrawal.too_late", {"state": award.state.value})]
    n = 1
    if award is not None:
        n = await grants.last_loss(conn, case.id) + 1
        pending = await grants.open_loss(conn, case.id)
        at = await now(conn)
        if pending is not None:
            n = pending.n
        else:
            await grants.add_loss(conn, case.id, n, "not_accepted", at)
        loss = grants.Loss(case.id, n, "not_accepted")
        await grants.decide_loss(conn, loss, True, "withdrawn", by, at)
        await move_award(conn, award, GrantAction.WITHDRAW, _SERVICE, lost_as="not_accepted")
    await move_case(conn, case, CaseAction.LOSE, _SERVICE)
    decided = LossDecided(
        application_id=case.id,
        call_id=case.call_id,
        n=n,
        outcome="not_accepted",
        confirmed=True,
        decided_by=by,
        holder_id=case.holder_id,
    )
    body: dict[str, JsonValue] = {
        "n": n,
        "outcome": "not_accepted",
        "reason": "withdrawn while it was decided",
    }
    entry = Entry(str(case.id), _SERVICE, "loss.decided", body, [decided])
    decision = (await decisions.decisions_of_case(conn, case.id))[-1]
    freed = await free_money(conn, pots[case.panel], decision.amount, case.id, _SERVICE)
    return [entry, *freed]


async def undo_ending(conn: Connection, application_id: UUID, ended_as: str) -> None:
    """The ending was undone: the case is where it was, or left out if its round was decided meanwhile. What
    it held has gone on, so an offer or a move is a place on the reserve list again, and asked anew if its
    turn and money are still there."""
    found = await cases.find_case(conn, application_id)
    if found is None:
        return
    pots = await lock_money(conn, found.call_id, [found.panel]) if found.panel else {}
    await decisions.lock_round_of_call(conn, found.call_id)
    case = await lock_case(conn, application_id)
    if case.state is not CaseState.ENDED or case.ended_as != ended_as:
        return
    back = CaseState(case.ended_from or CaseState.RECEIVED)
    if back in (CaseState.OFFERED, CaseState.MOVING):
        back = CaseState.RESERVE
    await cases.save_case(conn, case, state=back)
    await cases.add_step(conn, "case", case.id, case.state, "undo", back, _SERVICE)
    body: dict[str, JsonValue] = {"as": ended_as, "state": back.value}
    entries = [
        Entry(str(application_id), _SERVICE, "case.ending_undone", body),
        *await leave_out(conn, case.call_id, _SERVICE, application_id),
    ]
    if case.decision_version and await papers.letters_are_due(conn, application_id, case.decision_version):
        # It was passed over when the letters of its round went out.
        case = await lock_case(conn, application_id)
        letter = await issue_letter(conn, case, case.decision_version, _SERVICE)
        entries += [letter] if letter else []
    if back is CaseState.RESERVE:
        entries += await offer_free_money(conn, pots[case.panel], _SERVICE, freed_by=None)
    await record_all(conn, entries)
