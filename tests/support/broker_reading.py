"""Everything that now lies on the topics of the stack."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.stack.servers.kafka import PARTITIONS, TOPICS
from deploy.stack.settings import Settings

_CONTACTS = "intake.contacts"


async def read_topics(settings: Settings, *, contacts: bool) -> str:
    """Keys, headers and values of the contacts' topic, or of all others, as one text."""
    wanted = [topic for topic in TOPICS if (topic == _CONTACTS) == contacts]
    texts: list[str] = []
    for message in await _messages(settings, wanted):
        parts = [message.key, message.value, *(value for _, value in message.headers)]
        texts += [part.decode(errors="replace") for part in parts if part]
    return "\n".join(texts)


async def count_events(settings: Settings, topic: str) -> Counter[str]:
    """How often each event, by its id, lies on the topic."""
    messages = await _messages(settings, [topic])
    return Counter(dict(message.headers)["ce_id"].decode() for message in messages)


async def _messages(settings: Settings, topics: Iterable[str]) -> list[Any]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings["KAFKA_BOOTSTRAP"], enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, n) for topic in topics for n in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        messages: list[Any] = []
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                messages += (await consumer.getmany(partition, timeout_ms=1000)).get(partition, [])
        return messages
    finally:
        await consumer.stop()
