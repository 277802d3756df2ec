"""What an endorsement covers: exactly the budget and the plan."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.budget import Budget
from services.intake.domain.endorsement import covered, next_position
from tests.unit.intake.samples import CALL, draft

PLAIN = draft()


@given(st.text(), st.text(), st.lists(st.sampled_from(sorted(CALL.priority_areas))), st.integers(0, 100))
def test_other_changes_leave_it_standing(title: str, need: str, areas: list[str], percent: int) -> None:
    changed = dataclasses.replace(
        PLAIN,
        title=title,
        priority_areas=areas,
        leader_employment_percent=percent,
        form={**PLAIN.form, "need": need},
    )
    assert covered(CALL, changed) == covered(CALL, PLAIN)


@given(st.text())
def test_another_plan_is_another_word(plan: str) -> None:
    changed = dataclasses.replace(PLAIN, form={**PLAIN.form, "plan": plan})
    assert (covered(CALL, changed) == covered(CALL, PLAIN)) == (plan == PLAIN.form["plan"])


@given(
    st.dictionaries(st.sampled_from(sorted(CALL.budget_lines)), st.integers(0, 9)),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_another_budget_is_another_word(lines: dict[str, int], own: int, applied: int) -> None:
    first = dataclasses.replace(PLAIN, budget=Budget(lines, own, applied))
    second = dataclasses.replace(PLAIN, budget=Budget({"salary": 1}, 0, 1))
    same = ({k: v for k, v in lines.items() if v}, own, applied) == ({"salary": 1}, 0, 1)
    assert (covered(CALL, first) == covered(CALL, second)) == same


@pytest.mark.parametrize(
    "budget",
    [
        Budget({"salary": 100, "travel": 5}, 25, 75),
        Budget({"salary": 100}, 26, 75),
        Budget({"salary": 100}, 25, 76),
        Budget({"travel": 100}, 25, 75),
    ],
)
def test_each_part_of_the_budget_counts(budget: Budget) -> None:
    before = dataclasses.replace(PLAIN, budget=Budget({"salary": 100}, 25, 75))
    assert covered(CALL, dataclasses.replace(PLAIN, budget=budget)) != covered(CALL, before)


@given(st.permutations(["salary", "travel", "equipment"]))
def test_the_order_of_lines_does_not_matter(order: list[str]) -> None:
    budget = Budget(dict.fromkeys(order, 5), 5, 10)
    straight = Budget(dict.fromkeys(sorted(order), 5), 5, 10)
    assert covered(CALL, dataclasses.replace(PLAIN, budget=budget)) == covered(
        CALL, dataclasses.replace(PLAIN, budget=straight)
    )


def test_the_chain_is_asked_in_order() -> None:
    chain = CALL.organisation("STOLAV").endorsement_chain
    assert next_position(chain, []) == "klinikksjef"
    assert next_position(chain, ["klinikksjef"]) == "administrerende_direktor"
    assert next_position(chain, chain) is None
    assert next_position((), []) is None
