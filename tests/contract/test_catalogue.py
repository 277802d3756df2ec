"""The event catalogue says what is published, completely, and can be followed from end to end."""

import json
from collections.abc import Iterator
from typing import Any

from deploy import catalogue
from tests.contract import published


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_document_is_that_of_the_code() -> None:
    """After a change that is meant: `python -m deploy.catalogue`."""
    assert catalogue.FILE.read_text(encoding="utf-8") == catalogue.text()


def test_every_fact_is_in_it_with_the_fields_that_travel() -> None:
    messages = json.loads(catalogue.text())["components"]["messages"]
    facts = published.facts()
    assert set(messages) == set(facts)
    for type_, fields in facts.items():
        payload = messages[type_]["payload"]
        if payload.get("type") != "null":  # a tombstone has none
            assert set(payload["properties"]) == set(fields), type_
        assert messages[type_]["summary"], f"{type_} does not say when it is true"


def test_every_reference_leads_somewhere() -> None:
    document = json.loads(catalogue.text())
    found = set(references(document))
    assert len(found) > 100
    for reference in found:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_fact_is_sent_and_the_topics_say_by_whom() -> None:
    operations = json.loads(catalogue.text())["operations"]
    sent = {each["channel"]["$ref"] for each in operations.values() if each["action"] == "send"}
    received = {each["channel"]["$ref"] for each in operations.values() if each["action"] == "receive"}
    assert received <= sent
    assert "#/channels/intake.contacts" in received
