"""What the table of facts promises to workflows is what the services publish, and nothing else travels."""

import importlib
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import pytest

from services.common.record import Fact as Event
from services.intake.events import CallDefinition
from tests.workflow.events import CANARY, Applicant
from workflows.contracts import facts
from workflows.contracts.facts import ROUTES, addressed, carried

MODULES = (
    "services.intake.events",
    "services.review.events",
    "services.funding.events",
    "services.notify.events",
)


def events() -> dict[str, type[Event]]:
    """Every event type that the services publish."""
    found = [vars(importlib.import_module(name)).values() for name in MODULES]
    classes = [
        each for values in found for each in values if isinstance(each, type) and issubclass(each, Event)
    ]
    return {each.TYPE: each for each in classes if "TYPE" in vars(each)}


def short(type_: str) -> str:
    return type_.split(".", 2)[2]


@pytest.mark.parametrize("type_", ROUTES, ids=short)
def test_every_fact_is_an_event_with_the_fields_that_travel(type_: str) -> None:
    event = events()[type_]
    own = {each.name for each in fields(event)}
    assert set(ROUTES[type_].carries) <= own
    for path in ROUTES[type_].within.values():
        assert path.split(".")[0] in own


@pytest.mark.parametrize("type_", ROUTES, ids=short)
def test_every_fact_can_be_addressed_by_its_event(type_: str) -> None:
    needed = {
        "application": {"application_id"},
        "grant": {"application_id"},
        "call": {"call_id"},
        "task": {"task_id"},
        "application_or_call": {"application_id", "call_id"},
    }
    own = {each.name for each in fields(events()[type_])}
    assert needed[ROUTES[type_].to] <= own


def test_names_of_the_constants_are_those_of_the_types() -> None:
    constants = {
        name: value for name, value in vars(facts).items() if isinstance(value, str) and value in ROUTES
    }
    assert set(constants.values()) == set(ROUTES)
    for name, value in constants.items():
        assert value.split(".")[3] == name.lower().replace("_", "-")


def test_each_kind_of_run_is_started_by_one_type() -> None:
    starting = {short(type_): route.to for type_, route in ROUTES.items() if route.starts}
    assert starting == {
        "intake.call-published.v1": "call",
        "intake.application-submitted.v1": "application",
        "funding.award-made.v1": "grant",
        "review.task-opened.v1": "task",
    }


TEXTS = {"title", "statement", "name", "email", "reason", "text", "summary", "definition"}
MEASURES = {"amount", "total_budget", "averages", "rank", "score", "spent"}


@pytest.mark.parametrize("type_", ROUTES, ids=short)
def test_no_text_score_or_amount_travels(type_: str) -> None:
    route = ROUTES[type_]
    assert not (TEXTS | MEASURES) & (set(route.carries) | set(route.within))
    hints = get_type_hints(events()[type_])
    for name in route.carries:
        assert _may_travel(hints[name]), f"{name}: {hints[name]}"


def _may_travel(hint: Any) -> bool:
    """Ids, codes, numbers that count, yes or no, instants; and lists of them."""
    if is_dataclass(hint):
        return all(_may_travel(each) for each in get_type_hints(hint).values())
    if get_origin(hint) in (list, Union, UnionType):
        return all(_may_travel(each) for each in get_args(hint) if each is not type(None))
    return hint in (UUID, str, int, bool, datetime, date)


def test_panels_are_found_where_the_call_definition_has_them() -> None:
    panels = CallDefinition.model_fields["panels"].annotation
    (panel, _) = get_args(panels)
    assert "code" in panel.model_fields
    data = {"definition": {"panels": [{"code": "product", "pot": 1}, {"code": "service_transfer", "pot": 2}]}}
    instants = dict.fromkeys(("call_id", "closes_at", "draft_warnings", "straggler_at"), "")
    assert carried(facts.CALL_PUBLISHED, data | instants)["panels"] == ["product", "service_transfer"]


def test_what_travels_of_a_submission_is_exactly_what_is_named() -> None:
    case = Applicant()
    told = carried(facts.APPLICATION_SUBMITTED, case.submitted(touches=("HP",)).to_data())
    assert told == {
        "application_id": str(case.id),
        "call_id": "innovation-2023",
        "version": 1,
        "organisation": "STOLAV",
        "panel": "service_transfer",
        "touches": ["HP"],
    }
    assert CANARY not in str(told)


def test_round_facts_go_to_the_case_they_are_about_or_else_to_the_call() -> None:
    case = uuid4()
    of_case = {"application_id": str(case), "call_id": "c"}
    of_call = {"application_id": None, "call_id": "c"}
    assert addressed(facts.MEETING_HELD, of_case) == ("application", f"application:{case}")
    assert addressed(facts.MEETING_HELD, of_call) == ("call", "call:c")


def test_instants_of_a_fact_are_read_with_their_zone() -> None:
    fact = facts.Fact("e", facts.APPLICATION_WITHDRAWN, None, {"undo_until": "2023-10-25T13:00:00Z"})
    assert fact.instant("undo_until") == datetime(2023, 10, 25, 13, tzinfo=UTC)
