"""What of a round exists for a caller: asked by every route of rounds, at the time of use."""

from dataclasses import dataclass
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection
from services.review.domain.rounds import Participant, Standing
from services.review.policy import STAFF, Act, permit
from services.review.store import rounds
from services.review.store.rounds import Round


@dataclass(frozen=True)
class Visible:
    """A round with the caller's place in it; `cases` are those that exist for the caller."""

    round: Round
    person_id: UUID
    standing: Standing
    member: Participant | None
    cases: frozenset[UUID]


async def visible_round(conn: Connection, caller: Caller, round_id: str, act: Act) -> Visible:
    """The round, if the act is the caller's to do. Raises Forbidden or NotFound, as `permit` does."""
    round_ = await rounds.get(conn, round_id)
    if round_ is None:
        permit(caller, act, frozenset())
        raise AssertionError("nothing is permitted without a standing")
    standing = await rounds.standing(conn, round_)
    member = next((each for each in standing.members if each.person_id == caller.person_id), None)
    permit(caller, act, _standings(caller, round_, standing, member))
    shown = standing.cases | (await rounds.late_cases(conn, round_id) if member is None else frozenset())
    cases = frozenset(case for case in shown if (case, caller.person_id) not in standing.conflicts)
    return Visible(round_, caller.person_id, standing, member, cases)


def _standings(
    caller: Caller, round_: Round, standing: Standing, member: Participant | None
) -> frozenset[str]:
    """What the caller is to the round: nothing to the round of a case they have a conflict in."""
    if (round_.application_id, caller.person_id) in standing.conflicts:
        return frozenset()
    found = set(caller.roles & STAFF)
    if member is not None:
        found.add("member")
        if member.chair or round_.led_by == caller.person_id:
            found.add("chair")
    return frozenset(found)
