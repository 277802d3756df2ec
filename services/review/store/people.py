"""SQL of the people review knows of: ids, roles, organisation and deputy, never names or addresses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.common.db import Connection


@dataclass(frozen=True)
class Person:
    id: UUID
    organisation: str | None
    roles: frozenset[str]
    deputy_id: UUID | None


async def save_person(
    conn: Connection,
    person_id: UUID,
    organisation: str | None,
    roles: Sequence[str],
    deputy_id: UUID | None,
    *,
    signed_in: bool,
) -> None:
    """What the newest contact says of the person."""
    await conn.execute(
        """
        insert into person (id, organisation, roles, deputy_id, signed_in) values ($1, $2, $3, $4, $5)
        on conflict (id) do update
        set organisation = excluded.organisation, roles = excluded.roles, deputy_id = excluded.deputy_id,
            signed_in = excluded.signed_in
        """,
        person_id,
        organisation,
        list(roles),
        deputy_id,
        signed_in,
    )


async def forget_person(conn: Connection, person_id: UUID) -> None:
    await conn.execute("delete from person where id = $1", person_id)


async def get_person(conn: Connection, person_id: UUID) -> Person | None:
    row = await conn.fetchrow("select * from person where id = $1", person_id)
    if row is None:
        return None
    return Person(row["id"], row["organisation"], frozenset(row["roles"]), row["deputy_id"])


async def never_signed_in(conn: Connection, person_ids: Iterable[UUID]) -> set[UUID]:
    """Those of them who are invited only."""
    rows = await conn.fetch(
        "select id from person where id = any($1::uuid[]) and not signed_in", list(person_ids)
    )
    return {row["id"] for row in rows}


async def has_conflict(conn: Connection, application_id: UUID, person_id: UUID) -> bool:
    found: bool = await conn.fetchval(
        "select exists (select from conflict where application_id = $1 and person_id = $2)",
        application_id,
        person_id,
    )
    return found
