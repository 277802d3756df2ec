"""Who may do what in funding: one function, `permit`, asked by every route and list.

A caller's *standing* towards a case is the set of what they are to it: a token role that reaches the case, or
a relation (its holder). A conflict of interest empties it: from then on the case does not exist for that
person, except that whoever applies keeps what is theirs as the applicant, and no more.
"""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Database
from services.common.errors import Forbidden, NotFound, Refused
from services.common.record import log_access
from services.funding.store import cases, decisions, views


class ConflictOfInterest(Forbidden):
    """You have a conflict of interest in a case of this round."""


class Act(StrEnum):
    """What a route lets its caller do."""

    SEE_ROUND = "see_round"
    PREPARE_DECISIONS = "prepare_decisions"
    TAKE_DECISIONS = "take_decisions"
    SEE_DECISIONS = "see_decisions"
    SEE_GRANT = "see_grant"
    ANSWER_AWARD = "answer_award"
    DELIVER_PLAN = "deliver_plan"
    JUDGE_PLAN = "judge_plan"
    CONFIRM_START = "confirm_start"
    ASK_EXTENSION = "ask_extension"
    DECIDE_EXTENSION = "decide_extension"
    DECIDE_LOSS = "decide_loss"
    DECIDE_MOVE = "decide_move"
    SUBMIT_REPORT = "submit_report"
    JUDGE_REPORT = "judge_report"
    ASK_CHANGE = "ask_change"
    ASK_LEADER = "ask_leader"
    DECIDE_CHANGE = "decide_change"
    INVOICE = "invoice"
    COMPLAIN = "complain"
    ANSWER_COMPLAINT = "answer_complaint"
    SEE_COMPLAINTS = "see_complaints"
    SEE_PORTFOLIO = "see_portfolio"


RELATIONS = frozenset({"holder", "editor"})
"""Standings that no token role announces: anybody may have them, so their absence is a 404, never a 403."""

STAFF = frozenset({"rhf_adviser", "leader", "auditor"})
_OWN_TRUST = frozenset({"hf_adviser", "institution"})
_HOLDER = frozenset({"holder"})
_ADVISER = frozenset({"rhf_adviser"})

PERMITTED: Mapping[Act, frozenset[str]] = {
    Act.SEE_ROUND: STAFF,
    Act.PREPARE_DECISIONS: _ADVISER,
    Act.TAKE_DECISIONS: frozenset({"leader"}),
    Act.SEE_DECISIONS: _HOLDER | {"editor"} | _OWN_TRUST | STAFF,
    Act.SEE_GRANT: _HOLDER | {"editor"} | _OWN_TRUST | {"consultant"} | STAFF,
    Act.ANSWER_AWARD: _HOLDER,
    Act.DELIVER_PLAN: _HOLDER,
    Act.JUDGE_PLAN: frozenset({"consultant"}),
    Act.CONFIRM_START: _HOLDER,
    Act.ASK_EXTENSION: _HOLDER,
    Act.DECIDE_EXTENSION: _ADVISER,
    Act.DECIDE_LOSS: _ADVISER,
    Act.DECIDE_MOVE: _ADVISER,
    Act.SUBMIT_REPORT: _HOLDER,
    Act.JUDGE_REPORT: _ADVISER,
    Act.ASK_CHANGE: _HOLDER,
    # The leader may be gone: somebody else must be able to say who comes after.
    Act.ASK_LEADER: _HOLDER | {"institution"} | _ADVISER,
    Act.DECIDE_CHANGE: _ADVISER,
    Act.INVOICE: frozenset({"institution"}),
    Act.COMPLAIN: frozenset({"institution"}),
    Act.ANSWER_COMPLAINT: _ADVISER,
    Act.SEE_COMPLAINTS: _HOLDER | _OWN_TRUST | STAFF,
    Act.SEE_PORTFOLIO: STAFF,
}


def standing(caller: Caller, case: cases.Case | None, *, conflicted: bool, consulted: bool) -> frozenset[str]:
    """What the caller is to the case; empty for an unknown case and, but for the applicant's own, in a
    conflict of interest."""
    if case is None or case.version == 0:
        return frozenset()
    found = set[str]()
    if caller.person_id == case.holder_id:
        found.add("holder")
    if caller.person_id in case.editor_ids:
        found.add("editor")
    if conflicted:
        return frozenset(found)
    found |= caller.roles & STAFF
    if caller.organisation is not None and caller.organisation == case.organisation:
        found |= caller.roles & _OWN_TRUST
    if consulted:
        found |= caller.roles & {"consultant"}
    return frozenset(found)


def sees_inside(caller: Caller, case: cases.Case) -> bool:
    """Whether the caller sees the case as the funder does, before its letter; who applies never does."""
    return bool(caller.roles & STAFF) and caller.person_id not in (case.holder_id, *case.editor_ids)


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


async def authorise(database: Database, caller: Caller, act: Act, application_id: UUID) -> cases.Case:
    """The case, if the caller may do this to it. A refusal is noted in the access log."""
    async with database.read() as conn:
        case = await cases.find_case(conn, application_id)
        conflicted = await cases.has_conflict(conn, [application_id], caller.person_id)
        consulted = caller.organisation is not None and await views.is_consulted(
            conn, application_id, caller.organisation
        )
    try:
        permit(caller, act, standing(caller, case, conflicted=conflicted, consulted=consulted))
    except Refused as refused:
        await _note_denial(database, caller, act, str(application_id), refused)
        raise
    if case is None:
        raise NotFound
    return case


async def authorise_round(database: Database, caller: Caller, act: Act, round_id: str) -> decisions.Round:
    """The decision round, if the caller may do this to it.

    With a conflict of interest in one case of many a person can still read the others, and decide nothing;
    the round of a single case does not exist for them.
    """
    try:
        permit_role(caller, act)
        async with database.read() as conn:
            found = await decisions.find_round(conn, round_id)
            if found is None:
                raise NotFound
            conflicted = await views.conflicted_cases(conn, round_id, caller.person_id)
        if conflicted and found.application_id is not None:
            raise NotFound
        if conflicted and act is not Act.SEE_ROUND:
            raise ConflictOfInterest
    except Refused as refused:
        await _note_denial(database, caller, act, round_id, refused)
        raise
    return found


async def note_read(database: Database, caller: Caller, act: Act, case: cases.Case) -> None:
    """Note that somebody read a case of another organisation than their own."""
    if caller.person_id == case.holder_id or caller.organisation == case.organisation:
        return
    async with database.transaction() as conn:
        await log_access(conn, actor=caller.actor, action=act, key=str(case.id), outcome="read")


async def _note_denial(database: Database, caller: Caller, act: Act, key: str, refused: Refused) -> None:
    async with database.transaction() as conn:
        await log_access(
            conn, actor=caller.actor, action=act, key=key, outcome="denied", reason=type(refused).__name__
        )
