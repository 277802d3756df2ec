"""One fact of every type, filled by its field types, so that a new field or fact is sampled by itself."""

import dataclasses
import types
import typing
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import services.funding.events as funding
import services.intake.events as intake
import services.notify.events as notify
import services.review.events as review
import workflows.events as workflow_events
from services.common.record import Fact
from services.notify.domain import CaseFile, Contact

PERSON = UUID("11111111-1111-4111-8111-111111111111")
CASE = UUID("22222222-2222-4222-8222-222222222222")


def fact_classes() -> Iterator[type[Fact]]:
    """Every concrete fact that the services publish."""
    for module in (intake, review, funding, notify, workflow_events):
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, Fact) and "TYPE" in vars(each):
                yield each


def data_of(fact: type[Fact], **given: Any) -> dict[str, Any]:
    """The JSON data of a fact of this type; `given` replaces fields."""
    hints = get_type_hints(fact)
    fields = {each.name: _value(hints[each.name], each.name) for each in dataclasses.fields(fact)}
    return fact(**fields).to_data() | given


def _value(hint: Any, name: str) -> Any:
    if get_origin(hint) in (types.UnionType, typing.Union):
        hint = next(each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is list:
        return [_value(get_args(hint)[0], name)]
    if get_origin(hint) is dict:
        return {}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return hint(**{each.name: _value(hints[each.name], each.name) for each in dataclasses.fields(hint)})
    known = {
        UUID: CASE if name == "application_id" else PERSON,
        datetime: datetime(2024, 2, 1, 14, 0, tzinfo=UTC),
        date: date(2024, 2, 1),
        int: 750000,
        float: 4.5,
        bool: True,
    }
    if hint in known:
        return known[hint]
    return {"organisation": "HP", "kind": "consult", "reason": "infected", "outcome": "adjust"}.get(
        name, "x1"
    )


def case(**given: Any) -> CaseFile:
    fields: dict[str, Any] = {
        "application_id": CASE,
        "call_id": "call-1",
        "holder_id": PERSON,
        "editor_ids": (),
        "organisation": "HNT",
        "title": "Varsling av delir",
        "case_number": "2023-0042",
    }
    return CaseFile(**fields | given)


def contact(**given: Any) -> Contact:
    fields: dict[str, Any] = {
        "person_id": PERSON,
        "name": "Søker A01",
        "email": "soker@stolav.test",
        "language": "nb",
        "invitation_token": "tok-1",
    }
    return Contact(**fields | given)
