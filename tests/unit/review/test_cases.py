"""The states of a case in review, and when it can be returned."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.common.errors import StepOutOfOrder
from services.review.domain.cases import (
    LIVE,
    PRESCREENING_ACTIONS,
    TRANSITIONS,
    CaseAction,
    CaseState,
    ReturnTooLate,
    idle_because,
    move,
    require_returnable,
)
from workflows.contracts import tasks as kinds

DEADLINE = datetime(2023, 10, 25, 13, tzinfo=UTC)


@pytest.mark.parametrize("state", list(CaseState))
@pytest.mark.parametrize("action", list(CaseAction))
def test_only_declared_moves_are_possible(state: CaseState, action: CaseAction) -> None:
    if action in TRANSITIONS[state]:
        assert move(state, action) is TRANSITIONS[state][action]
    else:
        with pytest.raises(StepOutOfOrder):
            move(state, action)


def test_every_living_case_can_end_and_an_ended_one_does_nothing() -> None:
    for state in set(CaseState) - {CaseState.ENDED}:
        assert move(state, CaseAction.END) is CaseState.ENDED
    assert not TRANSITIONS[CaseState.ENDED]


def test_a_case_is_not_consulted_before_its_trust_recommends_it() -> None:
    consultable = {state for state in CaseState if CaseAction.CONSULT in TRANSITIONS[state]}
    assert consultable == {CaseState.CONSULTING, CaseState.IN_ROUND}
    assert move(CaseState.PRESCREENING, PRESCREENING_ACTIONS["recommended"]) is CaseState.CONSULTING


def test_a_trusts_late_no_cannot_take_a_case_out_of_its_round() -> None:
    with pytest.raises(StepOutOfOrder):
        move(CaseState.IN_ROUND, PRESCREENING_ACTIONS["not_recommended"])
    assert move(CaseState.IN_ROUND, PRESCREENING_ACTIONS["recommended"]) is CaseState.IN_ROUND


def test_the_barrier_waits_for_what_is_received_and_not_in_a_round() -> None:
    assert LIVE == {CaseState.PRESCREENING, CaseState.RETURNED, CaseState.CONSULTING}


def test_a_return_is_possible_until_the_deadline_itself() -> None:
    require_returnable(DEADLINE, DEADLINE, after_internal_deadline=False)
    with pytest.raises(ReturnTooLate):
        require_returnable(DEADLINE + timedelta(microseconds=1), DEADLINE, after_internal_deadline=False)


def test_what_missed_the_trusts_own_deadline_is_never_returned() -> None:
    with pytest.raises(ReturnTooLate):
        require_returnable(DEADLINE - timedelta(days=1), DEADLINE, after_internal_deadline=True)


@pytest.mark.parametrize(
    ("kind", "n", "stands", "because"),
    [
        (kinds.PRESCREEN, "2", {}, None),
        (kinds.PRESCREEN, "1", {}, "returned"),
        (kinds.CONFIRM_REJECTION, "2", {"state": CaseState.RETURNED}, "returned"),
        (kinds.PRESCREEN, "3", {"state": CaseState.RETURNED}, None),
        (kinds.CONSULT, "HP", {}, None),
        (kinds.CONSULT, "HP", {"state": CaseState.RETURNED}, "returned"),
        (kinds.CONSULT, "TTO", {}, "returned"),
        (kinds.ANSWER_CLARIFICATION, "1", {"state": CaseState.RETURNED}, None),
        (kinds.ANSWER_CLARIFICATION, "1", {"state": CaseState.DECIDED}, "decided"),
        (kinds.CONSULT, "HP", {"state": CaseState.DECIDED}, "decided"),
        (kinds.ANSWER_QUESTION, "1", {"state": CaseState.DECIDED}, None),
        (kinds.ANSWER_QUESTION, "1", {"state": CaseState.ENDED, "ended_as": "expired"}, "expired"),
        (kinds.HANDLE_LATE_FACT, "1", {"state": CaseState.ENDED, "ended_as": "expired"}, None),
    ],
)
def test_nobody_is_waited_for_in_vain(kind: str, n: str, stands: dict[str, Any], because: str | None) -> None:
    """A case in its second version, which touches HP."""
    before = {"state": CaseState.PRESCREENING, "version": 2, "touches": ["HP"]}
    endings = {"ended_as": None, "lost_as": None}
    assert idle_because(kind, n, **{**before, **endings, **stands}) == because
