"""Events set aside: parked in order per (consumer, key), retried or skipped by a human, never dropped."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from pydantic import JsonValue

from services.common.context import caused_by
from services.common.db import Connection, Database
from services.common.envelope import Delivery, Incoming
from services.common.errors import Malformed, NotFound, Refused
from services.common.record import PERSONAL_TOPICS, Actor, record

Handler: TypeAlias = Callable[[Connection, Incoming], Awaitable[None]]

MOST_PARKED = 20
MOST_IN_A_ROW = 3


async def lock(conn: Connection, consumer: str, key: str) -> None:
    """Wait for this consumer's turn on this key; held until the transaction ends."""
    await conn.execute(
        """select pg_advisory_xact_lock(
             hashtextextended(concat_ws('/', current_schema(), 'consume', $1::text, $2::text), 0))""",
        consumer,
        key,
    )


async def take_in(conn: Connection, consumer: str, delivery: Delivery) -> bool:
    """Enter the event into the inbox; False when it was there already."""
    done = await conn.execute(
        "insert into inbox (consumer, event_id, key, type) values ($1, $2, $3, $4) on conflict do nothing",
        consumer,
        delivery.event_id,
        delivery.key,
        delivery.type,
    )
    return done == "INSERT 0 1"


async def is_parked(conn: Connection, consumer: str, key: str) -> bool:
    """Whether an earlier event of this key is still open, so that later ones must queue behind it."""
    found: bool = await conn.fetchval(
        "select exists (select from parked where consumer = $1 and key = $2 and resolved_at is null)",
        consumer,
        key,
    )
    return found


async def park(conn: Connection, consumer: str, delivery: Delivery, reason: str, *, behind: bool) -> None:
    """Set the event aside with its bytes and headers as they came."""
    await conn.execute(
        """insert into parked
             (consumer, key, event_id, type, topic, partition, "offset", value, headers, behind, reason)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing""",
        consumer,
        delivery.key,
        delivery.event_id,
        delivery.type,
        delivery.topic,
        delivery.partition,
        delivery.offset,
        delivery.value,
        delivery.stored_headers(),
        behind,
        reason.replace("\x00", "\\x00"),
    )


async def open_causes(conn: Connection, consumer: str) -> int:
    """How many keys are open, not counting the events that only wait behind another."""
    count: int = await conn.fetchval(
        "select count(*) from parked where consumer = $1 and resolved_at is null and not behind", consumer
    )
    return count


async def halt(conn: Connection, consumer: str, reason: str) -> None:
    """Note that the consumer stops until a human has resolved something."""
    await conn.execute(
        "insert into halted (consumer, reason) values ($1, $2) on conflict do nothing", consumer, reason
    )


async def halted(conn: Connection, consumer: str) -> str | None:
    """Why the consumer has stopped, or None."""
    reason: str | None = await conn.fetchval("select reason from halted where consumer = $1", consumer)
    return reason


@dataclass(frozen=True)
class Parked:
    """One open parked event, as the command line lists it."""

    key: str
    event_id: UUID
    type: str
    behind: bool
    reason: str
    parked_at: object


async def list_open(conn: Connection, consumer: str) -> list[Parked]:
    """All open events in the order in which they would be retried."""
    rows = await conn.fetch(
        """select key, event_id, type, behind, reason, parked_at from parked
           where consumer = $1 and resolved_at is null order by key, id""",
        consumer,
    )
    return [Parked(**dict(row)) for row in rows]


async def retry(
    database: Database, consumer: str, key: str, handlers: Mapping[str, Handler], operator: Actor
) -> int:
    """Handle the parked events of one key in order until none is open; returns how many.

    Stops at the first that fails again (the error is raised, the event stays). Those that arrive meanwhile
    queue behind and are taken too. NotFound when nothing is parked for the key.
    """
    done = 0
    try:
        while await _retry_first(database, consumer, key, handlers):
            done += 1
    finally:
        if done:
            body: dict[str, JsonValue] = {"consumer": consumer, "events": done}
            async with database.transaction() as conn:
                await record(conn, key=key, actor=operator, action="parked.retried", body=body)
    if not done:
        raise NotFound(f"nothing is parked for {key}")
    return done


async def _retry_first(database: Database, consumer: str, key: str, handlers: Mapping[str, Handler]) -> bool:
    async with database.transaction() as conn:
        await lock(conn, consumer, key)
        row = await conn.fetchrow(
            """select * from parked where consumer = $1 and key = $2 and resolved_at is null
               order by id limit 1""",
            consumer,
            key,
        )
        if row is None:
            return False
        delivery = Delivery.from_row(row)
        handler = handlers.get(delivery.type)
        if handler is None:
            raise Malformed(f"no handler for the type {delivery.type!r}; skip the event or deploy one")
        with delivery.trace("retry"), caused_by(delivery.header("ce_callid"), str(delivery.event_id)):
            await handler(conn, delivery.incoming())
        await _resolve(conn, row["id"], "retried", None)
        await _resume(conn, consumer)
        return True


async def skip(database: Database, consumer: str, event_id: UUID, reason: str, operator: Actor) -> str:
    """Give up one parked event for good, with a reason; returns its key. NotFound when it is not open."""
    if not reason.strip():
        raise Refused("a reason is required")
    async with database.transaction() as conn:
        key = await conn.fetchval(
            "select key from parked where consumer = $1 and event_id = $2", consumer, event_id
        )
        if key is None:
            raise NotFound(f"{event_id} is not parked")
        await lock(conn, consumer, key)
        row = await conn.fetchrow(
            "select id, type from parked where consumer = $1 and event_id = $2 and resolved_at is null",
            consumer,
            event_id,
        )
        if row is None:
            raise NotFound(f"{event_id} is not open any more")
        await _resolve(conn, row["id"], "skipped", reason)
        await _resume(conn, consumer)
        body = {"consumer": consumer, "event": str(event_id), "type": row["type"], "reason": reason}
        await record(conn, key=key, actor=operator, action="parked.skipped", body=body)
        return str(key)


async def _resolve(conn: Connection, parked_id: int, resolution: str, note: str | None) -> None:
    await conn.execute(
        """update parked set resolved_at = clock_timestamp(), resolution = $2, note = $3,
                  value = case when topic = any($4) then null else value end
           where id = $1""",
        parked_id,
        resolution,
        note,
        list(PERSONAL_TOPICS),
    )


async def _resume(conn: Connection, consumer: str) -> None:
    """Let a stopped consumer go on, once fewer keys are open than the limit."""
    if await open_causes(conn, consumer) < MOST_PARKED:
        await conn.execute("delete from halted where consumer = $1", consumer)
