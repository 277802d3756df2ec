"""The pot under any sequence of awards, losses, offers and moves; the reserve list in strict order."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.funding.domain.money import Place, Pot, PotExceeded, is_expired, next_offer, reserve_order

amounts = st.integers(min_value=1, max_value=900_000)


@given(st.integers(0, 5_000_000), st.lists(st.tuples(st.sampled_from(["award", "hold"]), amounts)))
def test_a_pot_never_gives_more_than_it_has(size: int, wishes: list[tuple[str, int]]) -> None:
    pot = Pot(size)
    for action, amount in wishes:
        fits = amount <= pot.free
        try:
            pot = getattr(pot, action)(amount)
            assert fits
        except PotExceeded:
            assert not fits
        assert 0 <= pot.awarded + pot.held <= size


@given(amounts)
def test_what_was_not_given_cannot_come_back(amount: int) -> None:
    with pytest.raises(ValueError, match="not held"):
        Pot(amount).release(amount)
    with pytest.raises(ValueError, match="not awarded"):
        Pot(amount).give_back(amount)
    with pytest.raises(ValueError, match="never negative"):
        Pot(amount).award(-1)
    assert Pot(amount).hold(amount).release(amount) == Pot(amount)
    assert Pot(amount).award(amount).give_back(amount) == Pot(amount)


@given(st.integers(0, 2_000_000), st.lists(amounts, max_size=8), st.data())
def test_only_the_first_is_ever_offered_and_only_in_full(
    free: int, sizes: list[int], data: st.DataObject
) -> None:
    places = [Place(uuid4(), n, size) for n, size in enumerate(sizes, start=1)]
    shuffled = data.draw(st.permutations(places))
    offered = next_offer(free, shuffled)
    if not places or places[0].amount > free:
        assert offered is None
    else:
        assert offered == places[0]
        held_back = [Place(places[0].application_id, 1, places[0].amount, held_back=True), *places[1:]]
        assert next_offer(free, held_back) is None
        untold = [Place(places[0].application_id, 1, places[0].amount, told=False), *places[1:]]
        assert next_offer(free, untold) is None


@given(
    st.lists(
        st.tuples(st.uuids(), st.none() | st.integers(1, 50), st.text(max_size=5)), unique_by=lambda e: e[0]
    )
)
def test_positions_follow_rank_then_number_without_gaps(ranked: list[tuple[UUID, int | None, str]]) -> None:
    positions = reserve_order(ranked, 4)
    assert sorted(positions.values()) == list(range(5, 5 + len(ranked)))
    rank = {each[0]: each[1] for each in ranked}
    in_order = [rank[each] for each in sorted(positions, key=lambda each: positions[each])]
    known = [each for each in in_order if each is not None]
    assert in_order[: len(known)] == sorted(known)


def test_a_place_without_a_letter_has_no_end() -> None:
    from datetime import UTC, datetime, timedelta

    at = datetime(2024, 1, 1, tzinfo=UTC)
    assert not is_expired(None, at)
    assert is_expired(at, at)
    assert not is_expired(at + timedelta(seconds=1), at)


@dataclass
class _Case:
    amount: int
    position: int = 0
    id: UUID = field(default_factory=uuid4)


class Fund(RuleBasedStateMachine):
    """One panel's pot with its awards and reserve list, as the commands use them."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 3_500_000
        self.pot = Pot(self.size)
        self.awarded: list[_Case] = []
        self.waiting: list[_Case] = []
        self.offered: list[_Case] = []
        self.last = 0
        self.order: list[int] = []

    @rule(amount=amounts)
    def decide(self, amount: int) -> None:
        """The leader awards what fits and has nobody before it, and puts the rest on the list."""
        case = _Case(amount)
        if not self.waiting and amount <= self.pot.free:
            self.pot = self.pot.award(amount)
            self.awarded.append(case)
            return
        self.last += 1
        case.position = self.last
        self.waiting.append(case)
        self._offer()

    @precondition(lambda self: self.awarded)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(self.awarded))
        self.awarded.remove(case)
        self.pot = self.pot.give_back(case.amount)
        self._offer()

    @precondition(lambda self: self.offered)
    @rule(data=st.data())
    def move_up(self, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(self.offered))
        self.offered.remove(case)
        self.pot = self.pot.release(case.amount).award(case.amount)
        self.awarded.append(case)

    @precondition(lambda self: self.waiting)
    @rule()
    def expire(self) -> None:
        self.waiting.remove(min(self.waiting, key=lambda case: case.position))
        self._offer()

    def _offer(self) -> None:
        places = [Place(case.id, case.position, case.amount) for case in self.waiting]
        while place := next_offer(self.pot.free, places):
            places.remove(place)
            case = next(each for each in self.waiting if each.id == place.application_id)
            assert all(case.position < other.position for other in self.waiting if other is not case)
            self.waiting.remove(case)
            self.pot = self.pot.hold(case.amount)
            self.offered.append(case)
            self.order.append(case.position)

    @invariant()
    def the_pot_is_never_exceeded(self) -> None:
        assert self.pot.awarded == sum(case.amount for case in self.awarded)
        assert self.pot.held == sum(case.amount for case in self.offered)
        assert self.pot.awarded + self.pot.held <= self.size

    @invariant()
    def offers_go_in_the_order_of_the_list(self) -> None:
        assert self.order == sorted(self.order)

    @invariant()
    def money_that_fits_the_first_is_never_left_lying(self) -> None:
        if self.waiting:
            first = min(self.waiting, key=lambda case: case.position)
            assert first.amount > self.pot.free


TestFund = Fund.TestCase
TestFund.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
