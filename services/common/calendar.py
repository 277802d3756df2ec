"""When something is due: time rules are data, the calendar is Norwegian, the result is an instant in UTC.

A rule is one of
- `{after: P3M}`: an ISO 8601 duration; years, months, weeks and days keep the local clock time (in
  Norway), hours, minutes and seconds are exact; `-P30D` counts backwards;
- `{workdays: 10, at: "15:00"}`: the tenth working day after the day of the base (before it, if negative), at
  this local time, or the base's own if `at` is left out; 0 is that day itself or the first working day after;
- `{yearly: "02-01", at: "15:00"}`: the next such day strictly after the base;
- `{instant: "2023-06-01T15:00:00+02:00"}`: this very instant.
"""

import calendar as months
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import holidays

OSLO = ZoneInfo("Europe/Oslo")

_DURATION = re.compile(
    r"(?P<sign>-)?P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


class Calendar(StrEnum):
    """`continuous` knows no holidays, and a working day in it is 24 hours: for demos."""

    NORWEGIAN = "norwegian"
    CONTINUOUS = "continuous"


@dataclass(frozen=True)
class After:
    """A duration from the base; all parts carry the same sign."""

    months: int = 0
    days: int = 0
    seconds: int = 0


@dataclass(frozen=True)
class Workdays:
    """A number of working days from the base, at a local time (None: the base's own)."""

    days: int
    at: time | None = None


@dataclass(frozen=True)
class Yearly:
    """A day of every year at a local time."""

    month: int
    day: int
    at: time


@dataclass(frozen=True)
class Instant:
    """A fixed instant, whatever the base."""

    instant: datetime


TimeRule: TypeAlias = After | Workdays | Yearly | Instant


def due(rule: TimeRule, base: datetime, calendar: Calendar | str) -> datetime:
    """The instant (UTC) that the rule gives for this base. ValueError for a base without a time zone."""
    if base.tzinfo is None:
        raise ValueError("base has no time zone")
    calendar = Calendar(calendar)
    base = base.astimezone(UTC)  # adding to a local time would move the hands of the clock
    local = base.astimezone(OSLO)
    match rule:
        case After():
            day = _add_months(local.date(), rule.months) + timedelta(days=rule.days)
            moved = base if day == local.date() else _instant(day, local.timetz())
            return moved + timedelta(seconds=rule.seconds)
        case Workdays() if calendar is Calendar.CONTINUOUS:
            moved = base + timedelta(hours=24 * rule.days)
            return _instant(moved.astimezone(OSLO).date(), rule.at) if rule.at else moved
        case Workdays():
            return _instant(_add_workdays(local.date(), rule.days), rule.at or local.timetz())
        case Yearly():
            this_year = _instant(date(local.year, rule.month, rule.day), rule.at)
            return (
                this_year
                if this_year > base
                else _instant(date(local.year + 1, rule.month, rule.day), rule.at)
            )
        case Instant():
            return rule.instant.astimezone(UTC)


def parse_rule(data: object) -> TimeRule:
    """The rule in this JSON. ValueError names the field and what would be right."""
    if not isinstance(data, Mapping):
        raise ValueError("a time rule must be an object such as {workdays: 10, at: '15:00'}")
    kinds = [kind for kind in ("after", "workdays", "yearly", "instant") if kind in data]
    if len(kinds) != 1:
        raise ValueError("a time rule must have exactly one of after, workdays, yearly, instant")
    kind = kinds[0]
    allowed = {kind, "at"} if kind in ("workdays", "yearly") else {kind}
    unknown = sorted(str(name) for name in data.keys() - allowed)
    if unknown:
        raise ValueError(f"{unknown[0]}: not known in a rule with {kind}")
    return _PARSERS[kind](data)


def is_working_day(day: date) -> bool:
    """Monday to Friday and no Norwegian public holiday."""
    return day.weekday() < 5 and day not in _holidays(day.year)


def _parse_after(data: Mapping[Any, Any]) -> After:
    found = _DURATION.fullmatch(data["after"]) if isinstance(data["after"], str) else None
    if found is None:
        raise ValueError("after: must be an ISO 8601 duration such as P3M, -P30D or PT20S")
    part = {name: int(text or 0) for name, text in found.groupdict().items() if name != "sign"}
    if any(len(text or "") > 5 for text in found.groups()) or part["years"] + part["months"] / 12 > 100:
        raise ValueError("after: must be at most a hundred years, each part of at most five digits")
    sign = -1 if found["sign"] else 1
    return After(
        months=sign * (12 * part["years"] + part["months"]),
        days=sign * (7 * part["weeks"] + part["days"]),
        seconds=sign * (3600 * part["hours"] + 60 * part["minutes"] + part["seconds"]),
    )


def _parse_workdays(data: Mapping[Any, Any]) -> Workdays:
    days = data["workdays"]
    if not isinstance(days, int) or isinstance(days, bool) or abs(days) > 2000:
        raise ValueError("workdays: must be a whole number between -2000 and 2000")
    return Workdays(days, _parse_at(data["at"]) if "at" in data else None)


def _parse_yearly(data: Mapping[Any, Any]) -> Yearly:
    try:
        # In a year that is not a leap year: a rule must give a day every year.
        day = date.fromisoformat(f"2023-{data['yearly']}")
    except ValueError:
        raise ValueError("yearly: must be a day of every year, as MM-DD") from None
    if "at" not in data:
        raise ValueError("at: a yearly rule needs a local time such as '15:00'")
    return Yearly(day.month, day.day, _parse_at(data["at"]))


def _parse_instant(data: Mapping[Any, Any]) -> Instant:
    value = data["instant"]
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("instant: must be an RFC 3339 instant such as 2023-06-01T15:00:00+02:00") from None
    if instant.tzinfo is None:
        raise ValueError("instant: needs an offset such as +02:00")
    return Instant(instant)


def _parse_at(value: object) -> time:
    if isinstance(value, str) and re.fullmatch(r"\d\d:\d\d(:\d\d)?", value):
        try:
            return time.fromisoformat(value)
        except ValueError:
            pass  # answered below, with the remedy
    raise ValueError("at: must be a local time such as '15:00'")


_PARSERS: Mapping[str, Callable[[Mapping[Any, Any]], TimeRule]] = {
    "after": _parse_after,
    "workdays": _parse_workdays,
    "yearly": _parse_yearly,
    "instant": _parse_instant,
}


def _instant(day: date, at: time) -> datetime:
    """This local time in Oslo as an instant; one inside the spring gap moves on by the missing hour."""
    return datetime.combine(day, at.replace(tzinfo=None), tzinfo=OSLO).replace(fold=at.fold).astimezone(UTC)


def _add_months(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def _add_workdays(day: date, count: int) -> date:
    step = timedelta(days=-1 if count < 0 else 1)
    if count == 0:
        while not is_working_day(day):
            day += step
        return day
    left = abs(count)
    while left:
        day += step
        left -= is_working_day(day)
    return day


@cache
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("NO", years=year))
