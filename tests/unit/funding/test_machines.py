"""The state machines as data: every move that is not declared is refused, and none leads nowhere."""

from enum import StrEnum
from typing import Any
from uuid import uuid4

import pytest

from services.common.errors import StepOutOfOrder
from services.funding.domain import cases, grants
from services.funding.domain.cases import Outcome, RoundKind
from services.funding.domain.machine import move

MACHINES: dict[str, tuple[Any, type[StrEnum], type[StrEnum], StrEnum]] = {
    "case": (cases.CASE, cases.CaseState, cases.CaseAction, cases.CaseState.RECEIVED),
    "round": (cases.ROUND, cases.RoundState, cases.RoundAction, cases.RoundState.OPEN),
    "grant": (grants.GRANT, grants.GrantState, grants.GrantAction, grants.GrantState.AWARDED),
    "report": (grants.REPORT, grants.ReportState, grants.ReportAction, grants.ReportState.REQUESTED),
    "plan": (grants.PLAN, grants.PlanState, grants.PlanAction, grants.PlanState.OWED),
    "request": (grants.REQUEST, grants.RequestState, grants.RequestAction, grants.RequestState.ASKED),
}


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_exactly_the_declared_moves_are_possible(name: str) -> None:
    machine, states, actions, _ = MACHINES[name]
    assert set(machine) == set(states)
    for state in states:
        for action in actions:
            if action in machine[state]:
                assert move(machine, state, action) is machine[state][action]
            else:
                with pytest.raises(StepOutOfOrder) as refused:
                    move(machine, state, action)
                assert refused.value.members["state"] == state.value


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_every_state_is_reached_and_every_action_used(name: str) -> None:
    machine, states, actions, start = MACHINES[name]
    reached, queue = {start}, [start]
    while queue:
        for after in machine[queue.pop()].values():
            if after not in reached:
                reached.add(after)
                queue.append(after)
    assert reached == set(states)
    assert {action for moves in machine.values() for action in moves} == set(actions)


def test_a_declined_case_can_reach_an_award_only_through_a_complaint() -> None:
    moves = cases.CASE[cases.CaseState.DECLINED]
    assert set(moves) == {cases.CaseAction.UPHOLD, cases.CaseAction.END}


@pytest.mark.parametrize("recommended", list(Outcome))
@pytest.mark.parametrize("rank", [None, 3])
def test_what_is_proposed_depends_on_why_it_is_decided(recommended: Outcome, rank: int | None) -> None:
    assert cases.proposed_outcome(RoundKind.CALL, recommended, rank) is recommended
    assert cases.proposed_outcome(RoundKind.MOVE, recommended, rank) is Outcome.AWARDED
    again = cases.proposed_outcome(RoundKind.COMPLAINT, recommended, rank)
    above = rank is not None or recommended in cases.WITH_MONEY
    assert again is (Outcome.RESERVE if above else recommended)


def test_two_persons() -> None:
    one, other = uuid4(), uuid4()
    cases.require_other_person(one, other)
    with pytest.raises(cases.TwoPersonsNeeded):
        cases.require_other_person(one, one)
    cases.require_uninvolved(one, [other])
    with pytest.raises(cases.TookPart):
        cases.require_uninvolved(one, [other, one])


def test_plans_owed_come_from_the_conditions() -> None:
    assert grants.plans_owed(["adjusted_plan_HP", "pays_travel", "adjusted_plan_HEMIT"]) == ["HP", "HEMIT"]
