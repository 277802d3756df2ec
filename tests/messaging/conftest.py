"""One broker for all messaging tests, which they may kill; each test has topics and a database of its own."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from services.common.db import Connection, Database
from services.common.record import Actor, record
from services.common.settings import Settings
from tests.messaging.service import on_topic
from tests.support import processes
from tests.support.broker import Broker

_numbers = itertools.count()


@pytest.fixture(scope="session")
def session_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def broker(session_broker: Broker) -> Iterator[Broker]:
    """The broker, running; one that the test killed or froze is brought back afterwards."""
    yield session_broker
    session_broker.bring_back()


@pytest.fixture
async def topic(broker: Broker) -> str:
    """A new topic of three partitions."""
    name = f"t{next(_numbers)}.events"
    await broker.create_topics(name)
    return name


@pytest.fixture
def brand_new() -> bool:
    """Workers anchor the ends of audit chains in the object store: once emptied, it would look robbed."""
    return True


@pytest.fixture
def settings(settings: Settings, broker: Broker) -> Settings:
    """The test's own database, and the broker of these tests."""
    return settings.model_copy(update={"kafka_bootstrap": broker.bootstrap})


@pytest.fixture
async def running() -> AsyncIterator[Callable[[Awaitable[None]], asyncio.Task[None]]]:
    """`running(relay.run())`: runs beside the test, and is cancelled after it. Its failure fails the test."""
    tasks: list[asyncio.Task[None]] = []

    def start(work: Any) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def process(settings: Settings, topic: str, tmp_path: Path) -> Iterator[Callable[..., processes.Process]]:
    """`process("worker", FAILPOINT=...)`: the service under test in a role, as a real process."""
    started: list[processes.Process] = []

    def start(*arguments: str, **environment: str) -> processes.Process:
        known = {
            **os.environ,
            "POSTGRES_DB": settings.postgres_db,
            "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "TEST_TOPICS": topic,
            "FAILPOINT_LOG": str(tmp_path / "failpoints"),
            **environment,
        }
        command = processes.python("tests.messaging.service", *arguments)
        started.append(processes.Process(command, known, tmp_path / f"process-{len(started)}.log"))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
async def emit(open_database: Any, topic: str) -> Callable[..., Awaitable[None]]:
    """`await emit("K1", 3, trouble="refuse")`: a command of intake that emits one fact on this topic."""
    database: Database = await open_database("intake")

    async def one(key: str, number: int, trouble: str = "", on: str | None = None) -> None:
        fact = on_topic(on or topic, number=number, trouble=trouble)
        async with database.transaction() as conn:
            actor = Actor("service", "intake")
            await record(conn, key=key, actor=actor, action="emit", body={}, events=[fact])

    return one


async def unsent(conn: Connection) -> int:
    """How many rows of the outbox the broker has not acknowledged."""
    count: int = await conn.fetchval("select count(*) from outbox where published_at is null")
    return count


async def applied(conn: Connection, key: str | None = None) -> list[int]:
    """The numbers that the consumer has applied (to this key), in order."""
    rows = await conn.fetch(
        "select body from audit where action = 'counted' and ($1::text is null or key = $1) order by seq", key
    )
    return [json.loads(row["body"])["number"] for row in rows]


def firsts(messages: list[Any]) -> list[Any]:
    """These messages without what the relay has sent again, which has the same id."""
    found: dict[bytes, Any] = {}
    for message in messages:
        found.setdefault(dict(message.headers)["ce_id"], message)
    return list(found.values())


def numbers(messages: list[Any], key: str | None = None) -> list[int]:
    """The numbers in these messages (of this key), as they first came to lie on the topic."""
    return [json.loads(m.value)["number"] for m in firsts(messages) if key is None or m.key == key.encode()]
