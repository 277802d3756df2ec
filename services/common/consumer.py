"""Takes events in: one message is one transaction {inbox row; handler; its record}, then the offset.

Failures: infrastructure is waited out for ever, a fact that is still on its way for a minute; a refused or
malformed event is parked with everything that follows for the same (consumer, key), across topics; anything
else gets five tries and is parked then.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.common import metrics, parking
from services.common.context import caused_by
from services.common.db import Database
from services.common.envelope import Delivery
from services.common.envelope import Incoming as Incoming
from services.common.errors import InfrastructureDown, NotYet, Refused
from services.common.failpoints import failpoint
from services.common.outages import closed_within, is_infrastructure
from services.common.parking import Handler as Handler

_log = structlog.get_logger()

_TRIES = 5
_TRIES_PAUSE = 0.1
_SHORTEST_WAIT = 0.1
_LONGEST_WAIT = 5.0
_MOST_PATIENCE = 60.0
_LITTLE_PATIENCE = 2.0
_STUCK_SECONDS = 20.0
_AT_ONCE = 4  # partitions at work side by side; the pool must have more connections than this


class _Hopeless(NamedTuple):
    """Why an event must be parked; `ours`: several in a row mean that the fault is not the events'."""

    reason: str
    ours: bool = True


class Consumer:
    """The consumer group of one service: reads topics, applies handlers, parks what cannot be done."""

    def __init__(
        self, database: Database, name: str, topics: Sequence[str], handlers: Mapping[str, Handler]
    ) -> None:
        self.name = name
        self._database = database
        self._topics = tuple(topics)
        self._handlers = handlers
        self._parked_in_a_row: list[str] = []
        self._waits: dict[TopicPartition, float] = {}
        self._early_since: dict[UUID, float] = {}
        self._impatient_until = 0.0
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._halted = False

    async def run(self) -> None:
        """Read for ever; returns only by cancellation. While halted, waits for a human."""
        wait = 0.25
        while True:
            try:
                await self._until_not_halted()
                await self._read()
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                _log.warning("consumer waits", consumer=self.name, error=type(error).__name__)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            else:
                wait = 0.25

    async def _until_not_halted(self) -> None:
        said = False
        while True:
            async with self._database.read() as conn:
                reason = await parking.halted(conn, self.name)
            if reason is None:
                self._halted = False
                return
            if not said:
                _log.error("consumer is halted", consumer=self.name, reason=reason)
                said = True
            self._parked_in_a_row.clear()
            await asyncio.sleep(0.5)

    async def _read(self) -> None:
        """One session with the broker; returns when halted, raises when something we depend on is away."""
        kafka = AIOKafkaConsumer(
            *self._topics,
            bootstrap_servers=self._database.settings.kafka_bootstrap,
            group_id=self.name,
            client_id=f"{self.name}-consumer",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=10_000,
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_000,
            metadata_max_age_ms=30_000,
        )
        try:
            async with asyncio.timeout(15):
                await kafka.start()
            await self._read_session(kafka)
        finally:
            await _stop(kafka)

    async def _read_session(self, kafka: Any) -> None:
        idle_since = time.monotonic()
        while True:
            # While the group is reshuffled the client waits without limit, also for an answer that got lost.
            async with asyncio.timeout(_STUCK_SECONDS):
                batches = await kafka.getmany(timeout_ms=1_000, max_records=50)
            if batches:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > _STUCK_SECONDS:
                await _raise_if_stuck(kafka)
                idle_since = time.monotonic()
            # Side by side: a key stays in order within its partition, and its lock keeps topics apart.
            taken = await asyncio.gather(
                *(self._take_batch(kafka, partition, messages) for partition, messages in batches.items()),
                return_exceptions=True,
            )
            for outcome in taken:
                if isinstance(outcome, BaseException):
                    raise outcome
            if not all(taken):
                return

    async def _take_batch(self, kafka: Any, partition: TopicPartition, messages: Sequence[Any]) -> bool:
        """Take the messages of one partition; False when the consumer has been halted on the way."""
        for message in messages:
            if partition not in kafka.assignment():
                return True  # moved to another process, which begins at the last committed offset
            if self._halted:
                return False
            try:
                async with self._slots:
                    self._halted = await self.take(Delivery.of(message)) or self._halted
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                # Read again from here after a while: nothing overtakes it, and the other partitions go on.
                _log.warning("event waits", consumer=self.name, error=type(error).__name__)
                kafka.seek(partition, message.offset)
                kafka.pause(partition)
                wait = self._waits.get(partition, _SHORTEST_WAIT)
                asyncio.get_running_loop().call_later(wait, _resume, kafka, partition)
                self._waits[partition] = min(wait * 2, 1.0 if isinstance(error, NotYet) else _LONGEST_WAIT)
                return True
            self._waits.pop(partition, None)
            await _commit(kafka, partition, message.offset + 1)
        return not self._halted

    async def take(self, delivery: Delivery) -> bool:
        """Handle one message to its end: handled, ignored or parked. True when this halted the consumer.

        Infrastructure failures are raised, with nothing done.
        """
        if delivery.type and delivery.type not in self._handlers:
            return False
        with (
            delivery.trace("process"),
            caused_by(delivery.header("ce_callid"), str(delivery.event_id)),
            structlog.contextvars.bound_contextvars(
                application_id=delivery.key, event_id=str(delivery.event_id)
            ),
        ):
            hopeless = await self._apply_with_tries(delivery)
            self._early_since.pop(delivery.event_id, None)
            if hopeless is None:
                self._parked_in_a_row.clear()
                return False
            return await self._park(delivery, hopeless)

    async def _apply_with_tries(self, delivery: Delivery) -> _Hopeless | None:
        """None when the event is done, else why it must be parked."""
        for attempt in range(1, _TRIES + 1):
            try:
                await self._apply(delivery)
                return None
            except Refused as refused:
                return _Hopeless(f"{type(refused).__name__}: {refused.detail or refused.title}")
            except NotYet as early:
                if self._may_still_come(delivery):
                    raise
                return _Hopeless(f"{type(early).__name__}: {early}", ours=False)
            except Exception as error:
                if is_infrastructure(error):
                    self._early_since.clear()  # what they wait for was held up as well
                    raise
                _log.error("event failed", consumer=self.name, attempt=attempt, exc_info=error)
                last = type(error).__name__
            if attempt < _TRIES:
                await asyncio.sleep(_TRIES_PAUSE * 2**attempt)
        return _Hopeless(f"{last}, {_TRIES} times")

    def _may_still_come(self, delivery: Delivery) -> bool:
        """Whether to wait on for what the event builds on. After one has waited in vain, those that miss the
        same do not each wait as long."""
        now = time.monotonic()
        waited = now - self._early_since.setdefault(delivery.event_id, now)
        if waited < (_LITTLE_PATIENCE if now < self._impatient_until else _MOST_PATIENCE):
            return True
        self._impatient_until = now + _MOST_PATIENCE
        return False

    async def _apply(self, delivery: Delivery) -> None:
        async with self._database.transaction() as conn:
            await parking.lock(conn, self.name, delivery.key)
            if not await parking.take_in(conn, self.name, delivery):
                return
            if await parking.is_parked(conn, self.name, delivery.key):
                await parking.park(conn, self.name, delivery, "an earlier event is parked", behind=True)
                return
            incoming = delivery.incoming()
            await self._handlers[incoming.type](conn, incoming)
            failpoint("consumer.before_commit")
        metrics.lag.record(metrics.seconds_since(incoming.time), {"consumer": self.name})
        failpoint("consumer.after_commit")

    async def _park(self, delivery: Delivery, why: _Hopeless) -> bool:
        """Park the event that cannot be done; True when there is now so much parked that we must stop."""
        async with self._database.transaction() as conn:
            await parking.lock(conn, self.name, delivery.key)
            if not await parking.take_in(conn, self.name, delivery):
                return False  # another process has done it meanwhile
            behind = await parking.is_parked(conn, self.name, delivery.key)
            await parking.park(conn, self.name, delivery, why.reason, behind=behind)
            _log.error("event parked", consumer=self.name, event_type=delivery.type, reason=why.reason)
            if why.ours and delivery.key not in self._parked_in_a_row:
                self._parked_in_a_row.append(delivery.key)
            open_keys = await parking.open_causes(conn, self.name)
            if open_keys >= parking.MOST_PARKED:
                reason = f"{open_keys} keys are parked"
            elif len(self._parked_in_a_row) >= parking.MOST_IN_A_ROW:
                reason = f"{len(self._parked_in_a_row)} keys were parked in a row"
            else:
                return False
            await parking.halt(conn, self.name, reason)
            return True


def _resume(kafka: Any, partition: TopicPartition) -> None:
    if partition in kafka.assignment():  # else another process has it, or this session is over
        kafka.resume(partition)


async def _commit(kafka: Any, partition: TopicPartition, offset: int) -> None:
    """Move the offset. A failure costs nothing but a redelivery, which the inbox knows."""
    try:
        async with asyncio.timeout(5):
            await kafka.commit({partition: offset})
    except (KafkaError, TimeoutError) as error:
        _log.info("offset not committed", topic=partition.topic, error=type(error).__name__)


async def _raise_if_stuck(kafka: Any) -> None:
    """A client may go silent for ever after the broker's restart: if more is there, begin a new session."""
    assigned = kafka.assignment() - kafka.paused()
    if assigned:
        async with asyncio.timeout(10):
            ends = await kafka.end_offsets(assigned)
            positions = {partition: await kafka.position(partition) for partition in assigned}
        for partition in assigned:
            if positions[partition] < ends[partition]:
                raise InfrastructureDown("the broker's client has gone silent")


async def _stop(kafka: Any) -> None:
    """Leave the group, or at least cut the lines: as a silent member the old client would keep partitions."""
    if not await closed_within(5, kafka.stop()):
        await closed_within(2, kafka._client.close())
