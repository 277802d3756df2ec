"""Conflicts of interest (habilitet): members declare on every case before any content opens (fvl. ch. II).

From the commit of a declared conflict on, the case does not exist for that person in review. Saving scores
holds the member's row and the assignment's, as declaring does: a vote is there before the declaration, and is
deleted with the assignment, or it finds nothing to vote on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection
from services.common.errors import FieldError, Invalid, NotFound
from services.common.record import Actor, Fact
from services.review import events
from services.review.commands import alarms
from services.review.commands.moment import Moment, lock_round, moment_of
from services.review.commands.progress import advance
from services.review.commands.recording import record_facts
from services.review.commands.steps import reopen
from services.review.domain.cases import CaseState
from services.review.domain.rounds import Participant, Standing
from services.review.store import assessments, cases, participants, rounds


@dataclass(frozen=True)
class Declaration:
    application_id: UUID
    conflict: bool
    ground: str | None = None


async def declare(
    conn: Connection, round_id: str, person_id: UUID, declarations: Sequence[Declaration], by: Actor
) -> list[UUID]:
    """The member's own declarations; returns the cases of the round that exist for them from now on.

    The first time all cases of the round must be there. Later any conflict can be declared and takes effect
    at once: access is gone, and so are the scores, unless the recommendation that rests on them is signed:
    then an adviser is asked to see to it before the decision. A conflict is not taken back. Raises NotFound
    (not a member, or a case that is not theirs) and Invalid.
    """
    # The adviser's task is about the case, and cases are locked before their round.
    await rounds.lock_cases(conn, round_id, [each.application_id for each in declarations if each.conflict])
    round_ = await lock_round(conn, round_id)
    if round_ is None:
        raise NotFound
    await participants.lock_member(conn, round_id, person_id)
    moment = await moment_of(conn, round_id, by)
    member = member_of(moment.standing, person_id)
    theirs = visible_cases(moment.standing, person_id)
    if any(each.application_id not in theirs for each in declarations):
        raise NotFound
    _check(declarations, moment.standing.owes_declaration(member))
    await participants.add_declarations(
        conn, round_id, person_id, [(each.application_id, each.conflict) for each in declarations]
    )
    facts: list[Fact] = []
    for each in sorted(declarations, key=lambda each: each.application_id):
        if each.conflict:
            facts += await _withdraw_from(moment, person_id, each)
    if round_.state in ("scored", "met") and any(each.conflict for each in declarations):
        # The ranking may rest on scores that are gone, and whoever leads the meeting may have to step aside.
        facts += await reopen(moment)
    facts += await advance(conn, round_id, by)
    body: dict[str, JsonValue] = {
        "round_id": round_id,
        "conflicts": [str(each.application_id) for each in declarations if each.conflict],
        "none": [str(each.application_id) for each in declarations if not each.conflict],
    }
    await record_facts(conn, by, "conflicts.declared", body, facts, key=round_.key)
    gone = {each.application_id for each in declarations if each.conflict}
    return [case for case in theirs if case not in gone]


async def _withdraw_from(moment: Moment, person_id: UUID, declaration: Declaration) -> list[Fact]:
    """From here on the case does not exist for the person."""
    case = declaration.application_id
    call_id = moment.round.call_id
    facts: list[Fact] = []
    if await _counts_in_a_recommendation(moment.conn, case, person_id):
        facts += await alarms.conflict_after_signature(moment.conn, case, person_id, call_id)
    await participants.add_conflict(moment.conn, case, person_id, call_id, declaration.ground)
    await participants.forget_answers(moment.conn, case, person_id)
    if await assessments.unassign(moment.conn, case, person_id):
        facts.append(events.AccessRevoked(application_id=case, call_id=call_id, person_id=person_id))
    facts.append(events.ConflictDeclared(application_id=case, call_id=call_id, person_id=person_id))
    return facts


async def _counts_in_a_recommendation(conn: Connection, application_id: UUID, person_id: UUID) -> bool:
    """Whether a recommendation that is to be decided rests on the person's scores."""
    case = await cases.get_case(conn, application_id)
    undecided = case is not None and case.state is not CaseState.DECIDED
    return undecided and await assessments.signed_with(conn, application_id, person_id)


def member_of(standing: Standing, person_id: UUID) -> Participant:
    """The person as a member of the round. Raises NotFound for everybody else."""
    for member in standing.members:
        if member.person_id == person_id:
            return member
    raise NotFound


def visible_cases(standing: Standing, person_id: UUID) -> list[UUID]:
    """The cases of the round that exist for the person."""
    return sorted(case for case in standing.cases if (case, person_id) not in standing.conflicts)


def _check(declarations: Sequence[Declaration], owed: Sequence[UUID]) -> None:
    ids = [each.application_id for each in declarations]
    errors = [
        FieldError(f"declarations.{n}.application_id", str(each), "declare once on each application")
        for n, each in enumerate(ids)
        if each in ids[:n]
    ]
    errors += [
        FieldError("declarations", str(each), "declare on this application too: all of the round at once")
        for each in owed
        if each not in ids
    ]
    if not declarations:
        errors.append(FieldError("declarations", [], "name at least one application"))
    if errors:
        raise Invalid("Some declarations are missing or doubled.", errors=errors)
