"""The person directory: who is known, by which sign-in, and who is invited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection


@dataclass(frozen=True)
class Person:
    """A person or role mailbox. `signed_in`: known by issuer and subject, not by address alone."""

    id: UUID
    kind: str
    name: str
    email: str
    language: str
    organisation: str | None
    roles: list[str]
    deputy_id: UUID | None
    signed_in: bool
    bound_to: UUID | None


def _person(row: Any) -> Person:
    return Person(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        email=row["email"],
        language=row["language"],
        organisation=row["organisation"],
        roles=list(row["roles"]),
        deputy_id=row["deputy_id"],
        signed_in=row["issuer"] is not None,
        bound_to=row["bound_to"],
    )


async def get(conn: Connection, person_id: UUID) -> Person | None:
    row = await conn.fetchrow("select * from person where id = $1", person_id)
    return _person(row) if row else None


async def upsert_caller(conn: Connection, caller: Caller) -> Person | None:
    """The caller as their token describes them; None where nothing changed. Language and deputy are their
    own."""
    row = await conn.fetchrow(
        """insert into person (id, kind, issuer, subject, name, email, organisation, roles)
           values ($1, 'person', $2, $3, $4, $5, $6, $7)
           on conflict (id) do update set name = excluded.name, email = excluded.email,
             organisation = excluded.organisation, roles = excluded.roles, updated_at = clock_timestamp()
           where (person.name, person.email, person.organisation, person.roles)
             is distinct from (excluded.name, excluded.email, excluded.organisation, excluded.roles)
           returning *""",
        caller.person_id,
        caller.issuer,
        caller.subject,
        caller.name,
        caller.email,
        caller.organisation,
        sorted(caller.roles),
    )
    return _person(row) if row else None


async def insert(
    conn: Connection,
    person_id: UUID,
    *,
    kind: str,
    name: str,
    email: str,
    language: str,
    organisation: str | None,
    roles: Sequence[str],
) -> Person | None:
    """Enter somebody who has not signed in, or a mailbox; None where the id is known with the same data."""
    row = await conn.fetchrow(
        """insert into person (id, kind, name, email, language, organisation, roles)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (id) do update set name = excluded.name, organisation = excluded.organisation,
             roles = excluded.roles, updated_at = clock_timestamp()
           where (person.name, person.organisation, person.roles)
             is distinct from (excluded.name, excluded.organisation, excluded.roles)
           returning *""",
        person_id,
        kind,
        name,
        email,
        language,
        organisation,
        sorted(set(roles)),
    )
    return _person(row) if row else None


async def set_preferences(
    conn: Connection, person_id: UUID, language: str, deputy_id: UUID | None
) -> Person | None:
    """None where nothing changed."""
    row = await conn.fetchrow(
        """update person set language = $2, deputy_id = $3, updated_at = clock_timestamp()
           where id = $1 and (language, deputy_id) is distinct from ($2, $3) returning *""",
        person_id,
        language,
        deputy_id,
    )
    return _person(row) if row else None


async def by_email(conn: Connection, email: str) -> Person | None:
    """The person who can be reached there: one who has signed in before one who is merely invited."""
    row = await conn.fetchrow(
        """select * from person where lower(email) = lower($1) and kind = 'person' and bound_to is null
           order by (issuer is null), updated_at desc, id limit 1""",
        email,
    )
    return _person(row) if row else None


async def page(
    conn: Connection, *, role: str | None, organisation: str | None, after: UUID | None, limit: int
) -> list[Person]:
    """People by id."""
    rows = await conn.fetch(
        """select * from person where bound_to is null and ($1::text is null or $1 = any(roles))
             and ($2::text is null or organisation = $2) and ($3::uuid is null or id > $3)
           order by id limit $4""",
        role,
        organisation,
        after,
        limit,
    )
    return [_person(row) for row in rows]


@dataclass(frozen=True)
class Invitation:
    id: UUID
    person_id: UUID
    application_id: UUID | None
    as_editor: bool
    expires_at: datetime
    accepted_at: datetime | None


async def insert_invitation(
    conn: Connection,
    invitation_id: UUID,
    *,
    token_hash: str,
    person_id: UUID,
    application_id: UUID | None,
    as_editor: bool,
    invited_by: UUID,
    expires_at: datetime,
) -> None:
    await conn.execute(
        """insert into invitation (id, token_hash, person_id, application_id, as_editor, invited_by,
        expires_at)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        invitation_id,
        token_hash,
        person_id,
        application_id,
        as_editor,
        invited_by,
        expires_at,
    )


async def lock_invitation(conn: Connection, token_hash: str) -> Invitation | None:
    row = await conn.fetchrow("select * from invitation where token_hash = $1 for update", token_hash)
    if row is None:
        return None
    return Invitation(
        row["id"],
        row["person_id"],
        row["application_id"],
        row["as_editor"],
        row["expires_at"],
        row["accepted_at"],
    )


async def bind(conn: Connection, invited_id: UUID, signed_in_id: UUID) -> list[Invitation]:
    """Everything the invited address was asked for now belongs to who signed in; the invitations are used
    up."""
    await conn.execute("update person set bound_to = $2 where id = $1", invited_id, signed_in_id)
    rows = await conn.fetch(
        """update invitation set accepted_at = clock_timestamp(), accepted_by = $2
           where person_id = $1 and accepted_at is null returning *""",
        invited_id,
        signed_in_id,
    )
    return [
        Invitation(
            row["id"],
            row["person_id"],
            row["application_id"],
            row["as_editor"],
            row["expires_at"],
            row["accepted_at"],
        )
        for row in rows
    ]


async def bound_to(conn: Connection, person_id: UUID) -> list[UUID]:
    """The addresses without a sign-in whose invitations this person took."""
    rows = await conn.fetch("select id from person where bound_to = $1 order by id", person_id)
    return [row["id"] for row in rows]


async def is_needed(conn: Connection, person_id: UUID) -> bool:
    """Whether a case or somebody's deputy refers to the person."""
    needed: bool = await conn.fetchval(
        """select exists (select from application where holder_id = $1)
               or exists (select from editor where person_id = $1)
               or exists (select from endorsement where person_id = $1)
               or exists (select from person where deputy_id = $1)""",
        person_id,
    )
    return needed


async def delete(conn: Connection, person_id: UUID) -> None:
    """Forget the person and their invitations."""
    await conn.execute("delete from invitation where person_id = $1", person_id)
    await conn.execute("delete from person where id = $1", person_id)
