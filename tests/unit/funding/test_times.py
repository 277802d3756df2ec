"""The instants of a grant, from the call of 2023."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.calls import real_call
from services.funding import times

CALL = real_call()
SENT = datetime(2024, 1, 10, 11, tzinfo=UTC)
instants = st.integers(0, 6 * 365 * 24 * 60).map(lambda minutes: SENT + timedelta(minutes=minutes))


def _with(**changes: object) -> object:
    return CALL.model_copy(update={"times": CALL.times.model_copy(update=changes)})


def test_an_award_by_letter() -> None:
    found = times.award_times(CALL, SENT, SENT)
    assert found.accept_due_at == datetime(2024, 1, 31, 11, tzinfo=UTC)
    assert found.acceptance_lapses_at == datetime(2024, 2, 7, 11, tzinfo=UTC)
    assert found.start_due_at == datetime(2024, 4, 10, 10, tzinfo=UTC)  # noon in Norway, summer time by then
    assert found.start_lapses_at > found.start_due_at


def test_the_start_counts_from_the_base_that_the_call_names() -> None:
    decided, published = SENT - timedelta(days=20), SENT + timedelta(hours=1)
    known = {"decided_at": decided, "sent_at": SENT, "published_at": published}
    assert times.start_base(CALL, **known) == SENT
    assert times.start_base(_with(start_base="decision"), **known) == decided  # type: ignore[arg-type]
    assert times.start_base(_with(start_base="publication"), **known) == published  # type: ignore[arg-type]
    unpublished = {**known, "published_at": None}
    assert times.start_base(_with(start_base="publication"), **unpublished) == SENT  # type: ignore[arg-type]
    earlier = {**known, "published_at": decided}  # moved up from the reserve long after the publication
    assert times.start_base(_with(start_base="publication"), **earlier) == SENT  # type: ignore[arg-type]


def test_a_project_of_the_real_call() -> None:
    found = times.project_times(CALL, datetime(2024, 3, 1, 12, tzinfo=UTC))
    assert found.first_report_ask_at == datetime(2025, 1, 3, 8, tzinfo=UTC)
    assert found.ends_at == datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert found.final_report_due_at == datetime(2025, 4, 1, 11, tzinfo=UTC)
    assert found.invoicing_due_at == datetime(2025, 6, 1, 11, tzinfo=UTC)
    due_at = times.instant(CALL, "report_due", found.first_report_ask_at)
    assert due_at == datetime(2025, 2, 1, 14, tzinfo=UTC)
    assert times.instant(CALL, "next_report_ask", due_at) == datetime(2026, 1, 3, 8, tzinfo=UTC)


def test_a_report_asked_for_late_has_its_ordinary_time_and_not_another_year() -> None:
    planned_at = datetime(2025, 1, 3, 8, tzinfo=UTC)
    in_time = times.due_when_asked(CALL, "report_due", planned_at, planned_at)
    assert in_time == datetime(2025, 2, 1, 14, tzinfo=UTC)
    asked_at = datetime(2025, 5, 20, 10, tzinfo=UTC)
    late = times.due_when_asked(CALL, "report_due", planned_at, asked_at)
    assert late - asked_at == in_time - planned_at


@given(
    instants, st.timedeltas(timedelta(0), timedelta(days=60)), st.timedeltas(timedelta(0), timedelta(days=60))
)
def test_a_refused_extension_gives_back_exactly_the_time_it_took(
    asked: datetime, left: timedelta, took: timedelta
) -> None:
    due_at = asked + left
    found = times.after_refused_extension(due_at, asked, asked + took)
    assert found == (due_at + took if left else due_at)


@given(instants, st.data())
def test_a_lapse_is_never_moved_to_an_earlier_instant(made: datetime, data: st.DataObject) -> None:
    """Whatever is kept, asked and decided, in any order; and the time that an answer took is given back."""
    found = times.award_times(CALL, made, made)
    due_at, lapses_at, at = found.start_due_at, found.start_lapses_at, made
    while data.draw(st.booleans()):
        at += data.draw(st.timedeltas(timedelta(0), timedelta(days=200)))
        if at >= lapses_at:
            after = times.kept_start(CALL, at)
            took = timedelta(0)
        else:
            asked, took = at, data.draw(st.timedeltas(timedelta(0), timedelta(days=200)))
            at += took
            until = due_at + data.draw(st.timedeltas(timedelta(0), timedelta(days=90)))
            granted = data.draw(st.booleans())
            new_due = until if granted else times.after_refused_extension(due_at, asked, at)
            after = (new_due, times.lapse_after_extension(CALL, new_due, lapses_at, asked, at))
        assert after[0] >= due_at
        assert after[1] >= lapses_at + took
        due_at, lapses_at = after


@given(instants)
def test_every_instant_lies_after_the_one_it_counts_from(at: datetime) -> None:
    found = times.award_times(CALL, at, at)
    assert at < found.accept_due_at < found.acceptance_lapses_at
    assert at < found.start_due_at < found.start_lapses_at
    project = times.project_times(CALL, at)
    assert at < project.ends_at < project.final_report_due_at < project.invoicing_due_at
