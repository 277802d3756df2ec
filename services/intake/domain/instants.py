"""The instants of a call, computed once from its time rules."""

from dataclasses import dataclass
from datetime import datetime

from services.common.calendar import OSLO, due, parse_rule
from services.intake.events.call_definition import CallDefinition


@dataclass(frozen=True)
class CallInstants:
    """All in UTC. `closes_at` lies a grace after the deadline: by then every request that came in time is
    done."""

    deadline: datetime
    closes_at: datetime
    draft_warnings: list[datetime]
    straggler_at: datetime


def call_instants(call: CallDefinition, deadline: datetime) -> CallInstants:
    """The instants that follow from this deadline (the call's own, or a moved one)."""
    times, calendar = call.times, call.calendar
    return CallInstants(
        deadline=deadline,
        closes_at=due(parse_rule(times.closing_grace), deadline, calendar),
        draft_warnings=[due(parse_rule(rule), deadline, calendar) for rule in times.draft_warnings],
        straggler_at=due(parse_rule(times.straggler), deadline, calendar),
    )


def internal_deadline(call: CallDefinition, organisation: str, deadline: datetime) -> datetime | None:
    """X13: the trust's own deadline before the common one; None where it has none."""
    rule = call.organisation(organisation).internal_deadline
    return due(parse_rule(rule), deadline, call.calendar) if rule else None


def undo_until(call: CallDefinition, done_at: datetime) -> datetime:
    """Until when a withdrawal can be undone."""
    return due(parse_rule(call.times.undo_window), done_at, call.calendar)


def complaint_until(call: CallDefinition, rejected_at: datetime) -> datetime:
    """Until when the trust can complain about a rejection, and an adviser undo it."""
    return due(parse_rule(call.times.complaint_window), rejected_at, call.calendar)


def in_words(instant: datetime, language: str) -> str:
    """`onsdag 25. oktober 2023 kl. 15:00`, in local time and the reader's language."""
    local = instant.astimezone(OSLO)
    day, month = _DAYS[language][local.weekday()], _MONTHS[language][local.month - 1]
    if language == "en":
        return f"{day} {local.day} {month} {local.year} at {local:%H:%M}"
    return f"{day} {local.day}. {month} {local.year} kl. {local:%H:%M}"


_DAYS = {
    "nb": ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"),
    "nn": ("måndag", "tysdag", "onsdag", "torsdag", "fredag", "laurdag", "sundag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_NORWEGIAN_MONTHS = (
    "januar",
    "februar",
    "mars",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "desember",
)
_MONTHS = {
    "nb": _NORWEGIAN_MONTHS,
    "nn": _NORWEGIAN_MONTHS,
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
