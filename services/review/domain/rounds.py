"""Who stands where in a round, and the one step that is due next. Pure.

Nothing but `next_step` decides what a round does by itself: after every change (a declaration, scores locked,
a case withdrawn, an order of the workflow) the commands take steps until none is due. So the order in which
the changes came does not matter, and a second delivery finds nothing to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.review.domain.panels import Member, Quorum, has_quorum

Pair = tuple[UUID, UUID]
"""(application id, person id)"""


@dataclass(frozen=True)
class Participant(Member):
    """A member in one round. `declaring` and `judging`: a task of that kind is open for them."""

    declaring: bool = False
    judging: bool = False
    locked: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A round at one moment; `cases` are those that are alive and came in time."""

    state: str
    members: tuple[Participant, ...] = ()
    cases: frozenset[UUID] = frozenset()
    conflicts: frozenset[Pair] = frozenset()
    declared: frozenset[Pair] = frozenset()
    assigned: frozenset[Pair] = frozenset()
    scored: frozenset[Pair] = frozenset()
    leads: Mapping[UUID, UUID | None] = field(default_factory=dict)
    """Who presents each case in the meeting."""
    placed: frozenset[UUID] = frozenset()
    """The cases that the meeting's ranking holds."""
    standins_wanted: bool = False
    meeting_wanted: bool = False
    signing_wanted: bool = False
    led_by: UUID | None = None
    """Whose task the meeting, or the signature, is."""
    rests: bool = False
    """It is the round of one case, which has ended: an undo finds it as it was."""

    def owes_declaration(self, member: Participant) -> list[UUID]:
        """The cases the member has still to declare on."""
        known = self.declared | self.conflicts
        return sorted(case for case in self.cases if (case, member.person_id) not in known)

    def duties(self, member: Participant) -> list[UUID]:
        """The cases the member is to score."""
        return sorted(case for case in self.cases if (case, member.person_id) in self.assigned)

    def unscored(self, member: Participant) -> list[UUID]:
        return [case for case in self.duties(member) if (case, member.person_id) not in self.scored]

    def unassigned(self) -> list[Pair]:
        """Who may score what, having declared on every case, and has not been given it."""
        return [
            (case, member.person_id)
            for member in self.members
            if not self.owes_declaration(member)
            for case in sorted(self.cases)
            if (case, member.person_id) not in self.conflicts | self.assigned
        ]

    def without_lead(self) -> list[UUID]:
        """The cases that somebody scores and nobody presents."""
        assigned = {case for case, _ in self.assigned} & self.cases
        return sorted(case for case in assigned if (case, self.leads.get(case)) not in self.assigned)

    def leader_in_conflict(self) -> bool:
        """Whoever leads has a conflict in a case that was away when they were asked."""
        return any((case, self.led_by) in self.conflicts for case in self.cases)

    def has_quorum(self, quorum: Quorum) -> bool:
        return has_quorum(self.members, self.cases, self.conflicts, quorum)


def next_step(round_: Standing, quorum: Quorum) -> str | None:
    """The step that is due now, or None: the round waits for a person or for the workflow."""
    if round_.rests:
        return None
    if round_.standins_wanted and round_.has_quorum(quorum):
        return "drop_standins"
    if round_.state == "short":
        return "regain_quorum" if round_.has_quorum(quorum) else None
    if round_.state == "declaring":
        return _declarations(round_) or _settling(round_, quorum)
    if round_.state in ("assessing", "scored", "met"):
        return _declarations(round_) or _scoring(round_) or _meeting(round_, quorum)
    return None


def _declarations(round_: Standing) -> str | None:
    for member in round_.members:
        owes = bool(round_.owes_declaration(member))
        if owes and not member.declaring:
            return "ask_declarations"
        if member.declaring and not owes:
            return "end_declarations"
    return None


def _settling(round_: Standing, quorum: Quorum) -> str | None:
    if any(round_.owes_declaration(member) for member in round_.members):
        return None
    return "settle" if round_.has_quorum(quorum) else "lose_quorum"


def _scoring(round_: Standing) -> str | None:
    if round_.unassigned():
        return "assign"
    if round_.without_lead():
        return "choose_leads"
    for member in round_.members:
        if member.judging and not round_.duties(member):
            return "end_judging"
        if member.locked and round_.unscored(member):
            return "unlock"
        if round_.duties(member) and not member.judging and not member.locked:
            return "ask_judging"
    return None


def _meeting(round_: Standing, quorum: Quorum) -> str | None:
    waiting = any(
        round_.owes_declaration(member) or (round_.duties(member) and not member.locked)
        for member in round_.members
    )
    complete = round_.has_quorum(quorum) and not waiting
    if round_.state != "assessing" and not complete:
        return "reopen"
    if round_.state == "met" and round_.placed != round_.cases:
        return "reopen"
    if round_.leader_in_conflict():
        return "reopen"
    if not round_.has_quorum(quorum) and not round_.standins_wanted:
        return "ask_standins"
    if round_.state == "assessing":
        return "complete" if complete else None
    if round_.state == "scored" and round_.meeting_wanted:
        if not round_.cases:
            return "meet_without_cases"
        return None if round_.led_by else "call_meeting"
    if round_.state == "met" and round_.signing_wanted:
        if not round_.cases:
            return "sign_without_cases"
        return None if round_.led_by else "ask_signature"
    return None
