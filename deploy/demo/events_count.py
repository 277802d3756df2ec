"""How many events the services have published, asked of the broker."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer

from deploy.stack.settings import Settings

_TOPICS = ("intake.events", "review.events", "funding.events", "notify.events", "intake.contacts")


async def events_so_far(settings: Settings) -> int:
    """The sum of the topics' end positions."""
    consumer = AIOKafkaConsumer(*_TOPICS, bootstrap_servers=settings["KAFKA_BOOTSTRAP"])
    await consumer.start()
    try:
        return sum((await consumer.end_offsets(list(consumer.assignment()))).values())
    finally:
        await consumer.stop()
