"""Ranking and allocation: exact, explainable, and the same whatever order the cases come in."""

import random
from collections.abc import Sequence
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review.domain.ranking import (
    Assessed,
    NotScored,
    Placed,
    Rules,
    TieBreakUseless,
    TieUnbroken,
    allocate,
    place,
    unbroken_ties,
)

CRITERIA = ("innovation", "nytteverdi", "feasibility")
RULES = Rules(threshold=Fraction(4), pot=1_000, reserve_size=1, tie_criteria=("nytteverdi",))


def case(n: int, *votes: Sequence[int], amount: int = 100, hit: bool = False) -> Assessed:
    return Assessed(
        application_id=UUID(int=n),
        amount=amount,
        criteria=CRITERIA,
        priority_hit=hit,
        votes=tuple(dict(zip(CRITERIA, vote, strict=True)) for vote in votes),
    )


def outcomes(placed: Sequence[Placed]) -> list[tuple[int, int | None, str]]:
    return [(each.application_id.int, each.rank, each.outcome) for each in placed]


def test_an_average_of_exactly_the_threshold_is_not_above_it() -> None:
    exactly = case(1, (8, 8, 3), (8, 8, 4), (8, 8, 5))
    just_above = case(2, (5, 5, 4), (5, 5, 4), (5, 5, 5))
    placed = place([exactly, just_above], RULES)
    assert outcomes(placed) == [(2, 1, "awarded"), (1, None, "declined_threshold")]
    assert placed[1].below == ("feasibility",)
    assert placed[1].averages["feasibility"] == 4
    assert placed[1].spread["feasibility"] == (3, 5)


def test_thirds_are_not_rounded_up_to_the_threshold() -> None:
    rules = Rules(threshold=Fraction("4.3"), pot=1_000, reserve_size=0, tie_criteria=())
    ten_votes = [(5, 5, 4)] * 7 + [(5, 5, 5)] * 3
    assert place([case(1, *ten_votes)], rules)[0].outcome == "declined_threshold"
    assert place([case(1, *ten_votes, (5, 5, 5))], rules)[0].outcome == "awarded"


def test_every_average_counts_not_only_the_mean() -> None:
    assert place([case(1, (8, 8, 4))], RULES)[0].outcome == "declined_threshold"


def test_ties_are_decided_by_priority_area_then_benefit_then_the_chair() -> None:
    hit = case(4, (6, 6, 6), hit=True)
    useful = case(3, (6, 7, 5))
    plain, other = case(1, (6, 6, 6)), case(2, (6, 6, 6))
    cases = [plain, other, useful, hit]
    assert unbroken_ties(cases, RULES) == [[UUID(int=1), UUID(int=2)]]
    placed = place(cases, RULES, [UUID(int=2), UUID(int=1)])
    assert [each.application_id.int for each in placed] == [4, 3, 2, 1]
    assert [each.tie_decided_by for each in placed] == ["priority_area", "nytteverdi", "chair", "chair"]
    assert placed[0].tied_with == (UUID(int=1), UUID(int=2), UUID(int=3))


def test_a_tie_only_the_chair_can_break_is_not_broken_silently() -> None:
    cases = [case(1, (6, 6, 6)), case(2, (6, 6, 6))]
    with pytest.raises(TieUnbroken) as refused:
        place(cases, RULES)
    assert refused.value.members["tied"] == [[str(UUID(int=1)), str(UUID(int=2))]]
    with pytest.raises(TieUnbroken):
        place(cases, RULES, [UUID(int=1)])


@pytest.mark.parametrize("order", [[3], [1, 2, 3], [1, 2, 1], [1, 2, 99]])
def test_an_order_for_cases_that_are_not_tied_is_refused(order: list[int]) -> None:
    cases = [case(1, (6, 6, 6)), case(2, (6, 6, 6)), case(3, (7, 7, 7))]
    with pytest.raises(TieBreakUseless) as refused:
        place(cases, RULES, [UUID(int=n) for n in order])
    assert refused.value.errors[0].field.startswith("tie_breaks.")


def test_a_tie_below_the_threshold_needs_no_choice() -> None:
    placed = place([case(2, (4, 4, 4)), case(1, (4, 4, 4))], RULES)
    assert outcomes(placed) == [(1, None, "declined_threshold"), (2, None, "declined_threshold")]


def test_a_case_nobody_scored_cannot_be_ranked() -> None:
    with pytest.raises(NotScored):
        place([case(1)], RULES)


def test_no_skipping_to_a_smaller_amount() -> None:
    assert allocate([750, 600, 750, 500, 250, 250, 700, 400, 700], 3_500, 1) == (
        ["awarded"] * 6 + ["reserve", "declined_ranking", "declined_ranking"]
    )


def test_the_pot_may_be_spent_to_the_last_krone() -> None:
    assert allocate([600, 400], 1_000, 1) == ["awarded", "awarded"]
    assert allocate([600, 401], 1_000, 1) == ["awarded", "reserve"]


amounts = st.lists(st.integers(min_value=1, max_value=1_000), max_size=40)


@given(amounts, st.integers(0, 10_000), st.integers(0, 5))
def test_allocation_is_a_prefix_within_the_pot(money: list[int], pot: int, reserve_size: int) -> None:
    result = allocate(money, pot, reserve_size)
    awarded = result.count("awarded")
    assert len(result) == len(money)
    assert result[:awarded] == ["awarded"] * awarded
    assert sum(money[:awarded]) <= pot
    if awarded < len(money):
        assert sum(money[: awarded + 1]) > pot
        rest = result[awarded:]
        assert rest == ["reserve"] * min(reserve_size, len(rest)) + ["declined_ranking"] * max(
            0, len(rest) - reserve_size
        )


scores = st.tuples(*[st.integers(1, 8)] * 3)
panels = st.integers(1, 4).flatmap(
    lambda members: st.lists(
        st.tuples(
            st.lists(scores, min_size=members, max_size=members),
            st.integers(1, 500),
            st.booleans(),
        ),
        max_size=8,
    )
)


@given(panels, st.integers(0, 1_500), st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(
    panel: list[tuple[list[tuple[int, int, int]], int, bool]],
    pot: int,
    reserve_size: int,
    chance: random.Random,
) -> None:
    rules = Rules(Fraction(4), pot, reserve_size, ("nytteverdi",))
    cases = [case(n, *votes, amount=money, hit=hit) for n, (votes, money, hit) in enumerate(panel)]
    chairs_order = [each for group in unbroken_ties(cases, rules) for each in group]
    chance.shuffle(chairs_order)
    expected = place(cases, rules, chairs_order)
    chance.shuffle(cases)
    assert place(cases, rules, chairs_order) == expected
    assert sum(each.amount for each in expected if each.outcome == "awarded") <= pot
    assert all(
        (each.outcome == "declined_threshold") == any(a <= 4 for a in each.averages.values())
        for each in expected
    )
    ranked = [each for each in expected if each.rank is not None]
    assert [each.rank for each in ranked] == list(range(1, len(ranked) + 1))
    assert [each.mean for each in ranked] == sorted((each.mean for each in ranked), reverse=True)
