"""SQL of the log: what was sent, withheld or lost, for those who may read it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection

_LOG = """m.id, m.event_id, m.event_type, m.template, m.application_id, m.call_id, m.task_id,
          (select kind from task t where t.task_id = m.task_id) as task_kind,
          (m.data ->> 'step')::int as step, (m.data ->> 'level')::int as level,
          m.person_id, m.recipient, m.address, m.language, m.subject, m.status, m.reason, m.attempts, m.relay,
          m.created_at, m.ended_at, m.as_applicant"""


async def log_page(
    conn: Connection,
    *,
    reader: UUID,
    application_id: UUID | None,
    kind: str | None,
    person_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Mapping[str, Any]]:
    """The log, newest first, without the cases in which the reader has a conflict, but for what the reader
    was told as the applicant. `kind`: a template or task kind."""
    rows = await conn.fetch(
        f"""select {_LOG} from message m
            where ($1::uuid is null or m.application_id = $1)
              and ($2::text is null or m.template = $2
                   or m.task_id in (select task_id from task where kind = $2))
              and ($3::uuid is null or m.person_id = $3)
              and ($4::timestamptz is null or (m.created_at, m.id) < ($4, $5::uuid))
              and (m.as_applicant and m.person_id = $6 or not exists (
                select from conflict c where c.application_id = m.application_id and c.person_id = $6))
            order by m.created_at desc, m.id desc limit $7""",
        application_id,
        kind,
        person_id,
        before[0] if before else None,
        before[1] if before else None,
        reader,
        limit,
    )
    return [dict(row) for row in rows]


async def log_entry(conn: Connection, message_id: UUID) -> Mapping[str, Any] | None:
    row = await conn.fetchrow(f"select {_LOG} from message m where id = $1", message_id)
    return dict(row) if row else None
