"""Kafka, one node that is broker and controller. Services meet through these topics and nowhere else."""

from __future__ import annotations

import asyncio
import base64
import shutil
import socket
import subprocess
import uuid
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from ..install.parts import part
from ..programs import Program, base_environment
from ..settings import SCHEMAS, Settings

_KEEP = {"cleanup.policy": "delete", "retention.ms": "-1"}
# The newest address of each person alone is kept, and a tombstone takes it away for good within the day.
_COMPACT = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.1",
    "segment.ms": "3600000",
    "delete.retention.ms": "86400000",
    "max.compaction.lag.ms": "86400000",
}
PARTITIONS = 3
TOPICS = {f"{schema}.events": _KEEP for schema in SCHEMAS} | {"intake.contacts": _COMPACT}


def prepare(settings: Settings) -> None:
    folder = settings.folder / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    port, controller = settings.port("KAFKA_BOOTSTRAP"), settings.port("KAFKA_CONTROLLER_PORT")
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": f"{folder}/data",
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "num.network.threads": "2",
        "num.io.threads": "2",
    }
    text = "".join(f"{name}={value}\n" for name, value in properties.items())
    (folder / "server.properties").write_text(text, encoding="utf-8")
    (folder / "log4j2.properties").write_text(
        "appender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\n"
        "appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n\n"
        "rootLogger.level=warn\nrootLogger.appenderRef.out.ref=out\n",
        encoding="utf-8",
    )
    if not (folder / "data" / "meta.properties").exists():
        # A format that was interrupted leaves a folder that Kafka would refuse, and it holds no message yet.
        shutil.rmtree(folder / "data", ignore_errors=True)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [*_java(settings), "kafka.tools.StorageTool", "format", "--standalone"]
        # With an equals sign: the id may begin with a hyphen.
        command += [f"--cluster-id={cluster}", "-c", f"{folder}/server.properties"]
        done = subprocess.run(command, env=base_environment(settings), capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"Kafka could not format its folder:\n{done.stdout}{done.stderr}")


def program(settings: Settings) -> Program:
    return Program(
        name="kafka",
        command=(*_java(settings), "kafka.Kafka", f"{settings.folder}/kafka/server.properties"),
        stop_seconds=20,
        ports=("KAFKA_BOOTSTRAP", "KAFKA_CONTROLLER_PORT"),
    )


def ready(settings: Settings) -> None:
    """A bare connection first: it is cheap, and asking a client that cannot connect is not."""
    host, _, port = settings["KAFKA_BOOTSTRAP"].rpartition(":")
    socket.create_connection((host, int(port)), timeout=2).close()


def provision(settings: Settings) -> None:
    """Create the topics that are not there; those that are keep their settings and their messages."""
    asyncio.run(_provision(settings))


async def _provision(settings: Settings) -> None:
    topics = [
        NewTopic(name, num_partitions=PARTITIONS, replication_factor=1, topic_configs=config)
        for name, config in TOPICS.items()
    ]
    admin = await connected(settings)
    try:
        await create_topics(admin, topics)
    finally:
        await admin.close()


async def create_topics(admin: AIOKafkaAdminClient, topics: Sequence[NewTopic]) -> None:
    """Create those that are not there. RuntimeError for what the broker refuses; its client raises none."""
    answer = await admin.create_topics(list(topics), timeout_ms=20_000)
    well = (0, TopicAlreadyExistsError.errno)
    refused = [f"{name}: {code} {why}" for name, code, why in answer.topic_errors if code not in well]
    if refused:
        raise RuntimeError(f"Kafka did not create topics: {'; '.join(refused)}")


async def connected(settings: Settings) -> AIOKafkaAdminClient:
    """The port opens a moment before the broker has registered itself with its controller."""
    async with asyncio.timeout(30):
        while True:
            admin = AIOKafkaAdminClient(bootstrap_servers=settings["KAFKA_BOOTSTRAP"])
            try:
                await admin.start()
                if (await admin.describe_cluster())["brokers"]:
                    return admin
            except KafkaError:
                pass  # not yet; the deadline above ends this
            await admin.close()
            await asyncio.sleep(0.1)


def _java(settings: Settings) -> tuple[str, ...]:
    heap = "512m" if settings.profile == "run" else "384m"
    return (
        *("java", "-Xms128m", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
        f"-Dlog4j2.configurationFile={settings.folder}/kafka/log4j2.properties",
        *("-cp", f"{part('kafka')}/lib/*"),
    )
