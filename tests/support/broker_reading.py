"""Everything that now lies on the topics of the stack, as one text."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.stack.servers.kafka import PARTITIONS, TOPICS
from deploy.stack.settings import Settings

_CONTACTS = "intake.contacts"


async def read_topics(settings: Settings, *, contacts: bool) -> str:
    """Keys, headers and values of the contacts' topic, or of all others."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings["KAFKA_BOOTSTRAP"], enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        wanted = [topic for topic in TOPICS if (topic == _CONTACTS) == contacts]
        partitions = [TopicPartition(topic, n) for topic in wanted for n in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        texts: list[str] = []
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for message in (await consumer.getmany(partition, timeout_ms=1000)).get(partition, []):
                    parts = [message.key, message.value, *(value for _, value in message.headers)]
                    texts += [part.decode(errors="replace") for part in parts if part]
        return "\n".join(texts)
    finally:
        await consumer.stop()
