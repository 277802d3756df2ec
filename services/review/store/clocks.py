"""SQL of the clocks of tasks: their ladders and their pauses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.common.db import Connection
from services.review.domain.tasks import Interval, PlannedStep


async def insert_steps(
    conn: Connection, task_id: UUID, due_at: datetime, steps: Iterable[PlannedStep]
) -> None:
    await conn.executemany(
        """
        insert into ladder_step (task_id, due_at, n, kind, level, at, recipients)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing
        """,
        [(task_id, due_at, each.n, each.kind, each.level, each.at, list(each.to)) for each in steps],
    )


async def steps_to_come(conn: Connection, task_id: UUID, due_at: datetime) -> list[PlannedStep]:
    """The steps of this clock that are not yet taken."""
    rows = await conn.fetch(
        """
        select n, kind, level, at, recipients from ladder_step
        where task_id = $1 and due_at = $2 and taken_at is null order by n
        """,
        task_id,
        due_at,
    )
    return [PlannedStep(r["n"], r["kind"], r["level"], r["at"], tuple(r["recipients"])) for r in rows]


async def drop_untaken(conn: Connection, task_id: UUID, due_at: datetime) -> None:
    """Forget the steps of this clock that are not taken, before it is planned anew."""
    await conn.execute(
        "delete from ladder_step where task_id = $1 and due_at = $2 and taken_at is null", task_id, due_at
    )


async def take_step(conn: Connection, task_id: UUID, due_at: datetime, n: int) -> PlannedStep | None:
    """Mark the step as taken now; None if it is unknown, taken already, or its instant has not come."""
    row = await conn.fetchrow(
        """
        update ladder_step set taken_at = clock_timestamp()
        where task_id = $1 and due_at = $2 and n = $3 and taken_at is null and at <= clock_timestamp()
        returning n, kind, level, at, recipients
        """,
        task_id,
        due_at,
        n,
    )
    if row is None:
        return None
    return PlannedStep(row["n"], row["kind"], row["level"], row["at"], tuple(row["recipients"]))


async def start_pause(conn: Connection, task_id: UUID, cause: str, at: datetime) -> None:
    await conn.execute(
        """
        insert into pause (task_id, n, cause, paused_at)
        select $1, count(*) + 1, $2, $3 from pause where task_id = $1
        """,
        task_id,
        cause,
        at,
    )


async def end_pause(conn: Connection, task_id: UUID, at: datetime) -> datetime:
    """End the pause that lasts; returns when it began."""
    paused_at: datetime = await conn.fetchval(
        "update pause set resumed_at = $2 where task_id = $1 and resumed_at is null returning paused_at",
        task_id,
        at,
    )
    return paused_at


async def pauses_of(conn: Connection, task_ids: Sequence[UUID]) -> dict[UUID, list[Interval]]:
    rows = await conn.fetch(
        "select task_id, paused_at, resumed_at from pause where task_id = any($1) order by task_id, n",
        list(task_ids),
    )
    found: dict[UUID, list[Interval]] = {}
    for row in rows:
        found.setdefault(row["task_id"], []).append(Interval(row["paused_at"], row["resumed_at"]))
    return found


async def cause_of_pause_at(conn: Connection, task_id: UUID, closed_at: datetime) -> str | None:
    """Why the task stood still when it was closed; None if it ran."""
    cause: str | None = await conn.fetchval(
        "select cause from pause where task_id = $1 and resumed_at = $2 order by n desc limit 1",
        task_id,
        closed_at,
    )
    return cause


async def time_until_step(conn: Connection, task_id: UUID, due_at: datetime, n: int) -> timedelta | None:
    """How long until the step's instant; None if there is no such step or it is taken."""
    wait: timedelta | None = await conn.fetchval(
        """
        select at - clock_timestamp() from ladder_step
        where task_id = $1 and due_at = $2 and n = $3 and taken_at is null
        """,
        task_id,
        due_at,
        n,
    )
    return wait


@dataclass(frozen=True)
class EarlyClock:
    """What facts said of a task before it was opened: why it is paused, where it was moved to."""

    cause: str | None
    due_at: datetime | None


async def note_early_pause(conn: Connection, subject: str, kind: str, n: str, cause: str) -> None:
    await conn.execute(
        """
        insert into early_clock (subject, kind, n, cause) values ($1, $2, $3, $4)
        on conflict (subject, kind, n) do update set cause = excluded.cause
        """,
        subject,
        kind,
        n,
        cause,
    )


async def note_early_move(conn: Connection, subject: str, kind: str, n: str, due_at: datetime) -> None:
    """A move ends the pause before it."""
    await conn.execute(
        """
        insert into early_clock (subject, kind, n, due_at) values ($1, $2, $3, $4)
        on conflict (subject, kind, n) do update set cause = null, due_at = excluded.due_at
        """,
        subject,
        kind,
        n,
        due_at,
    )


async def take_early(conn: Connection, subject: str, kind: str, n: str) -> EarlyClock:
    """What was noted, and forget it."""
    row = await conn.fetchrow(
        "delete from early_clock where subject = $1 and kind = $2 and n = $3 returning cause, due_at",
        subject,
        kind,
        n,
    )
    return EarlyClock(None, None) if row is None else EarlyClock(row["cause"], row["due_at"])
