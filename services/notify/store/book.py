"""SQL of the address book, and of what notify knows of calls, cases, tasks and conflicts of interest."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.notify.domain import Audience, CaseFile, Contact


async def upsert_contact(conn: Connection, fields: Mapping[str, Any]) -> None:
    await conn.execute(
        """insert into contact (person_id, kind, name, email, language, organisation, roles, deputy_id,
           invitation_token)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           on conflict (person_id) do update set kind = excluded.kind, name = excluded.name, email =
           excluded.email,
             language = excluded.language, organisation = excluded.organisation, roles = excluded.roles,
             deputy_id = excluded.deputy_id, invitation_token = excluded.invitation_token,
             updated_at = clock_timestamp()""",
        *(
            fields[name]
            for name in ("person_id", "kind", "name", "email", "language", "organisation", "roles")
        ),
        fields["deputy_id"],
        fields["invitation_token"],
    )


async def delete_contact(conn: Connection, person_id: UUID) -> None:
    """Forget the person, also in what was sent: the log keeps that something was sent, not to which
    address."""
    await conn.execute("delete from contact where person_id = $1", person_id)
    await conn.execute("update message set address = null, subject = null where person_id = $1", person_id)


async def contact(conn: Connection, person_id: UUID) -> Contact | None:
    row = await conn.fetchrow(
        """select person_id, name, email, language, deputy_id, invitation_token from contact
           where person_id = $1""",
        person_id,
    )
    return Contact(**dict(row)) if row else None


async def with_role(conn: Connection, audience: Audience) -> list[UUID]:
    """Everybody with this role (of this organisation, if named); of several rows of one address only one."""
    rows = await conn.fetch(
        """select distinct on (lower(email)) person_id from contact
           where $1 = any(roles) and ($2::text is null or organisation = $2) order by lower(email),
           person_id""",
        audience.role,
        audience.organisation,
    )
    return [row["person_id"] for row in rows]


async def deputies(conn: Connection, person_ids: Sequence[UUID]) -> list[UUID]:
    rows = await conn.fetch(
        """select deputy_id from contact where person_id = any($1) and deputy_id is not null
           order by deputy_id""",
        list(person_ids),
    )
    return [row["deputy_id"] for row in rows]


async def set_call(conn: Connection, call_id: str, title: Mapping[str, str]) -> None:
    await conn.execute(
        """insert into call (call_id, title) values ($1, $2)
           on conflict (call_id) do update set title = excluded.title""",
        call_id,
        dict(title),
    )


async def call_title(conn: Connection, call_id: str | None) -> Mapping[str, str]:
    found: Mapping[str, str] | None = await conn.fetchval(
        "select title from call where call_id = $1", call_id
    )
    return found or {}


async def set_case(conn: Connection, case: CaseFile) -> None:
    """Note what is known; what an earlier fact told and this one does not is kept."""
    await conn.execute(
        """insert into case_file (application_id, call_id, holder_id, editor_ids, organisation, title,
           case_number)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (application_id) do update set holder_id = excluded.holder_id,
             editor_ids = case when excluded.case_number is null then case_file.editor_ids else
             excluded.editor_ids end,
             organisation = coalesce(excluded.organisation, case_file.organisation),
             title = coalesce(excluded.title, case_file.title),
             case_number = coalesce(excluded.case_number, case_file.case_number)""",
        case.application_id,
        case.call_id,
        case.holder_id,
        list(case.editor_ids),
        case.organisation,
        case.title,
        case.case_number,
    )


async def case_file(conn: Connection, application_id: UUID | None) -> CaseFile | None:
    row = await conn.fetchrow("select * from case_file where application_id = $1", application_id)
    return CaseFile(**dict(row) | {"editor_ids": tuple(row["editor_ids"])}) if row else None


async def set_task(conn: Connection, task_id: UUID, kind: str, audience: Mapping[str, Any]) -> None:
    await conn.execute(
        """insert into task (task_id, kind, audience) values ($1, $2, $3)
           on conflict (task_id) do update set audience = excluded.audience""",
        task_id,
        kind,
        dict(audience),
    )


async def task_audience(conn: Connection, task_id: UUID) -> Audience | None:
    data = await conn.fetchval("select audience from task where task_id = $1", task_id)
    return Audience.of(data) if data else None


async def set_closed(conn: Connection, task_id: UUID) -> None:
    await conn.execute("update task set closed = true where task_id = $1", task_id)


async def add_conflict(conn: Connection, application_id: UUID, person_id: UUID) -> None:
    await conn.execute(
        "insert into conflict (application_id, person_id) values ($1, $2) on conflict do nothing",
        application_id,
        person_id,
    )


async def conflicted(conn: Connection, application_id: UUID | None, person_id: UUID) -> bool:
    """Whether this person, or another of the same address, has a conflict of interest in the case.

    Who was entered by address before the first sign-in is another person id until the invitation is used.
    """
    found: bool = await conn.fetchval(
        """select exists (
             select from conflict where application_id = $1 and (person_id = $2 or person_id in (
               select other.person_id from contact one join contact other on lower(other.email) =
               lower(one.email)
               where one.person_id = $2)))""",
        application_id,
        person_id,
    )
    return found
