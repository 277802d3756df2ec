"""Laying a decision round out from the panels' signed recommendations."""

from uuid import UUID

from services.common.db import Connection, now
from services.common.errors import NotYet, StepOutOfOrder
from services.common.record import Actor, record
from services.funding.commands.moves import lock_case, move_case
from services.funding.domain.cases import (
    WITH_MONEY,
    CaseAction,
    CaseState,
    Outcome,
    RoundKind,
    RoundState,
    proposed_outcome,
)
from services.funding.store import calls, cases, decisions, recommendations


class RecommendationsMissing(NotYet):
    """A recommendation that the round waits for has not arrived; to be tried again."""


async def open_round(
    conn: Connection, round_id: str, call_id: str, application_id: UUID | None, actor: Actor
) -> None:
    """Lay out what the panels recommend. Once per round. RecommendationsMissing while one is still on its
    way."""
    if await decisions.find_round(conn, round_id) is not None:
        return
    call = await calls.get_call(conn, call_id)
    await decisions.lock_round_of_call(conn, call_id)
    if application_id is None:
        kind = RoundKind.CALL
        found = await _of_call(conn, call)
    else:
        case = await lock_case(conn, application_id)
        kind = RoundKind.MOVE if case.state is CaseState.MOVING else RoundKind.COMPLAINT
        found = await _of_case(conn, case, round_id)
    locked = {case.id: case for case in await cases.lock_cases(conn, [each.application_id for each in found])}
    live = [
        each
        for each in found
        if each.application_id not in locked or locked[each.application_id].state is not CaseState.ENDED
    ]
    for each in live:
        known = locked.get(each.application_id)
        if known is None or known.version == 0:
            raise RecommendationsMissing(f"the case {each.application_id} is still on its way")
    opened = decisions.Round(
        round_id, call_id, application_id, kind, RoundState.OPEN, 1, None, None, None, None, None
    )
    await decisions.add_round(conn, opened, await now(conn))
    await cases.add_step(conn, "decision_round", round_id, None, "open", RoundState.OPEN, actor)
    proposals = [_proposal(kind, each, locked[each.application_id]) for each in live]
    await decisions.add_proposals(conn, round_id, proposals)
    for each in live:
        await move_case(conn, locked[each.application_id], CaseAction.LAY_OUT, actor)
    await record(
        conn,
        key=str(application_id or call_id),
        actor=actor,
        action="decision_round.opened",
        body={
            "decision_round_id": round_id,
            "kind": kind,
            "cases": [str(each.application_id) for each in live],
        },
    )


async def _of_call(conn: Connection, call: calls.Call) -> list[recommendations.Recommendation]:
    """Every panel's signed recommendation, complete."""
    round_ids = [f"{call.id}.{panel.code}" for panel in call.definition.panels]
    signed = await recommendations.signed_cases(conn, round_ids)
    missing = sorted(set(round_ids) - signed.keys())
    if missing:
        raise RecommendationsMissing(f"not signed yet: {', '.join(missing)}")
    wanted = {application_id for listed in signed.values() for application_id in listed}
    found = await recommendations.recommendations(conn, list(wanted), round_ids)
    if len(found) < len(wanted):
        raise RecommendationsMissing(f"{len(wanted) - len(found)} recommendations are on their way")
    return found


async def _of_case(conn: Connection, case: cases.Case, round_id: str) -> list[recommendations.Recommendation]:
    """What was recommended for one case: newly, where an upheld complaint led to a new assessment."""
    if case.state is CaseState.ENDED:
        raise StepOutOfOrder("the case has ended; should it come back, its round is laid out then")
    again = f"{case.id}.r{case.decision_version}"
    if case.state is CaseState.UPHELD and await _assessed_again(conn, case):
        signed = await recommendations.signed_cases(conn, [again])
        found = await recommendations.recommendations(conn, [case.id], [again])
        if not signed or not found:
            raise RecommendationsMissing(f"{again} is still on its way")
        return found
    latest = await recommendations.latest_recommendation(conn, case.id)
    if latest is None:
        raise RecommendationsMissing(f"no recommendation for {round_id} is here")
    return [latest]


async def _assessed_again(conn: Connection, case: cases.Case) -> bool:
    return await cases.upheld_stage(conn, case.id, case.decision_version) == "assessment"


def _proposal(kind: RoundKind, each: recommendations.Recommendation, case: cases.Case) -> decisions.Proposal:
    recommended = Outcome(each.outcome)
    outcome = proposed_outcome(kind, recommended, each.rank)
    # A place on the reserve list is for the full amount, whatever was left when the panel met.
    amount = case.held or each.amount or case.applied if outcome in WITH_MONEY else 0
    return decisions.Proposal(
        application_id=case.id,
        panel=case.panel,
        rank=each.rank,
        recommended_outcome=recommended,
        recommended_amount=each.amount,
        proposed_outcome=outcome,
        proposed_amount=amount,
        outcome=outcome,
        amount=amount,
        reason=None,
        conditions=each.conditions,
        averages=each.averages,
    )
