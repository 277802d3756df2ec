"""The state machine of an application in intake, as data. The applicant's *stage* is another thing: see
status.py."""

from collections.abc import Mapping
from enum import StrEnum

from services.common.errors import StepOutOfOrder


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    WITHDRAWN_RETURNED = "withdrawn_returned"
    """withdrawn while it was returned, or returned before the trust heard of it: the undo leads there"""
    WITHDRAWN_NOT_RECOMMENDED = "withdrawn_not_recommended"
    """not recommended before the trust heard of it: the undo leads there; so for the next two"""
    REJECTED = "rejected"
    REJECTED_RETURNED = "rejected_returned"
    REJECTED_NOT_RECOMMENDED = "rejected_not_recommended"
    NOT_RECOMMENDED = "not_recommended"
    EXPIRED = "expired"
    DECIDED = "decided"


class Action(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"
    WITHDRAW = "withdraw"
    UNDO_WITHDRAWAL = "undo_withdrawal"
    REJECT = "reject"
    UNDO_REJECTION = "undo_rejection"
    NOT_RECOMMEND = "not_recommend"
    EXPIRE = "expire"
    DECIDE = "decide"


TRANSITIONS: Mapping[State, Mapping[Action, State]] = {
    State.DRAFT: {Action.SUBMIT: State.SUBMITTED},
    State.SUBMITTED: {
        Action.RETURN: State.RETURNED,
        Action.WITHDRAW: State.WITHDRAWN,
        Action.REJECT: State.REJECTED,
        Action.NOT_RECOMMEND: State.NOT_RECOMMENDED,
        Action.DECIDE: State.DECIDED,
    },
    State.RETURNED: {
        Action.SUBMIT: State.SUBMITTED,
        Action.WITHDRAW: State.WITHDRAWN_RETURNED,
        Action.EXPIRE: State.EXPIRED,
    },
    State.WITHDRAWN: {
        Action.UNDO_WITHDRAWAL: State.SUBMITTED,
        Action.RETURN: State.WITHDRAWN_RETURNED,
        Action.NOT_RECOMMEND: State.WITHDRAWN_NOT_RECOMMENDED,
    },
    State.WITHDRAWN_RETURNED: {Action.UNDO_WITHDRAWAL: State.RETURNED},
    State.WITHDRAWN_NOT_RECOMMENDED: {Action.UNDO_WITHDRAWAL: State.NOT_RECOMMENDED},
    State.REJECTED: {
        Action.UNDO_REJECTION: State.SUBMITTED,
        Action.RETURN: State.REJECTED_RETURNED,
        Action.NOT_RECOMMEND: State.REJECTED_NOT_RECOMMENDED,
    },
    State.REJECTED_RETURNED: {Action.UNDO_REJECTION: State.RETURNED},
    State.REJECTED_NOT_RECOMMENDED: {Action.UNDO_REJECTION: State.NOT_RECOMMENDED},
    State.NOT_RECOMMENDED: {},
    State.EXPIRED: {},
    State.DECIDED: {Action.DECIDE: State.DECIDED},
}

EDITABLE = frozenset({State.DRAFT, State.RETURNED})
"""Where the holder may change the content."""


def may(state: State, action: Action) -> bool:
    """Whether the state machine has this step."""
    return action in TRANSITIONS[state]


def move(state: State, action: Action) -> State:
    """The state after this step. StepOutOfOrder when the state machine does not have it."""
    try:
        return TRANSITIONS[state][action]
    except KeyError:
        raise StepOutOfOrder(
            f"An application that is {state} cannot take the step {action}.",
            state=state.value,
            step=action.value,
        ) from None
