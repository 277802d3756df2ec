"""Who may do what in review: one function, `permit`, asked by every route, list and export.

A caller's *standing* towards a case is the set of what they are to it: a token role that reaches the case (an
adviser of its trust, a consultant of an organisation it touches), or a relation (its holder, a member who was
given access to it). A conflict of interest empties it: from then on the case does not exist for that person,
except that whoever applies keeps what is theirs as the applicant, and no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.common.auth import Caller
from services.common.errors import Forbidden, NotFound, Refused


class TwoPersonsRequired(Refused):
    """This step needs another person than the one before it."""


class Act(StrEnum):
    """What a route lets its caller do."""

    REASSIGN_TASK = "reassign_task"
    HANDLE_TASK = "handle_task"
    SEE_CASE = "see_case"
    SEE_QUESTIONS = "see_questions"
    ASK_QUESTION = "ask_question"
    ANSWER_QUESTION = "answer_question"
    PRESCREEN = "prescreen"
    CONSULT = "consult"
    CLARIFY = "clarify"
    WAIVE_CONSULTATION = "waive_consultation"
    NAME_MEMBERS = "name_members"
    SEE_MEMBERS = "see_members"
    NAME_STANDINS = "name_standins"
    STAND_DOWN = "stand_down"
    SEE_ROUND = "see_round"
    DECLARE_CONFLICTS = "declare_conflicts"
    ASSESS = "assess"
    SEE_RANKING = "see_ranking"
    HOLD_MEETING = "hold_meeting"
    SIGN_RECOMMENDATION = "sign_recommendation"


RELATIONS = frozenset({"holder", "member", "chair", "asked"})
"""Standings that no token role announces: anybody may have them, so their absence is a 404, never a 403."""

STAFF = frozenset({"rhf_adviser", "leader", "auditor", "operator"})

PERMITTED: Mapping[Act, frozenset[str]] = {
    Act.REASSIGN_TASK: frozenset({"rhf_adviser"}),
    Act.HANDLE_TASK: frozenset({"rhf_adviser", "operator"}),
    Act.SEE_CASE: frozenset({"holder", "member", "hf_adviser", "institution", "consultant"}) | STAFF,
    Act.SEE_QUESTIONS: frozenset({"holder", "asked", "hf_adviser", "consultant"}) | STAFF,
    Act.ASK_QUESTION: frozenset({"holder", "hf_adviser", "consultant", "rhf_adviser"}),
    Act.ANSWER_QUESTION: frozenset({"asked"}),
    Act.PRESCREEN: frozenset({"hf_adviser"}),
    Act.CONSULT: frozenset({"consultant"}),
    Act.CLARIFY: frozenset({"consultant"}),
    Act.WAIVE_CONSULTATION: frozenset({"rhf_adviser"}),
    Act.NAME_MEMBERS: frozenset({"rhf_adviser"}),
    Act.SEE_MEMBERS: frozenset({"member", "chair"}) | STAFF,
    Act.NAME_STANDINS: frozenset({"rhf_adviser"}),
    Act.STAND_DOWN: frozenset({"rhf_adviser"}),
    Act.SEE_ROUND: frozenset({"member", "chair"}) | STAFF,
    Act.DECLARE_CONFLICTS: frozenset({"member"}),
    Act.ASSESS: frozenset({"member"}),
    Act.SEE_RANKING: frozenset({"member", "chair"}) | STAFF,
    Act.HOLD_MEETING: frozenset({"chair"}),
    Act.SIGN_RECOMMENDATION: frozenset({"chair"}),
}

IN_PERSON = frozenset({"holder", "member", "chair", "endorser"})
"""Audiences in which nobody else can stand in, hand over or be handed to."""

SUPERVISORS = STAFF
"""Token roles that follow every task of every call."""


@dataclass(frozen=True, kw_only=True)
class CaseAccess:
    """What the standing of one person towards one case is judged by."""

    application_id: UUID
    call_id: str
    organisation: str | None
    holder_id: UUID
    editor_ids: frozenset[UUID]
    consulted: frozenset[str]
    draft: bool
    conflicted: bool
    member: bool


@dataclass(frozen=True, kw_only=True)
class TaskAccess:
    """What the standing of one person towards one task is judged by."""

    role: str
    organisation: str | None
    person_id: UUID | None
    not_person: UUID | None
    claimed_by: UUID | None
    applicant: str | None
    """the organisation whose case it is"""
    conflicted: bool
    principals: frozenset[UUID]
    """whose deputy the person is"""


def in_audience(caller: Caller, task: TaskAccess) -> bool:
    """Whether the task may be done by the caller: as its person, their deputy, or one of its role.

    A deputy does not stand in where the person themself is meant (a member's judgement, a holder's word).
    """
    as_applicant = task.role == "holder" and caller.person_id == task.person_id
    if (task.conflicted and not as_applicant) or caller.person_id == task.not_person:
        return False
    if task.person_id is not None:
        deputises = task.role not in IN_PERSON and task.person_id in task.principals
        return caller.person_id == task.person_id or deputises
    return task.role in caller.roles and task.organisation in (None, caller.organisation)


def waits_for(caller: Caller, task: TaskAccess) -> bool:
    """Whether the task belongs on the caller's own list: theirs to do, and claimed by nobody else."""
    mine = task.claimed_by is None or task.claimed_by == caller.person_id
    return in_audience(caller, task) and (mine or task.claimed_by in task.principals)


def sees_task(caller: Caller, task: TaskAccess) -> bool:
    """Whether the task exists for the caller at all. The lists' SQL says the same; a test compares them."""
    if in_audience(caller, task):
        return True
    if task.conflicted:
        return False
    return bool(caller.roles & SUPERVISORS) or (
        "hf_adviser" in caller.roles and task.applicant is not None and task.applicant == caller.organisation
    )


def standing(caller: Caller, case: CaseAccess | None) -> frozenset[str]:
    """What the caller is to the case; empty for an unknown case and, but for the applicant's own, in a
    conflict of interest."""
    if case is None:
        return frozenset()
    applies = caller.person_id == case.holder_id or caller.person_id in case.editor_ids
    if case.conflicted:
        return frozenset({"holder"}) if applies else frozenset()
    # A draft is its holder's, and of those whom it asks; the funder sees what is submitted.
    found = set[str]() if case.draft else set(caller.roles & STAFF)
    if applies:
        found.add("holder")
    elif case.member:
        found.add("member")
    if case.organisation is not None and caller.organisation == case.organisation:
        found |= caller.roles & {"hf_adviser", "institution"}
    if caller.organisation in case.consulted:
        found |= caller.roles & {"consultant"}
    return frozenset(found)


def permit(caller: Caller, act: Act, standing: frozenset[str]) -> None:
    """Return if one of the caller's standings permits the act.

    Raises Forbidden where no role of the caller is ever permitted it, and NotFound where the thing is merely
    not theirs, word for word as for an unknown id.
    """
    permitted = PERMITTED[act]
    if standing & permitted:
        return
    if not permitted & (RELATIONS | caller.roles):
        raise Forbidden
    raise NotFound


def permit_role(caller: Caller, act: Act) -> None:
    """`permit` for what belongs to no case: the token roles are the whole standing."""
    permit(caller, act, caller.roles)


def require_other_person(person: UUID, earlier: UUID | None) -> None:
    """Two-person rule: TwoPersonsRequired if `person` is who took the earlier step."""
    if person == earlier:
        raise TwoPersonsRequired
