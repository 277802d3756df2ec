"""What can happen to a case while review carries it: the states, the moves, who is waited for, and when a
return is possible."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from services.common.errors import Refused, StepOutOfOrder
from workflows.contracts.tasks import (
    ACCEPT_AWARD,
    ANSWER_CLARIFICATION,
    CONFIRM_PLAN,
    CONFIRM_REJECTION,
    CONFIRM_START,
    CONSULT,
    DECIDE_CHANGE,
    DECIDE_EXTENSION,
    DELIVER_PLAN,
    HANDLE_LATE_FACT,
    PRESCREEN,
    REACH_RECIPIENT,
)


class ReturnTooLate(Refused):
    """The application can no longer be returned."""


class VersionSuperseded(Refused):
    """The applicant has submitted another version since."""


class CaseState(StrEnum):
    DRAFT = "draft"
    PRESCREENING = "prescreening"
    RETURNED = "returned"
    CONSULTING = "consulting"
    IN_ROUND = "in_round"
    DECIDED = "decided"
    ENDED = "ended"


class CaseAction(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"
    HAND_BACK = "hand_back"
    RECOMMEND = "recommend"
    NOT_RECOMMEND = "not_recommend"
    CONSULT = "consult"
    ENTER_ROUND = "enter_round"
    DECIDE = "decide"
    ASSESS_AGAIN = "assess_again"
    END = "end"
    ASK = "ask"


TRANSITIONS: Mapping[CaseState, Mapping[CaseAction, CaseState]] = {
    CaseState.DRAFT: {
        CaseAction.SUBMIT: CaseState.PRESCREENING,
        CaseAction.ASK: CaseState.DRAFT,
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.PRESCREENING: {
        CaseAction.RETURN: CaseState.RETURNED,
        CaseAction.HAND_BACK: CaseState.RETURNED,
        CaseAction.RECOMMEND: CaseState.CONSULTING,
        CaseAction.NOT_RECOMMEND: CaseState.ENDED,
        # At the straggler instant a case goes on without its pre-screening, flagged.
        CaseAction.ENTER_ROUND: CaseState.IN_ROUND,
        CaseAction.ASK: CaseState.PRESCREENING,
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.RETURNED: {
        CaseAction.SUBMIT: CaseState.PRESCREENING,
        CaseAction.ASK: CaseState.RETURNED,
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.CONSULTING: {
        CaseAction.CONSULT: CaseState.CONSULTING,
        # Intake hands a case back when an attachment turns out to be infected.
        CaseAction.HAND_BACK: CaseState.RETURNED,
        CaseAction.ENTER_ROUND: CaseState.IN_ROUND,
        CaseAction.ASK: CaseState.CONSULTING,
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.IN_ROUND: {
        # Late answers of a flagged case are taken in and change nothing else; a late "no" is refused.
        CaseAction.RECOMMEND: CaseState.IN_ROUND,
        CaseAction.CONSULT: CaseState.IN_ROUND,
        # So early a case can be in its round that an attachment is still found infected, and mended.
        CaseAction.HAND_BACK: CaseState.IN_ROUND,
        CaseAction.SUBMIT: CaseState.IN_ROUND,
        CaseAction.ASK: CaseState.IN_ROUND,
        CaseAction.DECIDE: CaseState.DECIDED,
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.DECIDED: {
        # What the trust or the consulted say now comes too late, and is refused.
        CaseAction.HAND_BACK: CaseState.DECIDED,
        CaseAction.SUBMIT: CaseState.DECIDED,
        CaseAction.ASK: CaseState.DECIDED,
        CaseAction.DECIDE: CaseState.DECIDED,
        CaseAction.ASSESS_AGAIN: CaseState.IN_ROUND,
        # A withdrawal may cross with the decision.
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.ENDED: {},
}
"""The undo of an ending is the one move outside the table: it goes back to the state before the ending, or to
decided where the decision crossed with it."""

RETURNED = "returned"
"""Why tasks of a version that goes no further are cancelled."""

ABOUT_A_CASE = frozenset({HANDLE_LATE_FACT, REACH_RECIPIENT})
"""Tasks about a case, not in it: they outlive its end, and need not know it (a draft's mail came back)."""

_BEFORE_THE_DECISION = frozenset({PRESCREEN, CONFIRM_REJECTION, CONSULT, ANSWER_CLARIFICATION})
_LOST_WITH_THE_GRANT = frozenset(
    {ACCEPT_AWARD, DELIVER_PLAN, CONFIRM_PLAN, CONFIRM_START, DECIDE_EXTENSION, DECIDE_CHANGE}
)

PRESCREENING_ACTIONS = {
    "recommended": CaseAction.RECOMMEND,
    "not_recommended": CaseAction.NOT_RECOMMEND,
    "returned": CaseAction.RETURN,
}


def idle_because(
    kind: str,
    n: str,
    *,
    state: CaseState,
    version: int,
    touches: Collection[str],
    ended_as: str | None,
    lost_as: str | None,
) -> str | None:
    """Why a task of this kind waits for nothing in a case that stands so; None where somebody is awaited.

    A version that was returned is judged no further. Who was asked something, or to clarify, may still answer
    while the applicant mends the case.
    """
    if kind in ABOUT_A_CASE:
        return None
    if ended_as is not None:
        return ended_as
    if kind in _LOST_WITH_THE_GRANT and lost_as is not None:
        return lost_as
    if state is CaseState.DECIDED and kind in _BEFORE_THE_DECISION:
        return "decided"
    if kind == CONSULT:
        return RETURNED if state is CaseState.RETURNED or n not in touches else None
    if kind in (PRESCREEN, CONFIRM_REJECTION):
        awaited = version + 1 if state is CaseState.RETURNED else version
        return RETURNED if int(n) < awaited else None
    return None


LIVE = frozenset({CaseState.PRESCREENING, CaseState.RETURNED, CaseState.CONSULTING})
"""Received, and not yet in a round: what the round's barrier waits for."""


def move(state: CaseState, action: CaseAction) -> CaseState:
    """The state after the action. StepOutOfOrder where it is not possible."""
    try:
        return TRANSITIONS[state][action]
    except KeyError:
        raise StepOutOfOrder(f"A case in state {state} cannot {action.replace('_', ' ')}") from None


def require_returnable(arrived_at: datetime, deadline: datetime, *, after_internal_deadline: bool) -> None:
    """A case can be returned only before the common deadline, and not if it missed the trust's own (X13)."""
    if after_internal_deadline:
        raise ReturnTooLate("It was submitted after the trust's internal deadline")
    if arrived_at > deadline:
        raise ReturnTooLate("The common deadline has passed")
