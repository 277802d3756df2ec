"""The event catalogue as AsyncAPI: `python -m deploy.catalogue` writes `docs/events.asyncapi.json`.

Made from the dataclasses of every `events.py`; a test holds the file against them.
"""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.stack.settings import ROOT, SERVICES
from services.common.record import PERSONAL_TOPICS, Fact
from workflows.contracts.facts import ROUTES

FILE: Path = ROOT / "docs" / "events.asyncapi.json"

_HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0, binary mode",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {
            "type": "string",
            "format": "uuid",
            "description": "one event keeps it however often it is sent",
        },
        "ce_source": {"type": "string"},
        "ce_type": {"type": "string"},
        "ce_subject": {
            "type": "string",
            "description": "the application, else the call: also the message's key",
        },
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_partitionkey": {"type": "string"},
        "ce_sequence": {"type": "string", "description": "grows with each event of the publisher; has gaps"},
        "ce_callid": {"type": "string", "description": "the request that began it all"},
        "ce_causationid": {"type": "string", "description": "the event or run that caused this one"},
        "traceparent": {"type": "string", "description": "of the command that caused it"},
        "content-type": {"const": "application/json"},
    },
}


def facts() -> Iterator[type[Fact]]:
    """Every fact that anyone publishes, by type."""
    modules = (*(f"services.{each}.events" for each in SERVICES), "workflows.events")
    found = {
        each.TYPE: each
        for name in modules
        for each in vars(importlib.import_module(name)).values()
        if isinstance(each, type) and issubclass(each, Fact) and "TYPE" in vars(each)
    }
    for type_ in sorted(found):
        yield found[type_]


def document() -> dict[str, Any]:
    """AsyncAPI 3.0: a channel per topic, a message per fact, who sends and who takes them in."""
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {"headers": _HEADERS}
    channels: dict[str, Any] = {}
    for fact in facts():
        messages[fact.TYPE] = _message(fact, schemas)
        channel = channels.setdefault(fact.TOPIC, {"address": fact.TOPIC, "messages": {}})
        channel["messages"][fact.TYPE] = {"$ref": f"#/components/messages/{fact.TYPE}"}
    for topic in PERSONAL_TOPICS & channels.keys():
        channels[topic]["description"] = (
            "Names and addresses; compacted, keyed by person. Rows are blanked once sent."
        )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Innoflyt: the facts that services publish",
            "version": "1",
            "description": "Additions keep a type; what breaks is a new type (`.v2`) beside the old one.",
        },
        "channels": channels,
        "operations": dict(sorted([*_sent(channels), *_received()])),
        "components": {"messages": messages, "schemas": schemas},
    }


def _message(fact: type[Fact], schemas: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": fact.__name__,
        "summary": " ".join((fact.__doc__ or "").split()),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/headers"},
    }
    if fact.TOMBSTONE:
        return message | {
            "payload": {"type": "null", "description": "removes the key from the compacted topic"}
        }
    schema = fact.json_schema()
    for name, inner in schema.pop("$defs", {}).items():
        if schemas.setdefault(name, inner) != inner:
            raise ValueError(f"two different parts of facts are called {name}")
    return json.loads(json.dumps(message | {"payload": schema}).replace("#/$defs/", "#/components/schemas/"))  # type: ignore[no-any-return]


def _sent(channels: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for topic in channels:
        channel = {"$ref": f"#/channels/{topic}"}
        yield f"{topic.partition('.')[0]} sends {topic}", {"action": "send", "channel": channel}


def _received() -> Iterator[tuple[str, Any]]:
    """Each consumer and topic, with the types that it has a handler for."""
    consumers = {
        each: set(importlib.import_module(f"services.{each}.consumers").HANDLERS) for each in SERVICES
    }
    by_type = {fact.TYPE: fact.TOPIC for fact in facts()}
    for consumer, types in {**consumers, "workflows": set(ROUTES)}.items():
        for topic in sorted({by_type[each] for each in types}):
            taken = sorted(each for each in types if by_type[each] == topic)
            yield (
                f"{consumer} takes in {topic}",
                {
                    "action": "receive",
                    "channel": {"$ref": f"#/channels/{topic}"},
                    "messages": [{"$ref": f"#/channels/{topic}/messages/{each}"} for each in taken],
                },
            )


def text() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"written to {FILE.relative_to(ROOT)}")
