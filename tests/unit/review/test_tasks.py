"""A task's ladder and clock: when steps fall due, and that a pause moves them by exactly its length."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.calendar import After, Calendar, TimeRule, Workdays, due
from services.common.errors import StepOutOfOrder
from services.review.domain.tasks import (
    TRANSITIONS,
    Interval,
    PlannedStep,
    Rung,
    TaskAction,
    TaskState,
    TaskTime,
    move,
    plan,
    shift,
    waited,
    waited_in_all,
)

START = datetime(2023, 10, 2, 10, tzinfo=UTC)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.timedeltas(timedelta(0), timedelta(days=60))
rules: st.SearchStrategy[TimeRule] = st.one_of(
    st.integers(-40, 40).map(Workdays), st.integers(-3_000_000, 3_000_000).map(lambda s: After(seconds=s))
)
ladders = st.lists(
    st.builds(Rung, st.sampled_from(["reminder", "escalation"]), rules, st.just(("audience",))), max_size=6
)
calendars = st.sampled_from(list(Calendar))


@given(ladders, moments, moments, calendars)
def test_a_planned_ladder_holds_every_escalation_and_the_reminders_still_to_come(
    ladder: list[Rung], due_at: datetime, now: datetime, calendar: Calendar
) -> None:
    steps = plan(ladder, due_at, now, calendar)
    for n, rung in enumerate(ladder, start=1):
        at = due(rung.at, due_at, calendar)
        kept = [step for step in steps if step.n == n]
        assert len(kept) == (rung.kind == "escalation" or at > now)
        assert all(step.at == at and step.kind == rung.kind for step in kept)


@given(ladders, moments, moments, calendars)
def test_levels_count_the_escalations_from_one(
    ladder: list[Rung], due_at: datetime, now: datetime, calendar: Calendar
) -> None:
    steps = plan(ladder, due_at, now, calendar)
    levels = [step.level for step in steps if step.kind == "escalation"]
    assert levels == list(range(1, len(levels) + 1))
    assert all(step.level == 0 for step in steps if step.kind == "reminder")


def steps_of(kinds_and_offsets: list[tuple[str, timedelta]]) -> list[PlannedStep]:
    return [
        PlannedStep(n, kind, int(kind == "escalation"), START + offset, ("audience",))
        for n, (kind, offset) in enumerate(kinds_and_offsets, start=1)
    ]


planned = st.lists(
    st.tuples(
        st.sampled_from(["reminder", "escalation"]), st.timedeltas(-timedelta(days=9), timedelta(days=9))
    ),
    max_size=6,
).map(steps_of)


@given(planned, spans)
def test_a_pause_moves_what_was_to_come_by_exactly_its_length(
    steps: list[PlannedStep], pause: timedelta
) -> None:
    shifted = shift(steps, START, START + pause)
    before = {step.n: step for step in steps}
    for step in shifted:
        assert step.at - before[step.n].at == pause
    to_come = {step.n for step in steps if step.at > START}
    assert to_come <= {step.n for step in shifted}, "nothing that was to come is lost"


@given(planned, st.lists(st.tuples(spans, spans), max_size=4))
def test_many_pauses_move_as_far_as_one_of_the_same_length(
    steps: list[PlannedStep], pauses: list[tuple[timedelta, timedelta]]
) -> None:
    steps = [step for step in steps if step.kind == "escalation"]  # none is dropped on the way
    clock, moved, total = START, steps, timedelta(0)
    for running, pause in pauses:
        clock += running
        moved = shift(moved, clock, clock + pause)
        clock += pause
        total += pause
    assert [step.at for step in moved] == [step.at + total for step in steps]


def test_a_reminder_whose_instant_passed_before_the_pause_is_not_sent_after_it() -> None:
    steps = steps_of([("reminder", -timedelta(seconds=1)), ("escalation", -timedelta(seconds=1))])
    assert [step.kind for step in shift(steps, START, START + timedelta(hours=1))] == ["escalation"]


@given(st.lists(st.tuples(spans, spans), max_size=5), spans, st.booleans(), st.booleans(), spans)
def test_the_time_of_a_task_divides_without_rest(
    stretches: list[tuple[timedelta, timedelta]],
    last: timedelta,
    for_applicant: bool,
    closed: bool,
    afterwards: timedelta,
) -> None:
    clock, pauses = START, []
    for running, pause in stretches:
        pauses.append(Interval(clock + running, clock + running + pause))
        clock += running + pause
    end = clock + last
    task = TaskTime(for_applicant, Interval(START, end if closed else None), tuple(pauses))
    found = waited(task, end + afterwards if closed else end)
    paused = sum((pause for _running, pause in stretches), timedelta(0)).total_seconds()
    total = (end - START).total_seconds()
    ours, theirs = (paused, total - paused) if for_applicant else (total - paused, paused)
    assert found.us == pytest.approx(ours, abs=1e-6)
    assert found.them == pytest.approx(theirs, abs=1e-6)


def test_a_pause_that_lasts_counts_until_now() -> None:
    task = TaskTime(False, Interval(START, None), (Interval(START + timedelta(seconds=10), None),))
    found = waited(task, START + timedelta(seconds=25))
    assert (found.us, found.them) == (10, 15)


def test_tasks_side_by_side_are_not_counted_twice() -> None:
    hour = timedelta(hours=1)
    two = [TaskTime(False, Interval(START + n * hour, START + (n + 2) * hour), ()) for n in range(2)]
    assert waited_in_all(two, START + 9 * hour).us == 3 * 3600


@pytest.mark.parametrize("state", list(TaskState))
@pytest.mark.parametrize("action", list(TaskAction))
def test_only_declared_moves_are_possible(state: TaskState, action: TaskAction) -> None:
    if action in TRANSITIONS[state]:
        assert move(state, action) is TRANSITIONS[state][action]
    else:
        with pytest.raises(StepOutOfOrder):
            move(state, action)


def test_closed_is_for_ever_and_a_paused_task_takes_no_step() -> None:
    assert not TRANSITIONS[TaskState.DONE]
    assert not TRANSITIONS[TaskState.CANCELLED]
    assert TaskAction.REMIND not in TRANSITIONS[TaskState.PAUSED]


def test_the_ladder_of_the_real_calendar_keeps_the_time_of_day() -> None:
    ladder = [Rung("reminder", Workdays(-3), ("audience",)), Rung("escalation", Workdays(3), ("lead",))]
    due_at = datetime(2023, 10, 16, 8, tzinfo=UTC)  # a Monday, 10:00 in Oslo
    first, second = plan(ladder, due_at, START, Calendar.NORWEGIAN)
    assert first.at == datetime(2023, 10, 11, 8, tzinfo=UTC)
    assert second.at == datetime(2023, 10, 19, 8, tzinfo=UTC)
    assert all(a.at < b.at for a, b in pairwise([first, second]))
