"""The call as data: the real one with every rule, and the demo's, which differs only where it may."""

from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo.calls import allowed, demo_call, differences, merge, real_call
from services.intake.domain.instants import call_instants, in_words, internal_deadline, undo_until
from services.intake.events import CallDefinition
from workflows.contracts.tasks import KINDS

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_the_real_call_is_that_of_2023() -> None:
    call = real_call()
    assert call.deadline == datetime(2023, 10, 25, 13, 0, tzinfo=UTC)
    assert sum(panel.pot for panel in call.panels) == 16_000_000
    assert {category.code: category.max_amount for category in call.categories} == {
        "product": 750_000,
        "service": 750_000,
        "transfer": 250_000,
    }
    assert {rule.id: rule.enforcement for rule in call.formal_rules} == {
        "X06": "finding",
        "X07": "refuse",
        "X08": "finding",
        "X09": "finding",
        "X10": "finding",
    }
    assert set(call.priority_areas) == {f"P{n:02d}" for n in range(1, 14)}
    assert len(call.patient_groups) == 4


def test_every_kind_of_task_has_its_rule() -> None:
    assert set(real_call().tasks) == set(KINDS)


def test_no_form_limits_the_amount_or_asks_for_files() -> None:
    for category in real_call().categories:
        assert not {"amount", "applied_amount", "attachments"} & set(category.form["properties"])


def test_instants_follow_the_norwegian_calendar() -> None:
    call = real_call()
    instants = call_instants(call, call.deadline)
    assert instants.closes_at - call.deadline == timedelta(minutes=5)
    # Ten working days later it is winter time: the same clock time is another instant.
    assert instants.straggler_at == datetime(2023, 11, 8, 14, 0, tzinfo=UTC)
    assert internal_deadline(call, "STOLAV", call.deadline) == datetime(2023, 10, 11, 13, 0, tzinfo=UTC)
    assert internal_deadline(call, "HMR", call.deadline) == datetime(2023, 10, 18, 13, 0, tzinfo=UTC)
    assert internal_deadline(call, "HNT", call.deadline) is None
    assert undo_until(call, call.deadline) == datetime(2023, 11, 1, 14, 0, tzinfo=UTC)


def test_the_deadline_in_words() -> None:
    deadline = real_call().deadline
    assert in_words(deadline, "nb") == "onsdag 25. oktober 2023 kl. 15:00"
    assert in_words(deadline, "nn") == "onsdag 25. oktober 2023 kl. 15:00"
    assert in_words(deadline, "en") == "Wednesday 25 October 2023 at 15:00"


def test_the_demo_differs_only_where_it_may() -> None:
    real, demo = real_call().model_dump(mode="json"), demo_call(NOW, "x1").model_dump(mode="json")
    paths = list(differences(real, demo))
    assert [path for path in paths if not allowed(path)] == []
    assert {"id", "deadline", "calendar", "panels.product.pot", "tasks.prescreen.due.after"} <= set(paths)


def test_a_forbidden_difference_is_seen() -> None:
    real = real_call().model_dump(mode="json")
    for change in (
        {"scale": {"threshold": 3.0}},
        {"categories": [{"code": "product", "max_amount": 1}]},
        {"panels": [{"code": "product", "quorum": 1}]},
        {"times": {"start_base": "decision"}},
        {"tasks": {"prescreen": {"may_pause": False}}},
    ):
        assert any(not allowed(path) for path in differences(real, merge(real, change)))


def test_a_question_may_not_stop_the_clock_of_what_funding_waits_for() -> None:
    real = real_call().model_dump(mode="json")
    for kind in ("accept_award", "confirm_start", "yearly_report", "final_report", "register_invoices"):
        with pytest.raises(ValueError, match=rf"tasks\n.*{kind}\.may_pause: must be false"):
            CallDefinition.model_validate(merge(real, {"tasks": {kind: {"may_pause": True}}}))


def test_the_demo_runs_on_the_clock_of_its_publication() -> None:
    call = demo_call(NOW, "x1")
    assert call.id == "innovation-2023-demo-x1"
    assert call.opens_at < NOW < call.deadline == NOW + timedelta(seconds=35)
    assert sum(panel.pot for panel in call.panels) == 5_000_000
    instants = call_instants(call, call.deadline)
    assert instants.closes_at == NOW + timedelta(seconds=38)
    assert internal_deadline(call, "STOLAV", call.deadline) == NOW + timedelta(seconds=20)
    assert internal_deadline(call, "HMR", call.deadline) == NOW + timedelta(seconds=28)


def test_on_a_slow_machine_the_demo_differs_in_its_last_instants_alone() -> None:
    usual, patient = (demo_call(NOW, "x1", each).model_dump(mode="json") for each in (0, 30))
    assert list(differences(usual, patient)) == [
        "deadline",
        "times.acceptance_lapse.after",
        "times.reserve_validity.after",
        "times.start_lapse.after",
    ]
    assert patient["times"]["start_lapse"] == {"after": "PT36S"}
    assert demo_call(NOW, "x1", 30).deadline == NOW + timedelta(seconds=65)


def test_an_overlay_cannot_name_what_the_call_does_not_have() -> None:
    with pytest.raises(ValueError, match="jury"):
        merge({"panels": [{"code": "product"}]}, {"panels": [{"code": "jury"}]})
