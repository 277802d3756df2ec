"""SQL of the people funding knows of: ids only, and whether they have signed in."""

from uuid import UUID

from services.common.db import Connection


async def save_person(conn: Connection, person_id: UUID, *, signed_in: bool) -> None:
    await conn.execute(
        """insert into person (id, signed_in) values ($1, $2)
           on conflict (id) do update set signed_in = excluded.signed_in""",
        person_id,
        signed_in,
    )


async def forget_person(conn: Connection, person_id: UUID) -> None:
    await conn.execute("delete from person where id = $1", person_id)


async def has_signed_in(conn: Connection, person_id: UUID) -> bool:
    """False also for a person nobody has told of."""
    found: bool = await conn.fetchval(
        "select exists (select from person where id = $1 and signed_in)", person_id
    )
    return found
