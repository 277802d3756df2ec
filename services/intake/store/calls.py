"""Calls, their deadlines and their case numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.intake.domain.instants import CallInstants
from services.intake.events.call_definition import CallDefinition


@dataclass(frozen=True)
class Call:
    """A published call. `deadline` may have moved since the definition was written."""

    id: str
    definition: CallDefinition
    opens_at: datetime
    deadline: datetime
    closes_at: datetime
    straggler_at: datetime
    draft_warnings: list[datetime]
    published_at: datetime
    closed_at: datetime | None


_COLUMNS = "id, opens_at, deadline, closes_at, straggler_at, draft_warnings, published_at, closed_at"

# A published definition never changes, and reading it takes longer than all else that a request does.
_definitions: dict[tuple[str, datetime], CallDefinition] = {}


async def _call(conn: Connection, row: Any) -> Call:
    key = (row["id"], row["published_at"])
    if key not in _definitions:
        written = await conn.fetchval("select definition from call where id = $1", row["id"])
        _definitions[key] = CallDefinition.model_validate(written)
    return Call(
        id=row["id"],
        definition=_definitions[key],
        opens_at=row["opens_at"],
        deadline=row["deadline"],
        closes_at=row["closes_at"],
        straggler_at=row["straggler_at"],
        draft_warnings=list(row["draft_warnings"]),
        published_at=row["published_at"],
        closed_at=row["closed_at"],
    )


async def insert(
    conn: Connection, definition: CallDefinition, instants: CallInstants, published_by: UUID
) -> bool:
    """False if a call with this id exists already."""
    done = await conn.fetchval(
        """insert into call (id, version, definition, opens_at, deadline, closes_at, straggler_at,
        draft_warnings,
                             published_by)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing returning true""",
        definition.id,
        definition.version,
        definition.model_dump(mode="json"),
        definition.opens_at,
        instants.deadline,
        instants.closes_at,
        instants.straggler_at,
        instants.draft_warnings,
        published_by,
    )
    return bool(done)


async def get(conn: Connection, call_id: str) -> Call | None:
    row = await conn.fetchrow(f"select {_COLUMNS} from call where id = $1", call_id)
    return await _call(conn, row) if row else None


async def require(conn: Connection, call_id: str) -> Call:
    """The call of an application, which always exists. LookupError without it."""
    call = await get(conn, call_id)
    if call is None:
        raise LookupError(call_id)
    return call


async def get_shared(conn: Connection, call_id: str) -> Call:
    """The call, kept from closing or moving until this transaction ends. LookupError without it."""
    row = await conn.fetchrow(f"select {_COLUMNS} from call where id = $1 for share", call_id)
    if row is None:
        raise LookupError(call_id)
    return await _call(conn, row)


async def lock(conn: Connection, call_id: str) -> Call | None:
    """The call for closing or moving it: waits until every submission under way is done."""
    row = await conn.fetchrow(f"select {_COLUMNS} from call where id = $1 for update", call_id)
    return await _call(conn, row) if row else None


async def page(conn: Connection, after: tuple[datetime, str] | None, limit: int) -> list[Call]:
    """Calls, newest first."""
    moment, last = after or (None, None)
    rows = await conn.fetch(
        f"""select {_COLUMNS} from call where $1::timestamptz is null or (published_at, id) < ($1, $2)
           order by published_at desc, id desc limit $3""",
        moment,
        last,
        limit,
    )
    return [await _call(conn, row) for row in rows]


async def close(conn: Connection, call_id: str) -> datetime:
    closed_at: datetime = await conn.fetchval(
        "update call set closed_at = clock_timestamp() where id = $1 returning closed_at", call_id
    )
    return closed_at


async def move(conn: Connection, call: Call, instants: CallInstants, reason: str, moved_by: UUID) -> None:
    await conn.execute(
        """insert into deadline_move (call_id, n, old_deadline, new_deadline, reason, moved_by)
           select $1, coalesce(max(n), 0) + 1, $2, $3, $4, $5 from deadline_move where call_id = $1""",
        call.id,
        call.deadline,
        instants.deadline,
        reason,
        moved_by,
    )
    await conn.execute(
        """update call set deadline = $2, closes_at = $3, straggler_at = $4, draft_warnings = $5 where id =
        $1""",
        call.id,
        instants.deadline,
        instants.closes_at,
        instants.straggler_at,
        instants.draft_warnings,
    )


async def holders(conn: Connection, call_id: str) -> list[UUID]:
    """Everyone who holds an application or a draft of the call."""
    rows = await conn.fetch(
        "select distinct holder_id from application where call_id = $1 order by holder_id", call_id
    )
    return [row["holder_id"] for row in rows]


async def next_case_number(conn: Connection, year: int) -> str:
    """`2023-0042`; numbers of a year have no gaps, since the counter is taken back if the submission
    fails."""
    last = await conn.fetchval(
        """insert into case_counter (year, last) values ($1, 1)
           on conflict (year) do update set last = case_counter.last + 1 returning last""",
        year,
    )
    return f"{year}-{last:04d}"
