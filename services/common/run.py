"""Command line and composition root of every service: api, worker, migrate, doctor, parked, retry, skip."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import structlog
from fastapi import APIRouter
from temporalio.client import Client

from services.common import metrics, telemetry, temporal
from services.common.anchors import anchor_heads
from services.common.consumer import Consumer
from services.common.db import Database
from services.common.doctor import Check as Check
from services.common.errors import SettingsError
from services.common.outages import attempt, is_infrastructure
from services.common.parking import Handler
from services.common.relay import Relay
from services.common.settings import Settings, load
from services.common.storage import Storage

_log = structlog.get_logger()

_API_CONNECTIONS = 10
_WORKER_CONNECTIONS = 8
_ANCHOR_SECONDS = 3600.0
_GAUGE_SECONDS = 15.0
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True)
class Worker:
    """What activities, jobs and handlers get. `temporal` connects at its first call."""

    settings: Settings
    database: Database
    storage: Storage
    temporal: Client


Job: TypeAlias = Callable[[Worker], Awaitable[None]]
Handlers: TypeAlias = Mapping[str, Handler]


@dataclass(frozen=True)
class Service:
    """One service as its `__main__` composes it. Handlers may be a function of the worker's parts."""

    name: str
    title: str
    migrations: Path
    routers: Callable[[], Sequence[APIRouter]] = tuple
    topics: Sequence[str] = ()
    handlers: Handlers | Callable[[Worker], Handlers] = field(default_factory=dict)
    activities: Callable[[Worker], Sequence[Callable[..., Any]]] | None = None
    jobs: Sequence[Job] = ()
    checks: Sequence[Check] = ()
    gauges: Sequence[metrics.Gauge] = ()


Role: TypeAlias = Callable[[Service, Settings], Coroutine[Any, Any, None]]


def main(
    service: Service, argv: Sequence[str] | None = None, *, roles: Mapping[str, Role] | None = None
) -> None:
    """Run one role: api | worker | migrate | doctor | parked | retry KEY | skip EVENT --reason R |
    redeliver EVENT.

    `roles` adds long-running roles or replaces one. Exits with one clear line when a setting is wrong.
    """
    running: dict[str, Role] = {"api": api, "worker": worker, **(roles or {})}
    arguments = _parse(service, running, argv)
    try:
        telemetry.setup(f"{service.name}-{arguments.role}")
        settings = load()
        if arguments.role in running:
            asyncio.run(_until_stopped(running[arguments.role](service, settings)))
        elif arguments.role == "migrate":
            from services.common.migrate import migrate  # SQLAlchemy is needed by this role alone

            for name in migrate(settings, service.name, service.migrations):
                print(f"{service.name}: applied {name}")
        else:
            from services.common import operate

            sys.exit(asyncio.run(operate.run(service, settings, arguments)))
    except SettingsError as error:
        sys.exit(f"{service.name} cannot start: {error}")
    finally:
        telemetry.shutdown()


def _parse(service: Service, running: Mapping[str, Role], argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m <{service.name}>", description=service.title)
    commands = parser.add_subparsers(dest="role", required=True)
    for name in running:
        commands.add_parser(name, help=f"run the {name} until stopped")
    commands.add_parser("migrate", help="bring the database schema up to date")
    commands.add_parser("doctor", help="check invariants, audit chains, outbox and parked events")
    commands.add_parser("parked", help="list parked events")
    retry = commands.add_parser("retry", help="handle the parked events of one key again, in order")
    retry.add_argument("key")
    skip = commands.add_parser("skip", help="give up one parked event, and go on with those behind it")
    skip.add_argument("event", help="event id")
    skip.add_argument("--reason", required=True)
    redeliver = commands.add_parser("redeliver", help="send an event of this service once more")
    redeliver.add_argument("event", help="event id")
    return parser.parse_args(argv)


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until SIGTERM or SIGINT, which cancel the work and let it finish what it is at."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


async def api(service: Service, settings: Settings) -> None:
    """Serve the HTTP API; also while everything but Postgres is away."""
    import uvicorn  # needed by this role alone, as is the application

    from services.common.auth import Authenticator
    from services.common.http import create_app

    database = await Database.open(settings, service.name, max_size=_API_CONNECTIONS)
    app = create_app(
        service.name,
        service.title,
        service.routers(),
        settings=settings,
        database=database,
        authenticator=Authenticator(settings),
        storage=Storage(settings),
    )
    host, port = settings.address(service.name)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=32_768,
    )
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving


async def worker(service: Service, settings: Settings) -> None:
    """Relay, consumer, activities and jobs of one service; each goes on when another is in trouble."""
    parts = await open_worker(service, settings)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(keep("relay", Relay(settings, service.name).run))
            group.create_task(every(_ANCHOR_SECONDS, parts, anchor_heads))
            group.create_task(every(_GAUGE_SECONDS, parts, metrics.watch(service.gauges, parts.database)))
            if service.topics:
                consumer = Consumer(parts.database, service.name, service.topics, handlers_of(service, parts))
                group.create_task(keep("consumer", consumer.run))
            if service.activities is not None:
                activities = service.activities(parts)
                group.create_task(
                    keep("activities", lambda: run_activities(service.name, settings, activities))
                )
            for job in service.jobs:
                group.create_task(keep(job.__name__, lambda job=job: job(parts)))  # type: ignore[misc]
    finally:
        await parts.database.close()


async def open_worker(service: Service, settings: Settings) -> Worker:
    """The parts of a worker; nothing is connected yet."""
    database = await Database.open(settings, service.name, max_size=_WORKER_CONNECTIONS)
    return Worker(settings, database, Storage(settings), await temporal.lazy_client(settings))


def handlers_of(service: Service, parts: Worker) -> Handlers:
    """The consumer's table {event type: handler}."""
    return service.handlers(parts) if callable(service.handlers) else service.handlers


async def run_activities(queue: str, settings: Settings, activities: Sequence[Callable[..., Any]]) -> None:
    """Poll the task queue for ever; on cancellation finishes the activities at hand."""
    client = await temporal.connect(settings)
    async with temporal.activity_worker(client, queue, activities):
        await asyncio.Event().wait()


async def keep(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run this part again whenever it fails, with a growing pause; the other parts go on meanwhile."""
    wait = 0.25
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await attempt(run())
            return
        except Exception as error:
            if is_infrastructure(error):
                _log.warning("part waits", part=name, error=type(error).__name__)
            else:
                _log.error("part failed and is started again", part=name, exc_info=error)
        lasted = asyncio.get_running_loop().time() - began
        wait = 0.25 if lasted > 30 else min(wait * 2, _LONGEST_PAUSE)
        await asyncio.sleep(wait)


async def every(seconds: float, worker: Worker, action: Job) -> None:
    """For jobs: do this now and again after each pause, for ever. A failure is tried again within seconds."""
    failures = 0
    while True:
        pause = seconds
        try:
            await attempt(action(worker))
            failures = 0
        except Exception as error:
            pause = min(seconds * 2**failures, _LONGEST_PAUSE)
            failures = min(failures + 1, 10)
            if is_infrastructure(error):
                _log.warning("job waits", job=action.__qualname__, error=type(error).__name__)
            else:
                _log.error("job failed and is tried again", job=action.__qualname__, exc_info=error)
        await asyncio.sleep(pause)
