"""Where a case stands for its applicant: the stages, who acts next, and how long who was waited for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

STAGES = (
    "draft",
    "received",
    "formal_check",
    "prescreening",
    "returned",
    "consultation",
    "round",
    "assessment",
    "decision",
    "decided",
    "reserve",
    "acceptance",
    "plan",
    "start",
    "project",
    "report",
    "complaint",
    "reassessment",
    "rejected",
    "not_recommended",
    "withdrawn",
    "expired",
    "closed",
)
"""Every stage there is. Between a submission and its first stage the status says `submitted`: received and
stored, not
yet taken up."""

AWAITING_FIRST_STAGE = "submitted"

OUTCOMES = (
    "awarded",
    "lapsed",
    "not_accepted",
    "declined_threshold",
    "declined_ranking",
    "reserve",
    "referred",
    "rejected",
    "not_recommended",
    "withdrawn",
    "expired",
)

_OWNER = re.compile(r"holder|nobody|rhf|committee|hf:[A-Z]+|[A-Z]+")


def is_owner(owner: str) -> bool:
    """Whether this names someone who can be waited for: holder, hf:<org>, an organisation, rhf, committee,
    nobody."""
    return _OWNER.fullmatch(owner) is not None


@dataclass(frozen=True)
class Held:
    """From this instant on `owner` had the case."""

    at: datetime
    owner: str


@dataclass(frozen=True)
class Question:
    """A question to the holder; while it is open the holder is waited for, whoever has the case."""

    asked_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True)
class Waited:
    """`them`: the holder. `us`: everyone who handles the case (trust, consulted bodies, committee,
    funder)."""

    us: timedelta
    them: timedelta


def waited(held: Sequence[Held], questions: Sequence[Question], until: datetime) -> Waited:
    """How long each side was waited for, from the first entry of `held` until `until`.

    Time with owner `nobody` counts for neither side, open questions or not: then nothing is waited for.
    """
    us = them = timedelta()
    in_order = sorted(held, key=lambda entry: entry.at)
    for n, entry in enumerate(in_order, 1):
        end = min(in_order[n].at, until) if n < len(in_order) else until
        if end <= entry.at or entry.owner == "nobody":
            continue
        if entry.owner == "holder":
            them += end - entry.at
            continue
        asked = _overlap(questions, entry.at, end)
        them += asked
        us += (end - entry.at) - asked
    return Waited(us, them)


def _overlap(questions: Sequence[Question], start: datetime, end: datetime) -> timedelta:
    """How much of start..end lies in at least one open question."""
    covered, reached = timedelta(), start
    for question in sorted(questions, key=lambda each: each.asked_at):
        begins = max(question.asked_at, reached)
        ends = min(question.answered_at or end, end)
        if ends > begins:
            covered += ends - begins
            reached = ends
    return covered
