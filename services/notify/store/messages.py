"""SQL of messages on their way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.common.db import Connection


@dataclass(frozen=True)
class Draft:
    """A message to be written: one fact to one recipient."""

    event_id: UUID
    recipient: str
    person_id: UUID | None
    event_type: str
    template: str
    data: Mapping[str, Any]
    key: str
    application_id: UUID | None
    call_id: str | None
    task_id: UUID | None
    traceparent: str | None
    call_trace: str | None
    as_applicant: bool = False
    """told as the holder or a co-editor, of what is theirs whatever conflict they declare"""


@dataclass(frozen=True)
class Message:
    """A message on its way."""

    id: UUID
    person_id: UUID
    event_type: str
    template: str
    data: Mapping[str, Any]
    key: str
    application_id: UUID | None
    call_id: str | None
    task_id: UUID | None
    state: str
    attempts: int
    traceparent: str | None
    call_trace: str | None
    task_kind: str | None
    task_closed: bool | None
    as_applicant: bool
    created_at: datetime


async def add_message(conn: Connection, draft: Draft, state: str, reason: str | None) -> UUID | None:
    """Write the message row; None where this person was told of this event already."""
    ended = "clock_timestamp()" if state in ("withheld", "failed") else "null"
    found: UUID | None = await conn.fetchval(
        f"""insert into message (event_id, recipient, person_id, event_type, template, data, key,
           application_id, call_id,
                                 task_id, traceparent, call_trace, as_applicant, status, reason, ended_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, {ended})
            on conflict (event_id, recipient) do nothing returning id""",
        draft.event_id,
        draft.recipient,
        draft.person_id,
        draft.event_type,
        draft.template,
        dict(draft.data),
        draft.key,
        draft.application_id,
        draft.call_id,
        draft.task_id,
        draft.traceparent,
        draft.call_trace,
        draft.as_applicant,
        state,
        reason,
    )
    return found


@dataclass(frozen=True)
class Work:
    """Whether a message is due, and whether one waits for somebody who may be known by now."""

    due: bool
    waiting: bool


async def work_to_do(conn: Connection) -> Work:
    row = await conn.fetchrow(
        """select exists (select from message where status = 'queued' and next_try_at <= clock_timestamp())
                    as due,
                  exists (select from message where status = 'unaddressed') as waiting"""
    )
    return Work(**dict(row))


async def take_waiting(conn: Connection) -> Draft | None:
    """One unaddressed message whose case, person or role is known by now, removed to be written anew."""
    row = await conn.fetchrow(
        """delete from message where id = (
             select m.id from message m where status = 'unaddressed' and case
                 when recipient = 'case' then exists (select from case_file c where c.application_id =
                 m.application_id)
                 when recipient like 'role:%' then exists (
                   select from contact c where split_part(m.recipient, ':', 2) = any(c.roles)
                     and split_part(m.recipient, ':', 3) in ('', c.organisation))
                 else exists (select from contact c where c.person_id = m.person_id) end
             order by created_at for update skip locked limit 1) returning *"""
    )
    if row is None:
        return None
    return Draft(**{name: row[name] for name in Draft.__dataclass_fields__})


async def end_unaddressed(
    conn: Connection, task_id: UUID, event_types: Sequence[str], state: str, reason: str
) -> list[UUID]:
    """End what waits for somebody to be told of this task by these facts; returns the messages."""
    rows = await conn.fetch(
        """update message set status = $3, reason = $4, ended_at = clock_timestamp()
           where task_id = $1 and event_type = any($2) and status = 'unaddressed' returning id""",
        task_id,
        list(event_types),
        state,
        reason,
    )
    return [row["id"] for row in rows]


async def lock_due(conn: Connection) -> Message | None:
    """The message whose turn it is, locked; others skip it."""
    row = await conn.fetchrow(
        f"""select {_MESSAGE} from message m
            where status = 'queued' and next_try_at <= clock_timestamp()
            order by next_try_at for update of m skip locked limit 1"""
    )
    return _message(row)


async def lock_message(conn: Connection, message_id: UUID) -> Message | None:
    row = await conn.fetchrow(f"select {_MESSAGE} from message m where id = $1 for update", message_id)
    return _message(row)


_MESSAGE = """m.id, m.person_id, m.event_type, m.template, m.data, m.key, m.application_id, m.call_id,
m.task_id,
              m.status as state, m.created_at, m.attempts, m.traceparent, m.call_trace, m.as_applicant,
              (select kind from task t where t.task_id = m.task_id) as task_kind,
              (select closed from task t where t.task_id = m.task_id) as task_closed"""


def _message(row: Any) -> Message | None:
    return Message(**dict(row)) if row else None


async def sent_last_hour(conn: Connection, person_id: UUID) -> int:
    count: int = await conn.fetchval(
        """select count(*) from message where person_id = $1 and status = 'sent'
           and ended_at > clock_timestamp() - interval '1 hour'""",
        person_id,
    )
    return count


async def set_sending(
    conn: Connection, message_id: UUID, *, address: str, language: str, subject: str
) -> None:
    await conn.execute(
        """update message set status = 'sending', sender_seen_at = clock_timestamp(), attempts = attempts + 1,
                  address = $2, language = $3, subject = $4 where id = $1""",
        message_id,
        address,
        language,
        subject,
    )


async def set_ended(
    conn: Connection, message_id: UUID, state: str, reason: str | None, relay: str | None = None
) -> None:
    await conn.execute(
        """update message set status = $2, reason = $3, relay = coalesce($4, relay), ended_at =
           clock_timestamp(),
                  sender_seen_at = null where id = $1""",
        message_id,
        state,
        reason,
        relay,
    )


async def set_queued(
    conn: Connection, message_id: UUID, pause: timedelta, reason: str, *, counts: bool
) -> None:
    """Try again after the pause; `counts` false: the attempt was not the message's fault and is taken
    back."""
    await conn.execute(
        """update message set status = 'queued', next_try_at = clock_timestamp() + $2, reason = $3,
                  attempts = greatest(attempts - $4, 0), sender_seen_at = null where id = $1""",
        message_id,
        pause,
        reason,
        0 if counts else 1,
    )


async def renew(conn: Connection, message_id: UUID, attempt: int) -> None:
    """The sender of this attempt lives."""
    await conn.execute(
        """update message set sender_seen_at = clock_timestamp()
           where id = $1 and attempts = $2 and status = 'sending'""",
        message_id,
        attempt,
    )


async def lock_lost(conn: Connection, after: timedelta) -> Message | None:
    """A message left in `sending` by a process that died, locked."""
    row = await conn.fetchrow(
        f"""select {_MESSAGE} from message m
            where status = 'sending' and sender_seen_at < clock_timestamp() - $1::interval
            order by sender_seen_at for update of m skip locked limit 1""",
        after,
    )
    return _message(row)
