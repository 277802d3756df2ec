"""Hands a fact to a service's consumer as the broker would, without a broker."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from services.common.consumer import Consumer, Handler
from services.common.db import Database
from services.common.envelope import Delivery, headers_of
from services.common.record import Fact


def delivery(fact: Fact, key: str, *, event_id: uuid.UUID | None = None, offset: int = 0) -> Delivery:
    """The message that the relay would have sent for this fact."""
    row = {
        "id": event_id or uuid.uuid4(),
        "seq": offset,
        "key": key,
        "type": fact.TYPE,
        "created_at": datetime.now(UTC),
        "call_id": "test",
        "causation_id": "test",
        "traceparent": None,
    }
    source = f"/services/{fact.TYPE.split('.')[2]}"
    value = None if fact.TOMBSTONE else json.dumps(fact.to_data()).encode()
    return Delivery(fact.TOPIC, 0, offset, key.encode(), value, tuple(headers_of(row, source)))


async def deliver(
    database: Database, consumer: str, handlers: Mapping[str, Handler], fact: Fact, *, key: str
) -> uuid.UUID:
    """Let the consumer take this fact to its end. AssertionError when it was parked instead of handled."""
    message = delivery(fact, key)
    await Consumer(database, consumer, [fact.TOPIC], handlers).take(message)
    async with database.read() as conn:
        reason = await conn.fetchval("select reason from parked where event_id = $1", message.event_id)
    assert reason is None, f"{fact.TYPE} was parked: {reason}"
    return message.event_id
