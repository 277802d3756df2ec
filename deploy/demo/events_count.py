"""How many events the services have published, asked of the broker."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.stack.settings import Settings

_TOPICS = ("intake.events", "review.events", "funding.events", "notify.events", "intake.contacts")


async def events_so_far(settings: Settings) -> int:
    """The sum of the topics' end positions."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings["KAFKA_BOOTSTRAP"])
    await consumer.start()
    try:
        places = []
        for topic in _TOPICS:
            for partition in consumer.partitions_for_topic(topic) or ():
                places.append(TopicPartition(topic, partition))
        return sum((await consumer.end_offsets(places)).values())
    finally:
        await consumer.stop()
