"""What can happen to a case while review carries it: the states, the moves, and when a return is possible."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from services.common.errors import Refused, StepOutOfOrder


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
    ENDED = "ended"


class CaseAction(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"
    HAND_BACK = "hand_back"
    RECOMMEND = "recommend"
    NOT_RECOMMEND = "not_recommend"
    CONSULT = "consult"
    ENTER_ROUND = "enter_round"
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
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.ENDED: {},
}
"""The undo of an ending is the one move outside the table: it goes back to the state before the ending."""

RETURNED = "returned"
"""Why tasks are cancelled when intake hands a case back."""

PRESCREENING_ACTIONS = {
    "recommended": CaseAction.RECOMMEND,
    "not_recommended": CaseAction.NOT_RECOMMEND,
    "returned": CaseAction.RETURN,
}

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
