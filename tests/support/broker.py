"""A broker of the test's own, to be killed and frozen without disturbing anybody."""

import asyncio
import signal
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from deploy.stack.programs import base_environment
from deploy.stack.servers import kafka
from deploy.stack.settings import Settings
from tests.support.environment import STACK
from tests.support.processes import Process

PARTITIONS = 3


@dataclass(frozen=True)
class _Elsewhere(Settings):
    """The stack's settings with the data in another folder."""

    elsewhere: Path = Path()

    @property
    def folder(self) -> Path:
        return self.elsewhere


class Broker:
    """Kafka as the stack runs it, on free ports, with its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        port, controller = free_ports(2)
        own = {"KAFKA_BOOTSTRAP": f"127.0.0.1:{port}", "KAFKA_CONTROLLER_PORT": str(controller)}
        self._settings = _Elsewhere(STACK.profile, {**STACK.values, **own}, folder)
        self._folder = folder
        self._process: Process | None = None

    @property
    def bootstrap(self) -> str:
        return self._settings["KAFKA_BOOTSTRAP"]

    def start(self) -> None:
        """Start it (again, with the same data) and wait until it takes orders."""
        kafka.prepare(self._settings)
        program = kafka.program(self._settings)
        environment = {**base_environment(self._settings), **program.environment}
        self._process = Process(program.command, environment, self._folder / "kafka.log")
        deadline = time.monotonic() + 40
        while True:
            try:
                kafka.ready(self._settings)
                break
            except OSError:
                if time.monotonic() > deadline or not self._process.running():
                    raise AssertionError(f"the broker did not start:\n{self._process.output()}") from None
                time.sleep(0.1)
        with ThreadPoolExecutor(1) as elsewhere:  # a test that brings it back has a loop running here
            elsewhere.submit(asyncio.run, self._registered()).result()

    async def _registered(self) -> None:
        await (await kafka.connected(self._settings)).close()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send(signal.SIGCONT)

    def bring_back(self) -> None:
        """Make it run again, whatever a test did to it."""
        assert self._process is not None
        self.thaw()
        if not self._process.running():
            self.start()

    async def create_topics(self, *names: str) -> None:
        """Those that are there already are left alone."""
        admin = await kafka.connected(self._settings)
        try:
            await kafka.create_topics(admin, [NewTopic(name, PARTITIONS, 1) for name in names])
        finally:
            await admin.close()

    async def read_all(self, *topics: str) -> list[Any]:
        """Every message that now lies on these topics, each partition in order."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
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

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> None:
        """Put a message there by hand."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        await producer.start()
        try:
            await producer.send_and_wait(topic, key=key, value=value, headers=list(headers))
        finally:
            await producer.stop()


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago: above every stack's, below those of outgoing connections (32768)."""
    found: list[int] = []
    port = 30_000 + time.monotonic_ns() % 2_500
    while len(found) < count:
        port += 1
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found
