"""A member's own scores: saved case by case, then locked all at once, before the meeting."""

from collections.abc import Mapping
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection
from services.common.errors import FieldError, Invalid, NotFound, Refused, StepOutOfOrder
from services.common.record import Actor, Fact
from services.review import events
from services.review.commands.conflicts import member_of
from services.review.commands.moment import about, finish_task, lock_round, moment_of, require_awake
from services.review.commands.progress import advance
from services.review.commands.recording import record_facts
from services.review.store import assessments, cases, participants, rounds
from workflows.contracts.tasks import JUDGE_APPLICATIONS


class ScoresFinal(Refused):
    """Your scores are locked."""


class ScoresMissing(Refused):
    """Some of your applications have no scores yet."""


async def save_scores(
    conn: Connection,
    round_id: str,
    application_id: UUID,
    person_id: UUID,
    scores: Mapping[str, int],
    comment: str,
    by: Actor,
) -> None:
    """Keep the member's scores on one case until they lock them. `scores`: criterion -> number on the scale.

    Raises NotFound where the case is not theirs to score (also after a conflict), ScoresFinal, StepOutOfOrder
    and Invalid.
    """
    final = await participants.lock_member(conn, round_id, person_id)
    if not await assessments.lock_assignment(conn, round_id, application_id, person_id):
        raise NotFound
    round_ = await rounds.get(conn, round_id)
    case = await cases.get_case(conn, application_id)
    if round_ is None or case is None or case.ended_at is not None:
        raise NotFound
    if final:
        raise ScoresFinal
    if round_.state != "assessing":
        raise StepOutOfOrder(f"The round is {round_.state}; scores are not taken now.")
    assert case.category is not None
    _check(scores, await assessments.yardstick(conn, round_.call_id, case.category))
    await assessments.save(conn, round_id, application_id, person_id, scores, comment)
    body: dict[str, JsonValue] = {"round_id": round_id, "scores": dict(scores)}
    await record_facts(conn, by, "assessment.saved", body, [], key=str(application_id))


async def lock_scores(conn: Connection, round_id: str, person_id: UUID, by: Actor) -> None:
    """Make the member's scores final: all of them, so that none is given after seeing those of others.

    Raises NotFound, ScoresFinal, ScoresMissing naming the applications, and StepOutOfOrder."""
    round_ = await lock_round(conn, round_id)
    if round_ is None:
        raise NotFound
    await participants.lock_member(conn, round_id, person_id)
    moment = await moment_of(conn, round_id, by)
    member = member_of(moment.standing, person_id)
    require_awake(moment)
    if member.locked:
        raise ScoresFinal
    if not member.judging:
        raise StepOutOfOrder("You have no applications to score in this round now.")
    missing = moment.standing.unscored(member)
    if missing:
        raise ScoresMissing(application_ids=[str(each) for each in missing])
    _, n = await participants.tasks_of(conn, round_id, person_id)
    await participants.set_locked(conn, round_id, person_id)
    facts: list[Fact] = await finish_task(moment, JUDGE_APPLICATIONS, n, person_id)
    facts.append(events.ScoresLocked(**about(round_), person_id=person_id))
    facts += await advance(conn, round_id, by)
    await record_facts(conn, by, "scores.locked", {"round_id": round_id}, facts, key=round_.key)


def _check(scores: Mapping[str, int], yardstick: assessments.Yardstick) -> None:
    criteria, lowest, highest = yardstick.criteria, yardstick.lowest, yardstick.highest
    errors = [
        FieldError(f"scores.{criterion}", None, f"give a score from {lowest} to {highest}")
        for criterion in criteria
        if criterion not in scores
    ]
    for criterion, score in scores.items():
        if criterion not in criteria:
            errors.append(FieldError(f"scores.{criterion}", score, f"score only {', '.join(criteria)}"))
        elif not lowest <= score <= highest:
            errors.append(
                FieldError(f"scores.{criterion}", score, f"give a whole number from {lowest} to {highest}")
            )
    if errors:
        raise Invalid("The scores do not fit the criteria of the category.", errors=errors)
