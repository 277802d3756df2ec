"""The state machine: only declared steps, whatever order they are tried in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import StepOutOfOrder
from services.intake.domain.states import EDITABLE, TRANSITIONS, Action, State, may, move


@given(st.lists(st.sampled_from(list(Action)), max_size=30))
def test_any_walk_stays_in_the_machine(actions: list[Action]) -> None:
    state = State.DRAFT
    for action in actions:
        if may(state, action):
            state = move(state, action)
            assert state in TRANSITIONS
        else:
            with pytest.raises(StepOutOfOrder) as refused:
                move(state, action)
            assert refused.value.members["state"] == state.value


def test_every_state_can_be_reached_and_has_an_entry() -> None:
    reached, waiting = {State.DRAFT}, [State.DRAFT]
    while waiting:
        for after in TRANSITIONS[waiting.pop()].values():
            if after not in reached:
                reached.add(after)
                waiting.append(after)
    assert reached == set(State) == set(TRANSITIONS)


def test_an_undo_leads_back_to_where_it_was() -> None:
    for state in (State.SUBMITTED, State.RETURNED):
        assert move(move(state, Action.WITHDRAW), Action.UNDO_WITHDRAWAL) is state
    assert move(move(State.SUBMITTED, Action.REJECT), Action.UNDO_REJECTION) is State.SUBMITTED


def test_what_the_trust_says_meanwhile_is_where_the_undo_leads() -> None:
    for end, undo in ((Action.WITHDRAW, Action.UNDO_WITHDRAWAL), (Action.REJECT, Action.UNDO_REJECTION)):
        for word in (Action.RETURN, Action.NOT_RECOMMEND):
            ended = move(State.SUBMITTED, end)
            assert move(move(ended, word), undo) is move(State.SUBMITTED, word)


def test_what_can_be_edited_can_be_submitted_and_nothing_else_can() -> None:
    assert {state for state in State if may(state, Action.SUBMIT)} == EDITABLE


def test_a_decided_case_is_not_withdrawn() -> None:
    assert not may(State.DECIDED, Action.WITHDRAW)
