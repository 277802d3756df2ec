"""A decision round: prepared by an adviser, sent back or taken by the leader, who is another person."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection, now
from services.common.errors import FieldError, Invalid, NotFound
from services.common.record import Actor, Entry, record, record_all
from services.funding.commands.left_out import leave_out
from services.funding.commands.moves import lock_money, move_case
from services.funding.domain.cases import (
    DECIDES,
    ROUND,
    CaseState,
    Outcome,
    RoundAction,
    RoundKind,
    require_other_person,
)
from services.funding.domain.machine import move
from services.funding.domain.money import reserve_order
from services.funding.domain.round_plan import (
    Deviation,
    Planned,
    apply_deviations,
    require_places,
    spend,
)
from services.funding.events import CaseDecided, DecisionsPrepared, DecisionsSentBack, DecisionsTaken
from services.funding.store import calls, cases, decisions


async def _planned(conn: Connection, round_id: str) -> tuple[list[Planned], dict[UUID, cases.Case]]:
    """The cases of the round that are still to be decided, their rows locked."""
    proposals = await decisions.proposals(conn, round_id)
    locked = {
        case.id: case for case in await cases.lock_cases(conn, [each.application_id for each in proposals])
    }
    planned = [
        Planned(
            application_id=each.application_id,
            panel=each.panel,
            proposed_outcome=each.proposed_outcome,
            proposed_amount=each.proposed_amount,
            outcome=each.outcome,
            amount=each.amount,
            applied=locked[each.application_id].applied,
            held=locked[each.application_id].held,
            reason=each.reason,
        )
        for each in proposals
        if locked[each.application_id].state is CaseState.IN_DECISION
    ]
    return planned, locked


async def _lock_round_money(
    conn: Connection, round_id: str
) -> tuple[decisions.Round, dict[str, calls.LockedPot]]:
    """Pots first, then the round. NotFound for an unknown one."""
    found = await decisions.find_round(conn, round_id)
    if found is None:
        raise NotFound
    panels = [each.panel for each in await decisions.proposals(conn, round_id)]
    pots = await lock_money(conn, found.call_id, panels)
    round_ = await decisions.lock_round(conn, round_id)
    assert round_ is not None  # rounds are never deleted
    return round_, pots


async def prepare(
    conn: Connection, round_id: str, by: UUID, actor: Actor, deviations: Sequence[Deviation]
) -> decisions.Round:
    """An adviser lays the round before the leader; each deviation from the recommendation has its reason."""
    round_, pots = await _lock_round_money(conn, round_id)
    after = move(ROUND, round_.state, RoundAction.PREPARE)
    planned, _ = await _planned(conn, round_id)
    # Prepared anew: what an earlier attempt deviated is forgotten unless it is said again.
    anew = [
        Planned(
            application_id=each.application_id,
            panel=each.panel,
            proposed_outcome=each.proposed_outcome,
            proposed_amount=each.proposed_amount,
            outcome=each.proposed_outcome,
            amount=each.proposed_amount,
            applied=each.applied,
            held=each.held,
        )
        for each in planned
    ]
    prepared = apply_deviations(anew, deviations)
    await _require_feasible(conn, round_, pots, prepared)
    for each in prepared:
        await decisions.save_proposal(
            conn, round_id, each.application_id, each.outcome, each.amount, each.reason
        )
    await decisions.set_prepared(conn, round_id, by, await now(conn))
    await cases.add_step(conn, "decision_round", round_id, round_.state, RoundAction.PREPARE, after, actor)
    await record(
        conn,
        key=str(round_.application_id or round_.call_id),
        actor=actor,
        action="decision_round.prepared",
        body={
            "decision_round_id": round_id,
            "attempt": round_.attempt,
            "deviations": [
                {
                    "application_id": str(each.application_id),
                    "outcome": each.outcome,
                    "amount": each.amount,
                    "reason": each.reason,
                }
                for each in prepared
                if each.reason is not None
            ],
        },
        events=[
            DecisionsPrepared(
                decision_round_id=round_id,
                call_id=round_.call_id,
                application_id=round_.application_id,
                attempt=round_.attempt,
                prepared_by=by,
            )
        ],
    )
    return round_


async def _require_feasible(
    conn: Connection,
    round_: decisions.Round,
    pots: dict[str, calls.LockedPot],
    planned: Sequence[Planned],
) -> None:
    spend({panel: locked.pot for panel, locked in pots.items()}, planned)
    # After an upheld complaint the case gets a place even on a full list, at its end.
    if round_.kind is RoundKind.CALL:
        places = {
            panel: locked.reserve_size - await cases.places_taken(conn, round_.call_id, panel)
            for panel, locked in pots.items()
        }
        require_places(planned, places)


async def decide(
    conn: Connection, round_id: str, by: UUID, actor: Actor, *, approved: bool, reason: str | None
) -> decisions.Round:
    """The leader takes every decision of the round, or sends it back with a reason."""
    round_, pots = await _lock_round_money(conn, round_id)
    action = RoundAction.TAKE if approved else RoundAction.SEND_BACK
    after = move(ROUND, round_.state, action)
    assert round_.prepared_by is not None  # a prepared round has its preparer
    require_other_person(round_.prepared_by, by)
    if not approved:
        if not reason:
            raise Invalid("reason", errors=[FieldError("reason", reason, "say what must be prepared again")])
        await decisions.set_sent_back(conn, round_id, reason)
        await cases.add_step(conn, "decision_round", round_id, round_.state, action, after, actor)
        back = DecisionsSentBack(
            decision_round_id=round_id,
            call_id=round_.call_id,
            application_id=round_.application_id,
            attempt=round_.attempt,
            sent_back_by=by,
        )
        body: dict[str, JsonValue] = {
            "decision_round_id": round_id,
            "attempt": round_.attempt,
            "reason": reason,
        }
        key = str(round_.application_id or round_.call_id)
        await record(conn, key=key, actor=actor, action="decision_round.sent_back", body=body, events=[back])
        return round_
    at = await now(conn)
    await decisions.set_decided(conn, round_id, by, at)
    await cases.add_step(conn, "decision_round", round_id, round_.state, action, after, actor)
    await record_all(conn, await _take(conn, round_, pots, by, actor, at))
    return round_


async def _take(
    conn: Connection,
    round_: decisions.Round,
    pots: dict[str, calls.LockedPot],
    by: UUID,
    actor: Actor,
    at: datetime,
) -> list[Entry]:
    planned, locked = await _planned(conn, round_.id)
    before = {panel: each.pot for panel, each in pots.items()}
    for panel, pot in spend(before, planned).items():
        await calls.save_pot(conn, round_.call_id, panel, before[panel], pot)
    proposals = {each.application_id: each for each in await decisions.proposals(conn, round_.id)}
    positions: dict[UUID, int] = {}
    for panel in pots:
        new = [
            (
                each.application_id,
                proposals[each.application_id].rank,
                locked[each.application_id].case_number,
            )
            for each in planned
            if each.panel == panel and each.outcome is Outcome.RESERVE
        ]
        positions |= reserve_order(new, await cases.last_position(conn, round_.call_id, panel))
    entries = []
    for each in planned:
        case, proposal = locked[each.application_id], proposals[each.application_id]
        version = case.decision_version + 1
        decision = decisions.Decision(
            application_id=case.id,
            version=version,
            decision_round_id=round_.id,
            call_id=round_.call_id,
            outcome=each.outcome,
            amount=each.amount,
            conditions=proposal.conditions,
            averages=proposal.averages,
            rank=proposal.rank,
            reason=each.reason,
            prepared_by=_known(round_.prepared_by),
            decided_by=by,
            decided_at=at,
        )
        await decisions.add_decision(conn, decision)
        await move_case(
            conn,
            case,
            DECIDES[each.outcome],
            actor,
            held=0,
            held_back=False,
            decision_version=version,
            reserve_position=positions.get(case.id),
        )
        decided = CaseDecided(
            application_id=case.id,
            call_id=case.call_id,
            decision_round_id=round_.id,
            version=version,
            outcome=each.outcome,
            amount=each.amount,
            conditions=proposal.conditions,
        )
        body: dict[str, JsonValue] = {
            "version": version,
            "decision_round_id": round_.id,
            "outcome": each.outcome,
            "amount": each.amount,
            "reason": each.reason,
            "prepared_by": str(round_.prepared_by),
        }
        entries.append(Entry(str(case.id), actor, "case.decided", body, [decided]))
    if round_.kind is RoundKind.CALL:
        entries += await leave_out(conn, round_.call_id, actor)
    taken = DecisionsTaken(
        decision_round_id=round_.id,
        call_id=round_.call_id,
        application_id=round_.application_id,
        attempt=round_.attempt,
        decided_by=by,
    )
    summary: dict[str, JsonValue] = {
        "decision_round_id": round_.id,
        "attempt": round_.attempt,
        "cases": len(planned),
    }
    key = str(round_.application_id or round_.call_id)
    return [*entries, Entry(key, actor, "decision_round.decided", summary, [taken])]


def _known(person: UUID | None) -> UUID:
    assert person is not None
    return person
