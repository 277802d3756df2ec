"""States of a round, quorum without conflicts, and balanced leads."""

from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import StepOutOfOrder
from services.review.domain.panels import (
    TRANSITIONS,
    Member,
    Quorum,
    acting_chair,
    cases_without_quorum,
    choose_leads,
    has_quorum,
    move,
)

CASE, OTHER = UUID(int=100), UUID(int=101)
A, B, C, U = (UUID(int=n) for n in range(1, 5))
PANEL = [Member(A, chair=True), Member(B), Member(C), Member(U, user_representative=True)]
QUORUM = Quorum(members=3, user_representatives=1)

ALLOWED = {
    ("gathering", "open"): "declaring",
    ("declaring", "settle"): "settled",
    ("declaring", "lose_quorum"): "short",
    ("short", "name_standins"): "declaring",
    ("settled", "assign"): "assessing",
    ("assessing", "complete"): "scored",
    ("scored", "meet"): "met",
    ("scored", "reopen"): "assessing",
    ("met", "sign"): "signed",
    ("met", "reopen"): "assessing",
}


@pytest.mark.parametrize(
    ("state", "action"), list(product(TRANSITIONS, sorted({action for _, action in ALLOWED})))
)
def test_every_step_is_either_declared_or_refused(state: str, action: str) -> None:
    if (state, action) in ALLOWED:
        assert move(state, action) == ALLOWED[(state, action)]
    else:
        with pytest.raises(StepOutOfOrder, match=state):
            move(state, action)


def test_quorum_is_counted_per_case_without_the_conflicted() -> None:
    assert has_quorum(PANEL, [CASE, OTHER], set(), QUORUM)
    assert has_quorum(PANEL, [CASE, OTHER], {(CASE, B)}, QUORUM)
    assert not has_quorum(PANEL, [CASE, OTHER], {(CASE, B), (CASE, C)}, QUORUM)
    assert cases_without_quorum(PANEL, [OTHER, CASE], {(CASE, B), (CASE, C)}, QUORUM) == [CASE]
    assert has_quorum(PANEL, [CASE, OTHER], {(CASE, B), (OTHER, C)}, QUORUM)


def test_quorum_needs_a_user_representative() -> None:
    assert not has_quorum(PANEL, [CASE], {(CASE, U)}, QUORUM)


def test_a_round_without_cases_needs_nobody() -> None:
    assert has_quorum([], [], set(), QUORUM)
    assert not has_quorum([], [CASE], set(), QUORUM)


def test_a_conflicted_chair_does_not_lead() -> None:
    assert acting_chair(PANEL, [CASE, OTHER], set()) == A
    assert acting_chair(PANEL, [CASE, OTHER], {(OTHER, A)}) == B
    assert acting_chair(PANEL, [CASE, OTHER], {(OTHER, A), (CASE, B)}) == C
    everyone = {(OTHER, A), (CASE, B), (CASE, C)}
    assert acting_chair(PANEL, [CASE, OTHER], everyone) is None
    assert not has_quorum(PANEL, [CASE, OTHER], everyone, Quorum(1, 0))


persons = st.integers(1, 5).map(lambda n: UUID(int=n))
boards = st.dictionaries(
    st.integers(100, 112).map(lambda n: UUID(int=n)), st.sets(persons, max_size=5), max_size=13
)


@given(boards)
def test_leads_are_able_and_the_busiest_has_as_few_as_possible(able: dict[UUID, set[UUID]]) -> None:
    leads = choose_leads(able)
    assert set(leads) == {each for each, who in able.items() if who}
    assert all(person in able[each] for each, person in leads.items())
    assert choose_leads({each: able[each] for each in reversed(list(able))}) == leads
    busiest = max((list(leads.values()).count(person) for person in leads.values()), default=0)
    # Hall: nobody can do better than the most crowded set of persons, seen over all sets of persons.
    bound = 0
    everyone = [UUID(int=n) for n in range(1, 6)]
    for mask in range(1, 2 ** len(everyone)):
        group = {person for n, person in enumerate(everyone) if mask >> n & 1}
        only_theirs = sum(1 for who in able.values() if who and who <= group)
        bound = max(bound, -(-only_theirs // len(group)))
    assert busiest == bound
