"""The only writer of audit and outbox: state, audit and events commit together or not at all."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from pydantic import JsonValue, TypeAdapter, ValidationError

from services.common.context import about, current_cause
from services.common.db import Connection
from services.common.errors import Malformed
from services.common.telemetry import annotate, current_traceparent

# Topics whose events carry names and addresses: blanked in the outbox after the broker's acknowledgement,
# and purged from `parked` when resolved. What travels there is never written into an audit body either.
PERSONAL_TOPICS = frozenset({"intake.contacts"})

MAX_PAYLOAD_BYTES = 256 * 1024

_TYPE = re.compile(r"no\.innoflyt\.(?P<service>[a-z]+)\.[a-z0-9]+(-[a-z0-9]+)*\.v[0-9]+")


@dataclass(frozen=True)
class Actor:
    """Who did it: a person (id: person id), a service (its name) or a workflow (its id)."""

    kind: Literal["person", "service", "workflow"]
    id: str


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Base of every event: something that has become true. Subclasses are frozen, keyword-only dataclasses.

    Fields may be str, int, float, bool, UUID, datetime (with time zone), date, None, enums of str, lists,
    tuples, dicts and further dataclasses. New fields need a default; a breaking change is a new `.v2` class.
    """

    TYPE: ClassVar[str]  # "no.innoflyt.intake.application-submitted.v1", also on the wire
    TOPIC: ClassVar[str]  # "<service>.events" unless stated
    TOMBSTONE: ClassVar[bool] = False  # sent without a value: removes the key from a compacted topic

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "TYPE" in cls.__dict__:
            parts = _TYPE.fullmatch(cls.TYPE)
            if parts is None:
                raise TypeError(f"{cls.__name__}.TYPE must be no.innoflyt.service.what-happened.v1")
            if "TOPIC" not in cls.__dict__:
                cls.TOPIC = f"{parts['service']}.events"

    def to_data(self) -> dict[str, JsonValue]:
        """This fact as JSON. ValueError for an instant without a time zone."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, datetime) and value.tzinfo is None:
                raise ValueError(f"{self.TYPE}: {field.name} has no time zone")
        data: dict[str, JsonValue] = _adapter(type(self)).dump_python(self, mode="json")
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The fact in this JSON; unknown members are ignored. Malformed names the first wrong field."""
        try:
            fact: Self = _adapter(cls).validate_json(json.dumps(data), strict=True)
            return fact
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Malformed(f"{cls.TYPE}: {where}: {first['type']}") from error

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema of the data of this type, for the event catalogue."""
        return _adapter(cls).json_schema()


_adapters: dict[type[Fact], TypeAdapter[Any]] = {}


def _adapter(cls: type[Fact]) -> TypeAdapter[Any]:
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


@dataclass(frozen=True)
class Entry:
    """One audited step on one case, with the events that it emits (in this order)."""

    key: str
    actor: Actor
    action: str
    body: Mapping[str, JsonValue]
    events: Sequence[Fact] = ()


async def record(
    conn: Connection,
    *,
    key: str,
    actor: Actor,
    action: str,
    body: Mapping[str, JsonValue],
    events: Sequence[Fact] = (),
) -> None:
    """Write the audit row of this step and its events; the last statement of a command.

    `key` is the case (application or call id) and the Kafka key of the events. `body` holds ids, codes,
    amounts and reasons, never what travels on a personal topic.
    """
    await record_all(conn, [Entry(key, actor, action, body, events)])


async def record_all(conn: Connection, entries: Sequence[Entry]) -> None:
    """As `record`, for a command that touches several keys; their locks are taken in one sorted order."""
    if not conn.is_in_transaction():
        raise RuntimeError("record needs the open transaction of its command")
    cause = current_cause()
    for entry in entries:
        if not any(fact.TOPIC in PERSONAL_TOPICS for fact in entry.events):
            about(entry.key)
            annotate(application_id=entry.key)
            break
    await conn.execute(
        "select record($1, $2, $3, $4)",
        [_entry(entry) for entry in entries],
        current_traceparent(),
        cause.call_id,
        cause.causation_id,
    )


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "key": entry.key,
        "kind": entry.actor.kind,
        "actor": entry.actor.id,
        "action": entry.action,
        "body": _text(entry.body),
        "events": [_event(fact) for fact in entry.events],
    }


def _event(fact: Fact) -> dict[str, object]:
    payload = None if fact.TOMBSTONE else _text(fact.to_data())
    if payload is not None and len(payload.encode()) > MAX_PAYLOAD_BYTES:
        raise ValueError(
            f"{fact.TYPE} is larger than {MAX_PAYLOAD_BYTES} bytes; events carry facts, not documents"
        )
    return {"id": str(uuid.uuid4()), "topic": fact.TOPIC, "type": fact.TYPE, "payload": payload}


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


async def log_access(
    conn: Connection,
    *,
    actor: Actor,
    action: str,
    key: str,
    outcome: Literal["denied", "read"],
    reason: str = "",
) -> None:
    """Note a refused attempt, or a read of another organisation's case (unchained)."""
    await conn.execute(
        """insert into access_log (actor_kind, actor_id, action, key, outcome, reason)
           values ($1, $2, $3, $4, $5, $6)""",
        actor.kind,
        actor.id,
        action,
        key,
        outcome,
        reason,
    )


@dataclass(frozen=True)
class BrokenLink:
    """The first row of a case's audit chain that does not verify."""

    key: str
    n: int
    reason: str


async def verify_chain(conn: Connection, key: str | None = None) -> list[BrokenLink]:
    """Recompute the chain of one case, or of all; an empty list means that nothing was altered."""
    rows = await conn.fetch("select key, n, reason from broken_links($1)", key)
    return [BrokenLink(row["key"], row["n"], row["reason"]) for row in rows]
