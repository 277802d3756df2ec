"""The rules of a panel round: its states, who may take part, quorum, and balanced assignment. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from services.common.errors import StepOutOfOrder

TRANSITIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "gathering": {"open": "declaring"},
        "declaring": {"settle": "settled", "lose_quorum": "short"},
        "short": {"name_standins": "declaring", "regain_quorum": "declaring"},
        "settled": {"assign": "assessing"},
        "assessing": {"complete": "scored"},
        "scored": {"meet": "met", "reopen": "assessing"},
        "met": {"sign": "signed", "reopen": "assessing"},
        "signed": {},
    }
)
"""gathering: cases enter. declaring: members declare conflicts. short: stand-ins are needed first, unless the
cases that cost the quorum end. settled: quorum stands. assessing: members score. scored: the meeting can be
held. met: the ranking waits for the chair's signature. A conflict declared after scoring takes scores away,
so it reopens the round."""


def move(state: str, action: str) -> str:
    """The next state. Raises StepOutOfOrder for a step the round cannot take now."""
    try:
        return TRANSITIONS[state][action]
    except KeyError:
        raise StepOutOfOrder(f"The round is {state}; it cannot {action.replace('_', ' ')}.") from None


@dataclass(frozen=True)
class Member:
    """Who takes part in a round. A user representative scores every criterion like the others (X23)."""

    person_id: UUID
    chair: bool = False
    user_representative: bool = False
    away: bool = False
    """Gone after locking their scores: these count, but somebody else leads."""


@dataclass(frozen=True)
class Quorum:
    """How many members without a conflict each case needs, user representatives among them (call data)."""

    members: int
    user_representatives: int


Conflicts = Collection[tuple[UUID, UUID]]
"""(application id, person id) of every conflict of interest among the round's cases and members."""


def impartial(members: Iterable[Member], application_id: UUID, conflicts: Conflicts) -> list[Member]:
    """The members who may take part in the case."""
    return [each for each in members if (application_id, each.person_id) not in conflicts]


def acting_chair(members: Sequence[Member], cases: Iterable[UUID], conflicts: Conflicts) -> UUID | None:
    """Who leads the meeting and signs: the chair, or else the first other member impartial in every case.

    Nobody prepares or decides a matter they have a conflict in (fvl. § 6), and the ranking holds every case
    of the round. User representatives are not asked to lead. None: a stand-in is needed.
    """
    ids = list(cases)
    able = [
        each
        for each in members
        if not (each.user_representative or each.away)
        and not any((application_id, each.person_id) in conflicts for application_id in ids)
    ]
    able.sort(key=lambda each: (not each.chair, each.person_id))
    return able[0].person_id if able else None


def cases_without_quorum(
    members: Sequence[Member], cases: Iterable[UUID], conflicts: Conflicts, quorum: Quorum
) -> list[UUID]:
    """The cases that too few members, or too few user representatives, can take part in."""
    return [
        application_id
        for application_id in sorted(cases)
        if not _holds(impartial(members, application_id, conflicts), quorum)
    ]


def has_quorum(
    members: Sequence[Member], cases: Collection[UUID], conflicts: Conflicts, quorum: Quorum
) -> bool:
    """Every case has enough impartial members, and somebody impartial in all of them can lead."""
    if not cases:
        return True
    return acting_chair(members, cases, conflicts) is not None and not cases_without_quorum(
        members, cases, conflicts, quorum
    )


def _holds(able: Sequence[Member], quorum: Quorum) -> bool:
    representatives = sum(each.user_representative for each in able)
    return len(able) >= quorum.members and representatives >= quorum.user_representatives


def choose_leads(able: Mapping[UUID, Collection[UUID]]) -> dict[UUID, UUID]:
    """One lead assessor per case (case id -> person id); the busiest lead has as few cases as possible.

    `able` holds the persons who may lead each case; a case without any gets no lead. The same input gives the
    same leads, in whatever order it comes.
    """
    cases = sorted(case for case, persons in able.items() if persons)
    limit = 1
    while True:
        leads: dict[UUID, UUID] = {}
        if all(_place_lead(case, able, limit, leads, set()) for case in cases):
            return leads
        limit += 1


def _place_lead(
    case: UUID,
    able: Mapping[UUID, Collection[UUID]],
    limit: int,
    leads: dict[UUID, UUID],
    visited: set[UUID],
) -> bool:
    """Find the case a lead with fewer than `limit` cases, moving cases already placed where that helps."""
    for person in sorted(able[case], key=lambda each: (list(leads.values()).count(each), each)):
        if person in visited:
            continue
        visited.add(person)
        theirs = [other for other, lead in leads.items() if lead == person]
        if len(theirs) < limit or any(_place_lead(other, able, limit, leads, visited) for other in theirs):
            leads[case] = person
            return True
    return False
