"""The event on the wire: CloudEvents 1.0 in Kafka's binary mode, headers `ce_*`, the value JSON."""

import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self
from urllib.parse import quote_from_bytes, unquote_to_bytes

from opentelemetry.trace import SpanKind

from services.common.errors import Malformed
from services.common.telemetry import span

_LONGEST_KEY = 200  # bytes; ours are ids, and an index cannot take just any length
# Names of events that lack an id of their own: the place in the log is the next best identity.
_PLACES = uuid.uuid5(uuid.NAMESPACE_URL, "https://innoflyt.test/places")


@dataclass(frozen=True)
class Incoming:
    """One event as a handler sees it. `data` is empty for a tombstone."""

    id: uuid.UUID
    type: str
    key: str
    source: str
    time: datetime
    call_id: str | None
    causation_id: str | None
    traceparent: str | None
    data: dict[str, Any]


class Message(Protocol):
    """What the broker's client delivers."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True)
class Delivery:
    """A message before anyone has vouched for its contents: every part may be missing or nonsense."""

    topic: str
    partition: int
    offset: int
    raw_key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, message: Message) -> Self:
        """The bytes of one message from the broker."""
        return cls(
            message.topic,
            message.partition,
            message.offset,
            message.key,
            message.value,
            tuple((name, value or b"") for name, value in message.headers),
        )

    @property
    def event_id(self) -> uuid.UUID:
        """The event's own id, or one made from its place in the log."""
        try:
            return uuid.UUID(self.header("ce_id") or "")
        except ValueError:
            return uuid.uuid5(_PLACES, f"{self.topic}/{self.partition}/{self.offset}")

    @property
    def type(self) -> str:
        """The event type, empty when the header is missing."""
        return self.header("ce_type") or ""

    @property
    def key(self) -> str:
        """The Kafka key, or the name of the partition when there is none that we could keep."""
        return self._own_key or f"{self.topic}/{self.partition}"

    @property
    def _own_key(self) -> str | None:
        return _text(self.raw_key) if self.raw_key and len(self.raw_key) <= _LONGEST_KEY else None

    @property
    def traceparent(self) -> str | None:
        """Trace context of the command that caused the event."""
        return self.header("traceparent")

    def trace(self, verb: str) -> AbstractContextManager[object]:
        """The span of handling it: `process`, or `retry` by an operator; part of its command's trace."""
        return span(
            f"{verb} {self.topic}",
            kind=SpanKind.CONSUMER,
            parent=self.traceparent,
            root=self.traceparent is None,
            application_id=self.key,
            event_id=str(self.event_id),
            event_type=self.type,
        )

    def header(self, name: str) -> str | None:
        """Value of the first header with this name."""
        return next((_text(value) for key, value in self.headers if key == name), None)

    def incoming(self) -> Incoming:
        """The event, checked. Malformed says which part is wrong."""
        try:
            event_id = uuid.UUID(self.header("ce_id") or "")
        except ValueError as error:
            raise Malformed("ce_id is not a UUID") from error
        if self.header("ce_specversion") != "1.0":
            raise Malformed("ce_specversion is not 1.0")
        if not self.type:
            raise Malformed("ce_type is missing")
        if not self._own_key:
            raise Malformed("the message has no key, or one longer than any of ours")
        try:
            time = datetime.fromisoformat(self.header("ce_time") or "")
        except ValueError as error:
            raise Malformed("ce_time is not an instant") from error
        return Incoming(
            id=event_id,
            type=self.type,
            key=self.key,
            source=self.header("ce_source") or "",
            time=time,
            call_id=self.header("ce_callid"),
            causation_id=self.header("ce_causationid"),
            traceparent=self.traceparent,
            data=self._data(),
        )

    def _data(self) -> dict[str, Any]:
        if self.value is None:
            return {}
        try:
            data = json.loads(self.value)
        except (ValueError, RecursionError) as error:
            raise Malformed("the value is not JSON") from error
        if not isinstance(data, dict):
            raise Malformed("the value is not a JSON object")
        return data

    def stored_headers(self) -> list[list[str]]:
        """Headers for a jsonb column; percent-encoded, since jsonb cannot hold every byte."""
        return [
            [quote_from_bytes(name.encode()), quote_from_bytes(value, safe=" /:.-")]
            for name, value in self.headers
        ]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """A delivery as it was parked."""
        headers = tuple(
            (unquote_to_bytes(name).decode(), unquote_to_bytes(value)) for name, value in row["headers"]
        )
        place = f"{row['topic']}/{row['partition']}"
        key = None if row["key"] == place else row["key"].encode()
        return cls(row["topic"], row["partition"], row["offset"], key, row["value"], headers)


def headers_of(row: Mapping[str, Any], source: str) -> list[tuple[str, bytes]]:
    """CloudEvents headers of one outbox row. `traceparent` is that of the command which caused it."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(row["id"]),
        "ce_source": source,
        "ce_type": row["type"],
        "ce_subject": row["key"],
        "ce_time": row["created_at"].isoformat(),
        "ce_partitionkey": row["key"],
        "ce_sequence": f"{row['seq']:020d}",
        "ce_callid": row["call_id"],
        "ce_causationid": row["causation_id"],
        "traceparent": row["traceparent"],
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in headers.items() if value is not None]


def _text(raw: bytes) -> str:
    """Readable text of any bytes, without NUL, which Postgres cannot store."""
    return raw.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
