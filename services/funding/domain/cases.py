"""What can happen to a case from recommendation to its last decision, and to a round of decisions."""

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from services.common.errors import Forbidden, Refused
from services.funding.domain import machine


class TwoPersonsNeeded(Forbidden):
    """Whoever prepared a decision cannot take it."""


class TookPart(Forbidden):
    """Whoever took part in a decision cannot answer the complaint about it."""


class DeviationNeedsReason(Refused):
    """A decision that differs from the recommendation needs a reason."""

    status = 422


class CaseState(StrEnum):
    RECEIVED = "received"
    IN_DECISION = "in_decision"
    AWARDED = "awarded"
    RESERVE = "reserve"
    OFFERED = "offered"  # the panel's free money is held for it; an adviser confirms the move
    MOVING = "moving"  # confirmed; its own decision round follows
    DECLINED = "declined"
    REFERRED = "referred"
    UPHELD = "upheld"  # a complaint was upheld, or the case was left out of its round; decided anew
    LOST = "lost"
    RESERVE_EXPIRED = "reserve_expired"
    ENDED = "ended"


class CaseAction(StrEnum):
    LAY_OUT = "lay_out"
    LEAVE_OUT = "leave_out"
    AWARD = "award"
    RESERVE = "reserve"
    DECLINE = "decline"
    REFER = "refer"
    OFFER = "offer"
    CONFIRM_MOVE = "confirm_move"
    LET_WAIT = "let_wait"
    UPHOLD = "uphold"
    LOSE = "lose"
    EXPIRE = "expire"
    END = "end"


_DECISIONS = {
    CaseAction.AWARD: CaseState.AWARDED,
    CaseAction.RESERVE: CaseState.RESERVE,
    CaseAction.DECLINE: CaseState.DECLINED,
    CaseAction.REFER: CaseState.REFERRED,
}

CASE: machine.Machine[CaseState, CaseAction] = {
    CaseState.RECEIVED: {
        CaseAction.LAY_OUT: CaseState.IN_DECISION,
        CaseAction.LEAVE_OUT: CaseState.UPHELD,
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.IN_DECISION: {
        **_DECISIONS,
        CaseAction.LEAVE_OUT: CaseState.UPHELD,
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.AWARDED: {CaseAction.LOSE: CaseState.LOST},
    CaseState.RESERVE: {
        CaseAction.OFFER: CaseState.OFFERED,
        CaseAction.UPHOLD: CaseState.UPHELD,
        CaseAction.EXPIRE: CaseState.RESERVE_EXPIRED,
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.OFFERED: {
        CaseAction.CONFIRM_MOVE: CaseState.MOVING,
        CaseAction.LET_WAIT: CaseState.RESERVE,
        CaseAction.UPHOLD: CaseState.UPHELD,
        CaseAction.END: CaseState.ENDED,
    },
    CaseState.MOVING: {CaseAction.LAY_OUT: CaseState.IN_DECISION, CaseAction.END: CaseState.ENDED},
    CaseState.DECLINED: {CaseAction.UPHOLD: CaseState.UPHELD, CaseAction.END: CaseState.ENDED},
    CaseState.REFERRED: {CaseAction.UPHOLD: CaseState.UPHELD, CaseAction.END: CaseState.ENDED},
    CaseState.UPHELD: {CaseAction.LAY_OUT: CaseState.IN_DECISION, CaseAction.END: CaseState.ENDED},
    CaseState.LOST: {},
    CaseState.RESERVE_EXPIRED: {},
    CaseState.ENDED: {},
}
"""The undo of an ending is the one move outside the table: it goes back to the state before the ending."""


class Outcome(StrEnum):
    """What a decision can say; the same codes are the panel's recommendation."""

    AWARDED = "awarded"
    RESERVE = "reserve"
    DECLINED_RANKING = "declined_ranking"
    DECLINED_THRESHOLD = "declined_threshold"
    REFERRED = "referred"


DECIDES = {
    Outcome.AWARDED: CaseAction.AWARD,
    Outcome.RESERVE: CaseAction.RESERVE,
    Outcome.DECLINED_RANKING: CaseAction.DECLINE,
    Outcome.DECLINED_THRESHOLD: CaseAction.DECLINE,
    Outcome.REFERRED: CaseAction.REFER,
}

WITH_MONEY = frozenset({Outcome.AWARDED, Outcome.RESERVE})
"""Outcomes that carry an amount: granted, or to be granted in full should money come free."""


class RoundState(StrEnum):
    OPEN = "open"
    PREPARED = "prepared"
    DECIDED = "decided"


class RoundAction(StrEnum):
    PREPARE = "prepare"
    SEND_BACK = "send_back"
    TAKE = "take"


ROUND: machine.Machine[RoundState, RoundAction] = {
    RoundState.OPEN: {RoundAction.PREPARE: RoundState.PREPARED},
    RoundState.PREPARED: {
        RoundAction.SEND_BACK: RoundState.OPEN,
        RoundAction.TAKE: RoundState.DECIDED,
    },
    RoundState.DECIDED: {},
}


class RoundKind(StrEnum):
    """Why decisions are to be taken."""

    CALL = "call"
    MOVE = "move"
    COMPLAINT = "complaint"


def proposed_outcome(kind: RoundKind, recommended: Outcome, rank: int | None) -> Outcome:
    """What is laid before the adviser.

    Of the call's round: what the panel recommends. A confirmed move from the reserve: the award. After an
    upheld complaint the awards made to others stand, so a case above the threshold gets a place on the
    reserve list.
    """
    if kind is RoundKind.MOVE:
        return Outcome.AWARDED
    if kind is RoundKind.COMPLAINT and (rank is not None or recommended in WITH_MONEY):
        return Outcome.RESERVE
    return recommended


def require_other_person(prepared_by: UUID, decides: UUID) -> None:
    """A decision is prepared by one person and taken by another."""
    if prepared_by == decides:
        raise TwoPersonsNeeded("Another person must take the decisions that you prepared")


def require_uninvolved(person: UUID, took_part: Iterable[UUID]) -> None:
    """A complaint is answered by someone who took no part in any decision of the case."""
    if person in set(took_part):
        raise TookPart("Somebody who took no part in the decision must answer this complaint")


def next_round_id(application_id: UUID, version: int, *, left_out: int = 0) -> str:
    """The round in which one case gets its next decision; `version` is the decision it has now, `left_out`
    the number of such rounds that were decided without it."""
    round_id = f"{application_id}.d{version + 1}"
    return f"{round_id}.{left_out + 1}" if left_out else round_id
