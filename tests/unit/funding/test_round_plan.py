"""Deviations from the recommendation, and pots that bear the round or refuse it."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import Invalid
from services.funding.domain.cases import WITH_MONEY, DeviationNeedsReason, Outcome
from services.funding.domain.money import Pot, PotExceeded
from services.funding.domain.round_plan import (
    Deviation,
    Planned,
    ReserveFull,
    apply_deviations,
    require_places,
    spend,
)


def _planned(outcome: Outcome, amount: int, *, panel: str = "service", held: int = 0) -> Planned:
    applied = max(amount, 500_000)
    return Planned(uuid4(), panel, outcome, amount, outcome, amount, applied, held)


outcomes = st.sampled_from(list(Outcome))


@given(st.lists(st.tuples(outcomes, st.integers(1, 500_000)), max_size=8), st.data())
def test_a_round_is_feasible_exactly_when_each_pot_bears_its_awards(
    cases: list[tuple[Outcome, int]], data: st.DataObject
) -> None:
    planned = [
        _planned(outcome, amount if outcome in WITH_MONEY else 0, panel=data.draw(st.sampled_from("ab")))
        for outcome, amount in cases
    ]
    pots = {"a": Pot(1_000_000), "b": Pot(600_000, awarded=100_000)}
    wanted = {
        panel: sum(each.amount for each in planned if each.panel == panel and each.outcome is Outcome.AWARDED)
        for panel in pots
    }
    if all(wanted[panel] <= pots[panel].free for panel in pots):
        after = spend(pots, planned)
        assert {panel: after[panel].awarded - pots[panel].awarded for panel in pots} == wanted
    else:
        with pytest.raises(PotExceeded):
            spend(pots, planned)


def test_a_move_is_paid_from_what_was_held_for_it() -> None:
    pot = Pot(1_000_000, awarded=300_000, held=700_000)
    moving = _planned(Outcome.AWARDED, 700_000, held=700_000)
    assert spend({"service": pot}, [moving]) == {"service": Pot(1_000_000, awarded=1_000_000)}
    let_go = _planned(Outcome.DECLINED_RANKING, 0, held=700_000)
    assert spend({"service": pot}, [let_go])["service"].free == 700_000


@given(outcomes, st.integers(-5, 600_000), st.sampled_from(["", "  ", "Ledig rest"]))
def test_a_deviation_is_taken_exactly_when_amount_and_reason_are_right(
    outcome: Outcome, amount: int, reason: str
) -> None:
    case = _planned(Outcome.DECLINED_RANKING, 0)
    deviation = Deviation(case.application_id, outcome, amount, reason)
    right = 1 <= amount <= case.applied if outcome in WITH_MONEY else amount == 0
    if not right:
        with pytest.raises(Invalid) as refused:
            apply_deviations([case], [deviation])
        assert refused.value.errors[0].field == "deviations.0.amount"
    elif not reason.strip():
        with pytest.raises(DeviationNeedsReason):
            apply_deviations([case], [deviation])
    else:
        (changed,) = apply_deviations([case], [deviation])
        assert (changed.outcome, changed.amount, changed.reason) == (outcome, amount, reason)


def test_strangers_and_repetitions_are_refused() -> None:
    case = _planned(Outcome.RESERVE, 100)
    deviation = Deviation(case.application_id, Outcome.REFERRED, 0, "Utenfor")
    with pytest.raises(Invalid, match=r"deviations\.1\.application_id"):
        apply_deviations([case], [deviation, deviation])
    stranger = Deviation(UUID(int=0), Outcome.REFERRED, 0, "Utenfor")
    with pytest.raises(Invalid, match=r"deviations\.0\.application_id"):
        apply_deviations([case], [stranger])


def test_a_full_list_takes_no_more_than_the_panel_recommended() -> None:
    cases = [_planned(Outcome.RESERVE, 100), _planned(Outcome.RESERVE, 100)]
    require_places(cases, {"service": 2})
    require_places(cases, {"service": 0})  # the panel's own recommendation stands
    more = apply_deviations(
        [*cases, third := _planned(Outcome.DECLINED_RANKING, 0)],
        [Deviation(third.application_id, Outcome.RESERVE, 100, "Bør stå på listen")],
    )
    require_places(more, {"service": 3})
    with pytest.raises(ReserveFull):
        require_places(more, {"service": 2})
