"""The panel's meeting and its signed recommendation (innstilling)."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection
from services.common.errors import FieldError, Forbidden, Invalid, NotFound, StepOutOfOrder
from services.common.record import Actor, Fact
from services.review import events
from services.review.commands.conflicts import member_of, visible_cases
from services.review.commands.moment import Moment, about, finish_task, lock_round, moment_of, require_awake
from services.review.commands.panel_terms import categories_of, rules_for
from services.review.commands.progress import advance
from services.review.commands.recording import record_facts
from services.review.commands.terms import get_call
from services.review.domain.panels import move
from services.review.domain.ranking import Assessed, Placed, Rules, place
from services.review.domain.rounds import Standing
from services.review.store import assessments, rounds
from services.review.store.rounds import Round
from workflows.contracts.tasks import HOLD_MEETING, SIGN_RECOMMENDATION


async def hold_meeting(
    conn: Connection,
    round_id: str,
    person_id: UUID,
    tie_breaks: Sequence[UUID],
    comments: Mapping[UUID, str],
    by: Actor,
) -> None:
    """Store thresholds, ranking and allocation as the scores and the chair's order of tied cases give them.

    Raises NotFound, Forbidden (another leads), StepOutOfOrder, TieUnbroken, TieBreakUseless and Invalid.
    """
    moment = await _led_by(conn, round_id, person_id, by, "scored")
    state = move(moment.round.state, "meet")
    cases = visible_cases(moment.standing, person_id)
    unknown = [
        FieldError(f"comments.{each}", None, "comment on applications of this round")
        for each in comments
        if each not in cases
    ]
    if unknown:
        raise Invalid("Some comments belong to no application of the round.", errors=unknown)
    assessed, rules = await assessed_cases(conn, moment.round, moment.standing)
    placed = place(assessed, rules, tie_breaks)
    await assessments.save_placings(conn, round_id, placed, comments)
    await rounds.set_met(conn, round_id, state, tie_breaks)
    facts: list[Fact] = await finish_task(moment, HOLD_MEETING, moment.round.meetings)
    facts.append(events.MeetingHeld(**about(moment.round)))
    facts += await advance(conn, round_id, by)
    body: dict[str, JsonValue] = {
        "round_id": round_id,
        "tie_breaks": [str(each) for each in tie_breaks],
        "places": [f"{each.application_id} {each.outcome}" for each in placed],
    }
    await record_facts(conn, by, "meeting.held", body, facts, key=moment.round.key)


async def sign(conn: Connection, round_id: str, person_id: UUID, by: Actor) -> None:
    """The chair signs: every case of the round gets its recommendation, all in this one transaction.

    Raises NotFound, Forbidden (another member signs) and StepOutOfOrder.
    """
    moment = await _led_by(conn, round_id, person_id, by, "met")
    await rounds.set_signed(conn, round_id, move(moment.round.state, "sign"), person_id)
    facts: list[Fact] = await finish_task(moment, SIGN_RECOMMENDATION, moment.round.signings)
    placings = [placed for placed, _ in await assessments.placings(conn, round_id)]
    for each in placings:
        plans = await assessments.adjusted_plans(conn, each.application_id)
        facts.append(_recommended(moment.round, each, [f"adjusted_plan_{plan}" for plan in plans]))
    ids = [each.application_id for each in placings]
    facts.append(events.RecommendationSigned(**about(moment.round), signed_by=person_id, application_ids=ids))
    await record_facts(conn, by, "recommendation.signed", {"round_id": round_id}, facts, key=moment.round.key)


def _recommended(round_: Round, placed: Placed, conditions: list[str]) -> Fact:
    return events.CaseRecommended(
        application_id=placed.application_id,
        call_id=round_.call_id,
        round_id=round_.id,
        panel=round_.panel,
        outcome=placed.outcome,
        amount=placed.amount,
        rank=placed.rank,
        averages={criterion: float(average) for criterion, average in placed.averages.items()},
        conditions=conditions,
    )


async def assessed_cases(conn: Connection, round_: Round, standing: Standing) -> tuple[list[Assessed], Rules]:
    """What a ranking of the round is made from: the same scores and rules give the same ranking for ever."""
    call = await get_call(conn, round_.call_id)
    assessed = await assessments.to_rank(conn, round_.id, standing.cases, categories_of(call))
    return assessed, rules_for(call, round_)


async def _led_by(conn: Connection, round_id: str, person_id: UUID, by: Actor, state: str) -> Moment:
    """The locked round, if it is this person who leads it and it is their turn."""
    if await lock_round(conn, round_id) is None:
        raise NotFound
    moment = await moment_of(conn, round_id, by)
    member_of(moment.standing, person_id)
    require_awake(moment)
    if moment.round.state != state or moment.round.led_by is None:
        raise StepOutOfOrder(f"The round is {moment.round.state}.")
    if moment.round.led_by != person_id:
        raise Forbidden
    return moment
