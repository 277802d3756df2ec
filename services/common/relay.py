"""Brings the outbox to the broker: every row, in order per key, at least once, marked after the ack."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from opentelemetry.trace import SpanKind

from services.common.db import Connection, connect, outbox_channel
from services.common.envelope import headers_of
from services.common.failpoints import failpoint
from services.common.outages import closed_within, is_infrastructure
from services.common.record import PERSONAL_TOPICS
from services.common.settings import Settings
from services.common.telemetry import span

_log = structlog.get_logger()

_ROUND_ROWS = 500
_POLL_SECONDS = 0.25
_SEND_SECONDS = 5.0
_ROUND_SECONDS = 15.0
_LONGEST_WAIT = 5.0
_LONGEST_BACKOFF = 60.0
_FORSAKEN_SECONDS = 30  # longer than a round with its last send; between rounds the outbox is polled
# What no producer can mend by trying the same bytes again soon; the key waits longer then, the others go on.
_REFUSED = (
    "MessageSizeTooLargeError",
    "InvalidTopicError",
    "TopicAuthorizationFailedError",
    "RecordListTooLargeError",
    "UnknownTopicOrPartitionError",
)


class Relay:
    """The relay of one schema. Several may run; one is active, the others wait for its lock."""

    def __init__(self, settings: Settings, schema: str) -> None:
        self._settings = settings
        self._schema = schema

    async def run(self) -> None:
        """Relay for ever; returns only by cancellation."""
        wait = 0.25
        while True:
            began = time.monotonic()
            try:
                await self._session()
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                _log.warning("relay waits", schema=self._schema, error=type(error).__name__)
            wait = 0.25 if time.monotonic() - began > 2 * _LONGEST_WAIT else min(wait * 2, _LONGEST_WAIT)
            await asyncio.sleep(wait)

    async def _session(self) -> None:
        """As long as Postgres and the broker answer. The lock lives and dies with this one connection."""
        conn = await connect(self._settings, self._schema, purpose="relay")
        # Frozen, or its machine gone, it would hold the lock for ever, and every event of the schema back.
        await conn.execute(f"set idle_session_timeout = '{_FORSAKEN_SECONDS}s'")
        try:
            while not await self._lock(conn):  # noqa: ASYNC110 - who holds it lives in another process
                await asyncio.sleep(1)
            woken = asyncio.Event()
            await conn.add_listener(outbox_channel(self._schema), lambda *_: woken.set())
            progress = True
            while progress:
                producer = await _start_producer(self._settings, self._schema)
                try:
                    progress = await self._relay(conn, producer, woken)
                finally:
                    await _stop_producer(producer)
        finally:
            conn.terminate()

    async def _lock(self, conn: Connection) -> bool:
        locked: bool = await conn.fetchval(
            "select pg_try_advisory_lock(hashtextextended($1, 0))", f"{self._schema}/relay"
        )
        return locked

    async def _relay(self, conn: Connection, producer: AIOKafkaProducer, woken: asyncio.Event) -> bool:
        """Rounds of sending until the producer cannot be trusted any more; whether the broker took anything
        in the last one."""
        while True:
            woken.clear()
            rows = await conn.fetch(
                """select seq, id, key, topic, type, payload, traceparent, call_id, causation_id, created_at,
                          attempts
                   from outbox
                   where published_at is null
                     and key not in (select key from outbox
                                     where published_at is null and retry_at > clock_timestamp())
                   order by seq limit $1""",
                _ROUND_ROWS,
            )
            if rows:
                healthy, progress = await self._round(conn, producer, rows)
                if not healthy:
                    return progress
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_SECONDS):
                        await woken.wait()

    async def _round(
        self, conn: Connection, producer: AIOKafkaProducer, rows: Sequence[Any]
    ) -> tuple[bool, bool]:
        """Send rows, keys side by side, each key in order: whether the producer can still be trusted, and
        whether the broker took anything."""
        by_key: dict[str, list[Any]] = {}
        for row in rows:
            by_key.setdefault(row["key"], []).append(row)
        until = time.monotonic() + _ROUND_SECONDS
        results = await asyncio.gather(
            *(self._send_in_order(producer, of_key, until) for of_key in by_key.values())
        )
        acknowledged = [row["seq"] for sent, _, _ in results for row in sent]
        if acknowledged:
            await conn.execute(
                """update outbox set published_at = clock_timestamp(), retry_at = null,
                          payload = case when topic = any($2) then null else payload end
                   where seq = any($1)""",
                acknowledged,
                list(PERSONAL_TOPICS),
            )
        failures = [(row, error) for _, row, error in results if row is not None]
        answers = bool(acknowledged) or not failures or await _answers(producer)
        healthy = True
        for row, error in failures:
            refused = answers and type(error).__name__ in _REFUSED
            healthy = healthy and refused
            # Where others got through it is this row that holds up each round: the longer it waits.
            alone = refused or bool(acknowledged)
            await self._back_off(conn, row, error, _LONGEST_BACKOFF if alone else _LONGEST_WAIT)
        return healthy, bool(acknowledged)

    async def _send_in_order(
        self, producer: AIOKafkaProducer, rows: Sequence[Any], until: float
    ) -> tuple[list[Any], Any, Exception | None]:
        """The rows of one key that the broker acknowledged, and the first that it did not, and why. What is
        not sent in time is left for the next round."""
        sent: list[Any] = []
        for row in rows:
            if time.monotonic() > until:
                break
            try:
                await self._send(producer, row)
            except (KafkaError, TimeoutError) as error:
                return sent, row, error
            sent.append(row)
        return sent, None, None

    async def _send(self, producer: AIOKafkaProducer, row: Any) -> None:
        failpoint("relay.before_send")
        with span(
            f"send {row['topic']}",
            kind=SpanKind.PRODUCER,
            parent=row["traceparent"],
            root=row["traceparent"] is None,
            application_id=row["key"],
            event_id=str(row["id"]),
            event_type=row["type"],
        ):
            # The client never gives up by itself. A timeout means "unknown": the row stays and is sent again.
            async with asyncio.timeout(_SEND_SECONDS):
                await producer.send_and_wait(
                    row["topic"],
                    key=row["key"].encode(),
                    value=None if row["payload"] is None else row["payload"].encode(),
                    headers=headers_of(row, f"/services/{self._schema}"),
                )
        failpoint("relay.after_ack")

    async def _back_off(self, conn: Connection, row: Any, error: Exception | None, longest: float) -> None:
        seconds = min(0.25 * 2 ** min(row["attempts"], 10), longest)
        _log.warning(
            "event not sent", event_id=str(row["id"]), application_id=row["key"], error=type(error).__name__
        )
        await conn.execute(
            "update outbox set attempts = attempts + 1, retry_at = clock_timestamp() + $2 where seq = $1",
            row["seq"],
            timedelta(seconds=seconds),
        )


async def _start_producer(settings: Settings, schema: str) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap,
        client_id=f"{schema}-relay",
        enable_idempotence=True,
        acks="all",
        request_timeout_ms=int(_SEND_SECONDS * 800),  # so that the client says itself what is wrong
    )
    try:
        async with asyncio.timeout(2 * _SEND_SECONDS):
            await producer.start()
    except BaseException:
        await _stop_producer(producer)
        raise
    return producer


async def _answers(producer: AIOKafkaProducer) -> bool:
    """Whether the broker is there: a client calls a topic unknown as well when it could not ask."""
    try:
        async with asyncio.timeout(_SEND_SECONDS):
            return bool(await producer.client.force_metadata_update())
    except TimeoutError:
        return False


async def _stop_producer(producer: AIOKafkaProducer) -> None:
    """Stop it, also when the broker does not answer: `stop` alone would wait for ever for what is unsent."""
    if not await closed_within(2, producer.stop()):
        if producer._sender is not None:
            await closed_within(2 * _SEND_SECONDS, producer._sender.close())
        await closed_within(2, producer.client.close())
