"""Waiting time: every second counts once, for one side or for neither."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.status import OUTCOMES, STAGES, Held, Question, is_owner, waited
from services.intake.texts import STAGES as STAGE_TEXTS

START = datetime(2023, 10, 25, 13, 0, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_question_makes_the_holder_the_one_who_is_waited_for() -> None:
    held = [Held(at(0), "rhf"), Held(at(10), "HP"), Held(at(110), "committee")]
    found = waited(held, [Question(at(40), at(90))], at(120))
    assert (found.us.seconds, found.them.seconds) == (70, 50)


def test_open_and_overlapping_questions_count_once() -> None:
    held = [Held(at(0), "HP")]
    questions = [Question(at(10), at(30)), Question(at(20), at(40)), Question(at(90), None)]
    found = waited(held, questions, at(100))
    assert (found.us.seconds, found.them.seconds) == (60, 40)


def test_nobody_is_waited_for_when_the_case_rests() -> None:
    held = [Held(at(0), "rhf"), Held(at(10), "nobody"), Held(at(50), "holder")]
    found = waited(held, [Question(at(20), at(30))], at(60))
    assert (found.us.seconds, found.them.seconds) == (10, 10)


def test_nothing_has_been_waited_for_in_a_draft() -> None:
    assert waited([], [], START).us == timedelta()


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.sampled_from(["rhf", "holder", "HP", "hf:HMR"]))),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000) | st.none())),
)
def test_the_two_sides_add_up_to_the_time_that_passed(
    held: list[tuple[int, str]], asked: list[tuple[int, int | None]]
) -> None:
    entries = [Held(at(second), owner) for second, owner in held]
    questions = [Question(at(begin), None if end is None else at(max(begin, end))) for begin, end in asked]
    found = waited(entries, questions, at(1000))
    first = min((second for second, _ in held), default=1000)
    assert found.us + found.them == timedelta(seconds=1000 - first)
    assert min(found.us, found.them) >= timedelta()


@pytest.mark.parametrize(
    ("owner", "known"),
    [
        ("holder", True),
        ("hf:HMR", True),
        ("HP", True),
        ("nobody", True),
        ("", False),
        ("hf:", False),
        ("me!", False),
    ],
)
def test_owners(owner: str, known: bool) -> None:
    assert is_owner(owner) == known


def test_every_stage_has_words_and_no_word_is_left_over() -> None:
    assert set(STAGE_TEXTS) == {*STAGES, "submitted"}
    assert len(OUTCOMES) == 11
