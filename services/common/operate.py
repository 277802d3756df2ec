"""What an operator does by hand: doctor, parked, retry, skip, redeliver. Prints; returns the exit code."""

import argparse
import getpass
from typing import TYPE_CHECKING
from uuid import UUID

from services.common import parking
from services.common.anchors import compare
from services.common.db import Connection, connect
from services.common.doctor import examine
from services.common.errors import InfrastructureDown, NotFound, Refused, SettingsError
from services.common.outages import is_infrastructure
from services.common.record import PERSONAL_TOPICS, Actor, record
from services.common.settings import Settings
from services.common.storage import Storage

if TYPE_CHECKING:
    from services.common.run import Service


async def run(service: "Service", settings: Settings, arguments: argparse.Namespace) -> int:
    """The role named in the arguments; 0 when all is well."""
    try:
        if arguments.role == "doctor":
            return await doctor(service, settings)
        return await _parked(service, settings, arguments)
    except Refused as refused:
        print(f"{service.name}: {refused.title}: {refused.detail}")
        return 1
    except Exception as error:
        if not is_infrastructure(error):
            raise
        print(f"{service.name}: cannot be examined now: {type(error).__name__}")
        return 2


async def doctor(service: "Service", settings: Settings) -> int:
    """Run every check of the service and the kernel; each finding names its case."""
    conn = await connect(settings, service.name, "inspector", purpose="doctor")
    try:
        findings = await examine(conn, service.checks)
        try:
            findings += await compare(conn, Storage(settings))
        except (SettingsError, InfrastructureDown) as error:
            print(f"{service.name}: the audit anchors were not compared: {error}")
    finally:
        await conn.close()
    for finding in findings:
        details = ", ".join(f"{name}={value}" for name, value in finding.details.items())
        print(f"{service.name}: {finding.check.name}: {finding.key}: {details}\n    {finding.check.explain}")
    if not findings:
        print(f"{service.name}: sound")
    return 1 if findings else 0


async def _parked(service: "Service", settings: Settings, arguments: argparse.Namespace) -> int:
    from services.common.run import handlers_of, open_worker

    parts = await open_worker(service, settings)
    operator = Actor("service", f"operator {getpass.getuser()}")
    try:
        if arguments.role == "redeliver":
            async with parts.database.transaction() as conn:
                await redeliver(conn, UUID(arguments.event), operator)
            print(f"{service.name}: {arguments.event} is sent once more")
            return 0
        if arguments.role == "skip":
            key = await parking.skip(
                parts.database, service.name, UUID(arguments.event), arguments.reason, operator
            )
            print(f"{service.name}: skipped {arguments.event}")
            async with parts.database.read() as conn:
                if not await parking.is_parked(conn, service.name, key):
                    return 0
            arguments.key = key
        if arguments.role in ("retry", "skip"):
            handlers = handlers_of(service, parts)
            done = await parking.retry(parts.database, service.name, arguments.key, handlers, operator)
            print(f"{service.name}: handled {done} events of {arguments.key}")
            return 0
        async with parts.database.read() as conn:
            for event in await parking.list_open(conn, service.name):
                waits = "waits behind" if event.behind else event.reason
                print(f"{event.key}  {event.event_id}  {event.type}  {event.parked_at}  {waits}")
        return 0
    finally:
        await parts.database.close()


async def redeliver(conn: Connection, event_id: UUID, operator: Actor) -> None:
    """Let the relay send an event once more, for a consumer that did not know its type when it came (a newer
    service spoke to an older one); all others have it in their inbox. NotFound where it is not ours or its
    content has been forgotten."""
    key = await conn.fetchval(
        """update outbox set published_at = null
           where id = $1 and published_at is not null and not (payload is null and topic = any($2))
           returning key""",
        event_id,
        list(PERSONAL_TOPICS),
    )
    if key is None:
        raise NotFound(f"no event {event_id} of this service can be sent again")
    body = {"event_id": str(event_id)}
    await record(conn, key=key, actor=operator, action="event.redelivered", body=body)
