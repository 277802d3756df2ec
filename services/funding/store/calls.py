"""Calls and their pots."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.common.db import Connection
from services.common.errors import NotYet
from services.funding.domain.money import Pot
from services.intake.events import CallDefinition


@dataclass(frozen=True)
class Call:
    id: str
    definition: CallDefinition
    published_at: datetime | None
    kickoff_at: datetime | None


@dataclass(frozen=True)
class LockedPot:
    """The row lock of a panel's money; keep it until the end of the command."""

    call_id: str
    panel: str
    pot: Pot
    reserve_size: int


async def add_call(conn: Connection, call_id: str, definition: dict[str, Any], deadline: datetime) -> bool:
    """The call and one pot per panel. False when it is known already: then nothing is changed."""
    parsed = CallDefinition.model_validate(definition)
    added = await conn.execute(
        "insert into call (id, definition, deadline, pot) values ($1, $2, $3, $4) on conflict do nothing",
        call_id,
        definition,
        deadline,
        sum(panel.pot for panel in parsed.panels),
    )
    if added != "INSERT 0 1":
        return False
    await conn.executemany(
        "insert into pot (call_id, panel, amount, reserve_size) values ($1, $2, $3, $4)",
        [(call_id, panel.code, panel.pot, panel.reserve_size) for panel in parsed.panels],
    )
    return True


async def find_call(conn: Connection, call_id: str) -> Call | None:
    row = await conn.fetchrow("select definition, published_at, kickoff_at from call where id = $1", call_id)
    if row is None:
        return None
    definition = CallDefinition.model_validate(row["definition"])
    return Call(call_id, definition, row["published_at"], row["kickoff_at"])


async def get_call(conn: Connection, call_id: str) -> Call:
    """The call of a case that we hold. Its fact travels under another key and may be on its way: waited
    out."""
    call = await find_call(conn, call_id)
    if call is None:
        raise NotYet(f"the call {call_id} has not arrived yet")
    return call


async def lock_pots(conn: Connection, call_id: str, panels: Sequence[str]) -> dict[str, LockedPot]:
    """The pots of these panels, locked in one order. Always the first lock of a command that moves money."""
    rows = await conn.fetch(
        "select * from pot where call_id = $1 and panel = any($2::text[]) order by panel for update",
        call_id,
        sorted(set(panels)),
    )
    return {
        row["panel"]: LockedPot(
            call_id, row["panel"], Pot(row["amount"], row["awarded"], row["held"]), row["reserve_size"]
        )
        for row in rows
    }


async def save_pot(conn: Connection, call_id: str, panel: str, before: Pot, after: Pot) -> None:
    """Write the pot and the call's total. The database refuses what would exceed either."""
    await conn.execute(
        "update pot set awarded = $3, held = $4 where call_id = $1 and panel = $2",
        call_id,
        panel,
        after.awarded,
        after.held,
    )
    if after.awarded != before.awarded:
        await conn.execute(
            "update call set awarded = awarded + $2 where id = $1", call_id, after.awarded - before.awarded
        )


async def publish(conn: Connection, call_id: str, at: datetime, kickoff_at: datetime) -> bool:
    """Mark the list of recipients as public; False when it was."""
    done = await conn.execute(
        "update call set published_at = $2, kickoff_at = $3 where id = $1 and published_at is null",
        call_id,
        at,
        kickoff_at,
    )
    return done == "UPDATE 1"


async def set_deadline(conn: Connection, call_id: str, deadline: datetime) -> None:
    await conn.execute("update call set deadline = $2 where id = $1", call_id, deadline)
