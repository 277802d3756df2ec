"""When each stage of a case should be over, by the real call."""

from datetime import UTC, datetime, timedelta

import pytest

from services.intake.domain.expected import STEPS, TASKS, Due, by_rules, by_tasks
from services.intake.domain.status import STAGES
from tests.unit.intake.samples import CALL

MONDAY = datetime(2023, 11, 6, 9, 0, tzinfo=UTC)
STRAGGLER = datetime(2023, 11, 8, 14, 0, tzinfo=UTC)
BY_THE_RUN = {"decided", "reserve", "rejected", "withdrawn", "project"}
"""Stages whose instant the workflow knows, since they wait for nobody."""
NOTHING = {"draft", "received", "returned", "not_recommended", "expired", "closed"}


def test_every_stage_has_a_date_or_waits_for_nobody() -> None:
    assert {*TASKS, *STEPS, *BY_THE_RUN, *NOTHING} == set(STAGES)
    assert not set(TASKS) & set(STEPS)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_over_when_its_tasks_are_due(stage: str) -> None:
    open_ = [Due(kind, MONDAY + timedelta(days=n)) for n, kind in enumerate(TASKS.get(stage, ()))]
    other = Due("handle_late_fact", MONDAY)
    assert by_tasks(stage, [*reversed(open_), other]) == (open_[0].due_at if open_ else None)


def test_consultations_are_over_with_the_last_of_them() -> None:
    open_ = [Due("consult", MONDAY), Due("consult", STRAGGLER)]
    assert by_tasks("consultation", open_) == STRAGGLER


WORKDAYS: list[tuple[str, datetime | None]] = [
    ("round", datetime(2023, 11, 13, 14, 0, tzinfo=UTC)),  # 3 from the straggler instant
    ("assessment", datetime(2023, 12, 14, 9, 0, tzinfo=UTC)),  # 15 + 10 + 3
    ("reassessment", datetime(2023, 12, 22, 9, 0, tzinfo=UTC)),  # 3 + 3 more
    ("decision", datetime(2023, 11, 20, 9, 0, tzinfo=UTC)),  # 5 + 5
]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_of_many_cases_is_over_when_the_call_says(stage: str) -> None:
    assert by_rules(CALL, stage, MONDAY, STRAGGLER) == dict(WORKDAYS).get(stage)


def test_a_round_that_is_entered_late_takes_its_time_from_then() -> None:
    expected = by_rules(CALL, "round", STRAGGLER + timedelta(days=7), STRAGGLER)
    assert expected == datetime(2023, 11, 20, 14, 0, tzinfo=UTC)
