"""Time rules: Norwegian working days, both nights when the clocks change, and general properties."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.calendar import (
    OSLO,
    After,
    Calendar,
    Workdays,
    Yearly,
    due,
    is_working_day,
    parse_rule,
)

NORWEGIAN, CONTINUOUS = Calendar.NORWEGIAN, Calendar.CONTINUOUS


def oslo(text):
    return datetime.fromisoformat(text).replace(tzinfo=OSLO)


EXAMPLES = [
    # an ordinary week
    ({"workdays": 1, "at": "15:00"}, "2023-09-04T10:00", "2023-09-05T15:00"),
    ({"workdays": 5, "at": "15:00"}, "2023-09-04T10:00", "2023-09-11T15:00"),
    ({"workdays": 10}, "2023-09-04T10:30", "2023-09-18T10:30"),
    ({"workdays": 0, "at": "15:00"}, "2023-09-04T10:00", "2023-09-04T15:00"),
    ({"workdays": 0, "at": "15:00"}, "2023-09-02T10:00", "2023-09-04T15:00"),
    ({"workdays": -3, "at": "09:00"}, "2023-09-04T10:00", "2023-08-30T09:00"),
    # from a Saturday, Monday is the first working day
    ({"workdays": 1, "at": "15:00"}, "2023-09-02T10:00", "2023-09-04T15:00"),
    # Easter 2023: Maundy Thursday 6, Good Friday 7, Easter Monday 10 April
    ({"workdays": 1, "at": "15:00"}, "2023-04-05T10:00", "2023-04-11T15:00"),
    ({"workdays": -1, "at": "15:00"}, "2023-04-11T10:00", "2023-04-05T15:00"),
    # May 2023: Labour Day Mon 1, Constitution Day Wed 17, Ascension Thu 18, Whit Monday 29
    ({"workdays": 2, "at": "15:00"}, "2023-05-16T10:00", "2023-05-22T15:00"),
    ({"workdays": 1, "at": "15:00"}, "2023-04-28T10:00", "2023-05-02T15:00"),
    # Christmas and New Year
    ({"workdays": 1, "at": "15:00"}, "2023-12-22T10:00", "2023-12-27T15:00"),
    ({"workdays": 4, "at": "15:00"}, "2023-12-27T10:00", "2024-01-03T15:00"),
    # durations
    ({"after": "P3M"}, "2023-11-30T15:00", "2024-02-29T15:00"),
    ({"after": "P1Y"}, "2024-02-29T15:00", "2025-02-28T15:00"),
    ({"after": "-P30D"}, "2023-06-15T15:00", "2023-05-16T15:00"),
    ({"after": "P2W"}, "2023-06-15T15:00", "2023-06-29T15:00"),
    ({"after": "PT20S"}, "2023-06-15T15:00:00", "2023-06-15T15:00:20"),
    ({"after": "P1DT2H"}, "2023-06-15T15:00", "2023-06-16T17:00"),
    # every year
    ({"yearly": "02-01", "at": "15:00"}, "2023-06-15T15:00", "2024-02-01T15:00"),
    ({"yearly": "02-01", "at": "15:00"}, "2023-02-01T14:59:59", "2023-02-01T15:00"),
    ({"yearly": "02-01", "at": "15:00"}, "2023-02-01T15:00", "2024-02-01T15:00"),
    # the night of 26 March 2023: 02:00 becomes 03:00; the local time stays, the day has 23 hours
    ({"after": "P1D"}, "2023-03-25T15:00", "2023-03-26T15:00"),
    ({"after": "PT24H"}, "2023-03-25T15:00", "2023-03-26T16:00"),
    ({"after": "P1D"}, "2023-03-25T02:30", "2023-03-26T03:30"),
    ({"workdays": 1, "at": "15:00"}, "2023-03-24T15:00", "2023-03-27T15:00"),
    # the night of 29 October 2023: 03:00 becomes 02:00; the day has 25 hours
    ({"after": "P1D"}, "2023-10-28T15:00", "2023-10-29T15:00"),
    ({"after": "PT24H"}, "2023-10-28T15:00", "2023-10-29T14:00"),
    ({"after": "P1M"}, "2023-09-29T02:30", "2023-10-29T02:30"),
    ({"instant": "2023-06-01T15:00:00+02:00"}, "1999-01-01T00:00", "2023-06-01T15:00"),
]


@pytest.mark.parametrize(("rule", "base", "expected"), EXAMPLES)
def test_rule_gives_this_local_time(rule, base, expected):
    found = due(parse_rule(rule), oslo(base), NORWEGIAN)
    assert found == oslo(expected).astimezone(UTC)
    assert found.utcoffset() == timedelta(0)


def test_the_length_of_the_days_when_the_clocks_change():
    spring = due(After(days=1), oslo("2023-03-25T15:00"), NORWEGIAN) - oslo("2023-03-25T15:00").astimezone(
        UTC
    )
    autumn = due(After(days=1), oslo("2023-10-28T15:00"), NORWEGIAN) - oslo("2023-10-28T15:00").astimezone(
        UTC
    )
    assert (spring, autumn) == (timedelta(hours=23), timedelta(hours=25))


def test_the_hour_that_comes_twice_keeps_the_side_of_the_base():
    first = datetime(2023, 10, 29, 0, 30, tzinfo=UTC)
    second = datetime(2023, 10, 29, 1, 30, tzinfo=UTC)  # both are half past two in Oslo
    for base in (first, second):
        assert due(After(seconds=60), base, NORWEGIAN) == base + timedelta(minutes=1)
        assert due(After(), base, NORWEGIAN) == base


def test_the_continuous_calendar_counts_every_day_and_minute():
    base = oslo("2023-03-25T15:00")
    assert due(parse_rule({"workdays": 2}), base, CONTINUOUS) == base.astimezone(UTC) + timedelta(hours=48)
    assert due(parse_rule({"workdays": -2}), base, CONTINUOUS) == base.astimezone(UTC) - timedelta(hours=48)
    assert due(parse_rule({"workdays": 1, "at": "12:00"}), base, "continuous") == oslo("2023-03-26T12:00")


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({}, "exactly one"),
        ({"after": "P1D", "workdays": 1}, "exactly one"),
        ({"after": "3 days"}, "after"),
        ({"after": "P"}, "after"),
        ({"after": "PT"}, "after"),
        ({"after": "P1DT"}, "after"),
        ({"after": 5}, "after"),
        ({"after": "P9999Y"}, "after"),
        ({"after": "P1201M"}, "after"),
        ({"after": "P999999D"}, "after"),
        ({"after": "P1D", "at": "15:00"}, "at"),
        ({"workdays": "10"}, "workdays"),
        ({"workdays": True}, "workdays"),
        ({"workdays": 1.5}, "workdays"),
        ({"workdays": 10**9}, "workdays"),
        ({"workdays": 1, "at": "25:00"}, "at"),
        ({"workdays": 1, "at": "15"}, "at"),
        ({"workdays": 1, "at": 15}, "at"),
        ({"yearly": "02-29", "at": "15:00"}, "yearly"),
        ({"yearly": "13-01", "at": "15:00"}, "yearly"),
        ({"yearly": "02-01"}, "at"),
        ({"instant": "2023-06-01T15:00:00"}, "instant"),
        ({"instant": "soon"}, "instant"),
        ({"instant": None}, "instant"),
        ({"workdays": 1, "on": "Monday"}, "on"),
        ("P3M", "time rule"),
        (None, "time rule"),
    ],
)
def test_a_wrong_rule_names_the_field(rule, field):
    with pytest.raises(ValueError, match=field):
        parse_rule(rule)


def test_a_base_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        due(After(days=1), datetime(2023, 1, 1), NORWEGIAN)  # noqa: DTZ001 - the mistake under test


instants = st.datetimes(datetime(2015, 1, 1), datetime(2040, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(instants, st.integers(-60, 60), times)
def test_a_due_in_working_days_is_a_working_day_with_as_many_between(base, days, at):
    found = due(Workdays(days, at), base, NORWEGIAN).astimezone(OSLO).date()
    start = base.astimezone(OSLO).date()
    assert is_working_day(found)
    low, high = min(start, found), max(start, found)
    passed = [low + timedelta(days=n) for n in range((high - low).days + 1)]
    between = [day for day in passed if is_working_day(day) and day != start]
    assert len(between) == (abs(days) if days else int(found != start))


@given(instants, instants, st.integers(-40, 40), times)
def test_a_later_base_is_never_due_earlier(one, other, days, at):
    earlier, later = sorted((one, other))
    for rule in (Workdays(days, at), After(days=days), After(months=days), Yearly(2, 1, at)):
        # Two bases inside the same repeated or missing hour may swap by that hour, never by more.
        assert due(rule, earlier, NORWEGIAN) <= due(rule, later, NORWEGIAN) + timedelta(hours=1)


@given(instants, times, st.sampled_from([(1, 1), (2, 1), (3, 26), (10, 29), (12, 31)]))
def test_a_yearly_due_is_the_first_such_day_after_the_base(base, at, day):
    rule = Yearly(*day, at)
    found = due(rule, base, NORWEGIAN)
    assert base < found <= base + timedelta(days=366, hours=2)
    assert (found.astimezone(OSLO).month, found.astimezone(OSLO).day) == day


@given(instants, st.integers(0, 10**7))
def test_seconds_are_exact_whatever_the_clocks_do(base, seconds):
    assert due(After(seconds=seconds), base, NORWEGIAN) - base == timedelta(seconds=seconds)
    assert due(After(seconds=-seconds), base, NORWEGIAN) - base == timedelta(seconds=-seconds)


@given(instants, st.integers(0, 400))
def test_days_keep_the_local_time_and_months_the_local_day(base, count):
    local = base.astimezone(OSLO)
    moved = due(After(days=count), base, NORWEGIAN).astimezone(OSLO)
    assert moved.date() == local.date() + timedelta(days=count)
    shifted = due(After(months=count), base, NORWEGIAN).astimezone(OSLO)
    assert shifted.year * 12 + shifted.month == local.year * 12 + local.month + count
    assert shifted.day <= local.day
    if local.time() < time(2) or local.time() >= time(
        3
    ):  # outside the hour that may be missing or come twice
        assert moved.time() == local.time()
        assert shifted.time() == local.time()


def test_public_holidays_of_a_year():
    names = [day for day in (date(2024, 1, 1) + timedelta(days=n) for n in range(366)) if day.weekday() < 5]
    closed = [day for day in names if not is_working_day(day)]
    assert closed == [
        date(2024, 1, 1),
        date(2024, 3, 28),
        date(2024, 3, 29),
        date(2024, 4, 1),
        date(2024, 5, 1),
        date(2024, 5, 9),
        date(2024, 5, 17),
        date(2024, 5, 20),
        date(2024, 12, 25),
        date(2024, 12, 26),
    ]
