"""SQL of tasks, their ladders and their pauses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from services.common.db import Connection
from services.review.domain.tasks import TaskState


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task row that was opened (a tombstone is never handed out)."""

    id: UUID
    subject: str
    kind: str
    n: str
    incarnation: int
    call_id: str
    application_id: UUID | None
    state: TaskState
    audience_role: str
    audience_organisation: str | None
    audience_person: UUID | None
    not_person: UUID | None
    claimed_by: UUID | None
    claimed_at: datetime | None
    opened_at: datetime
    due_at: datetime
    may_pause: bool
    act_path: str
    closed_at: datetime | None
    closed_by: str | None
    closed_because: str | None

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(**{**dict(row), "state": TaskState(row["state"])})


async def insert(conn: Connection, task: Task) -> bool:
    """Write a new task; False where this subject, kind, n and incarnation is known, opened or not."""
    found = await conn.fetchval(
        """
        insert into task (id, subject, kind, n, incarnation, call_id, application_id, state,
                          audience_role, audience_organisation, audience_person, not_person,
                          opened_at, due_at, may_pause, act_path, closed_at, closed_by, closed_because)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        on conflict do nothing returning true
        """,
        task.id,
        task.subject,
        task.kind,
        task.n,
        task.incarnation,
        task.call_id,
        task.application_id,
        task.state,
        task.audience_role,
        task.audience_organisation,
        task.audience_person,
        task.not_person,
        task.opened_at,
        task.due_at,
        task.may_pause,
        task.act_path,
        task.closed_at,
        task.closed_by,
        task.closed_because,
    )
    return bool(found)


async def insert_tombstone(
    conn: Connection,
    task_id: UUID,
    *,
    subject: str,
    kind: str,
    n: str,
    call_id: str,
    application_id: UUID | None,
    closed_by: str,
) -> bool:
    """Remember that the task was closed before it opened; False where it is known already."""
    found = await conn.fetchval(
        """
        insert into task (id, subject, kind, n, call_id, application_id, state,
                          closed_at, closed_by, closed_because)
        values ($1, $2, $3, $4, $5, $6, 'done', clock_timestamp(), $7, 'done')
        on conflict do nothing returning true
        """,
        task_id,
        subject,
        kind,
        n,
        call_id,
        application_id,
        closed_by,
    )
    return bool(found)


async def is_known(conn: Connection, subject: str, kind: str, n: str) -> bool:
    """Whether there is a row for it, a tombstone included."""
    found: bool = await conn.fetchval(
        "select exists (select from task where subject = $1 and kind = $2 and n = $3)", subject, kind, n
    )
    return found


async def lock(conn: Connection, task_id: UUID) -> Task | None:
    """The task under lock; None if unknown or a tombstone."""
    row = await conn.fetchrow(
        "select * from task where id = $1 and opened_at is not null for no key update", task_id
    )
    return None if row is None else Task.of(row)


async def lock_latest(conn: Connection, subject: str, kind: str, n: str) -> Task | None:
    """The newest incarnation under lock; None if unknown or a tombstone."""
    row = await conn.fetchrow(
        """
        select * from task where subject = $1 and kind = $2 and n = $3 and opened_at is not null
        order by incarnation desc limit 1 for no key update
        """,
        subject,
        kind,
        n,
    )
    return None if row is None else Task.of(row)


async def get(conn: Connection, task_id: UUID) -> Task | None:
    row = await conn.fetchrow("select * from task where id = $1 and opened_at is not null", task_id)
    return None if row is None else Task.of(row)


async def lock_open_of_case(conn: Connection, application_id: UUID) -> list[Task]:
    """Every open task of the case, locked in the order of their ids."""
    rows = await conn.fetch(
        "select * from task where application_id = $1 and closed_at is null order by id for no key update",
        application_id,
    )
    return [Task.of(row) for row in rows]


async def lock_cancelled_of_case(conn: Connection, application_id: UUID, because: str) -> list[Task]:
    """The newest incarnations of the tasks that this ending of the case cancelled."""
    rows = await conn.fetch(
        """
        select * from task t
        where application_id = $1 and state = 'cancelled' and closed_because = $2
          and incarnation = (select max(incarnation) from task
                             where subject = t.subject and kind = t.kind and n = t.n)
        order by id for no key update
        """,
        application_id,
        because,
    )
    return [Task.of(row) for row in rows]


async def lock_open_of_call(conn: Connection, call_id: str, kind: str) -> list[Task]:
    rows = await conn.fetch(
        """
        select * from task where call_id = $1 and kind = $2 and closed_at is null
        order by id for no key update
        """,
        call_id,
        kind,
    )
    return [Task.of(row) for row in rows]


async def lock_open_of_drafts(conn: Connection, call_id: str, alive: Sequence[UUID]) -> list[Task]:
    """The open endorsements of a call, and whatever is open on its drafts that are not among `alive`."""
    rows = await conn.fetch(
        """
        select t.* from task t join cases c on c.id = t.application_id
        where t.call_id = $1 and t.closed_at is null
          and (t.kind = 'endorse_draft' or (c.state = 'draft' and c.id <> all($2)))
          and t.kind not in ('handle_late_fact', 'reach_recipient')
        order by t.id for no key update of t
        """,
        call_id,
        list(alive),
    )
    return [Task.of(row) for row in rows]


async def of_case(conn: Connection, application_id: UUID) -> list[Task]:
    """Every task of the case that was opened, oldest first."""
    rows = await conn.fetch(
        "select * from task where application_id = $1 and opened_at is not null order by opened_at, id",
        application_id,
    )
    return [Task.of(row) for row in rows]


async def close(
    conn: Connection, task_id: UUID, state: TaskState, *, at: datetime, by: str, because: str
) -> None:
    await conn.execute(
        """
        update task set state = $2, closed_at = $3, closed_by = $4, closed_because = $5 where id = $1
        """,
        task_id,
        state,
        at,
        by,
        because,
    )
    await conn.execute(
        "update pause set resumed_at = $2 where task_id = $1 and resumed_at is null", task_id, at
    )


async def set_clock(conn: Connection, task_id: UUID, state: TaskState, due_at: datetime) -> None:
    await conn.execute("update task set state = $2, due_at = $3 where id = $1", task_id, state, due_at)


async def set_claim(conn: Connection, task_id: UUID, person: UUID | None) -> None:
    await conn.execute(
        """
        update task set claimed_by = $2,
                        claimed_at = case when $2::uuid is not null then clock_timestamp() end
        where id = $1
        """,
        task_id,
        person,
    )


async def set_audience(conn: Connection, task_id: UUID, person: UUID) -> None:
    """Hand over to one person; a claim of somebody else ends."""
    await conn.execute(
        "update task set audience_person = $2, claimed_by = null, claimed_at = null where id = $1",
        task_id,
        person,
    )
