"""Every instant of a grant, computed once from the call's time rules. All instants are UTC."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.common.calendar import due, parse_rule
from services.intake.events import CallDefinition


@dataclass(frozen=True)
class AwardTimes:
    accept_due_at: datetime
    acceptance_lapses_at: datetime
    start_due_at: datetime
    start_lapses_at: datetime


@dataclass(frozen=True)
class ProjectTimes:
    first_report_ask_at: datetime
    ends_at: datetime
    final_report_due_at: datetime
    invoicing_due_at: datetime


def instant(call: CallDefinition, rule: str, base: datetime) -> datetime:
    """The call's rule of this name (a field of its `times`) counted from the base."""
    return due(parse_rule(getattr(call.times, rule)), base, call.calendar)


def start_base(
    call: CallDefinition, *, decided_at: datetime, sent_at: datetime, published_at: datetime | None
) -> datetime:
    """X18: the event from which the start window runs.

    The letter goes out before the round is published. So where the call says `publication`, an award of the
    round itself counts from its letter, which precedes the publication by moments, and an award made later
    counts from its letter too: nobody's window begins before they know of the award.
    """
    if call.times.start_base == "decision":
        return decided_at
    return max(sent_at, published_at) if published_at and call.times.start_base == "publication" else sent_at


def award_times(call: CallDefinition, sent_at: datetime, base: datetime) -> AwardTimes:
    """Acceptance counts from the letter, the start from the base event."""
    accept_due_at = instant(call, "accept_award", sent_at)
    start_due_at = instant(call, "start_window", base)
    return AwardTimes(
        accept_due_at=accept_due_at,
        acceptance_lapses_at=instant(call, "acceptance_lapse", accept_due_at),
        start_due_at=start_due_at,
        start_lapses_at=instant(call, "start_lapse", start_due_at),
    )


def project_times(call: CallDefinition, started_at: datetime) -> ProjectTimes:
    """What follows from the confirmed start."""
    ends_at = instant(call, "project_length", started_at)
    return ProjectTimes(
        first_report_ask_at=instant(call, "first_report_ask", started_at),
        ends_at=ends_at,
        final_report_due_at=instant(call, "final_report_due", ends_at),
        invoicing_due_at=instant(call, "invoicing", ends_at),
    )


def due_when_asked(call: CallDefinition, rule: str, planned_at: datetime, asked_at: datetime) -> datetime:
    """When a report is due: by its rule from when it was to be asked for. Asked for later than that, because
    another one was late, it has as much time as it would have had, and not until the rule's next year."""
    return instant(call, rule, planned_at) + max(asked_at - planned_at, timedelta(0))


def kept_acceptance(call: CallDefinition, at: datetime) -> tuple[datetime, datetime]:
    """When the answer to a kept award is due, and when the award lapses without it."""
    due_at = instant(call, "accept_award", at)
    return due_at, instant(call, "acceptance_lapse", due_at)


def kept_start(call: CallDefinition, at: datetime) -> tuple[datetime, datetime]:
    """When the start of a kept award is due, and when the award lapses without it: the call's time between
    the two is given once more."""
    due_at = instant(call, "start_lapse", at)
    return due_at, instant(call, "start_lapse", due_at)


def after_refused_extension(due_at: datetime, asked_at: datetime, decided_at: datetime) -> datetime:
    """The clock stood still while the answer was owed, so a refusal gives that time back."""
    return due_at + (decided_at - asked_at) if asked_at < due_at else due_at


def lapse_after_extension(
    call: CallDefinition, due_at: datetime, lapses_at: datetime, asked_at: datetime, decided_at: datetime
) -> datetime:
    """When the start lapses by its new due instant: never earlier than it did, for an adviser may have kept
    the award, and the clock stood still while the answer was owed."""
    return max(instant(call, "start_lapse", due_at), lapses_at, lapses_at + (decided_at - asked_at))
