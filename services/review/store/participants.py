"""SQL of a round's members: their tasks, their locks, their declarations."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.review.domain.panels import Member


async def lock_member(conn: Connection, round_id: str, person_id: UUID) -> bool | None:
    """Whether the member's scores are final, held so until the transaction ends; None for who is no member.

    Saving scores takes this lock and not that of the round, so that members never wait for each other.
    """
    locked: bool | None = await conn.fetchval(
        """
        select locked_at is not null from round_member
        where round_id = $1 and person_id = $2 for no key update
        """,
        round_id,
        person_id,
    )
    return locked


async def change_member(conn: Connection, round_id: str, person_id: UUID, **columns: Any) -> None:
    sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, start=3))
    await conn.execute(
        f"update round_member set {sets} where round_id = $1 and person_id = $2",
        round_id,
        person_id,
        *columns.values(),
    )


async def count_up(conn: Connection, round_id: str, person_id: UUID, column: str) -> int:
    """Another task for the member: `column` is declarations or judgings; returns its number."""
    flag = {"declarations": "declaring", "judgings": "judging"}[column]
    n: int = await conn.fetchval(
        f"""
        update round_member set {column} = {column} + 1, {flag} = true
        where round_id = $1 and person_id = $2 returning {column}
        """,
        round_id,
        person_id,
    )
    return n


async def set_locked(conn: Connection, round_id: str, person_id: UUID) -> None:
    """The member's scores are final, and nobody waits for them."""
    await conn.execute(
        """
        update round_member set judging = false, locked_at = clock_timestamp()
        where round_id = $1 and person_id = $2
        """,
        round_id,
        person_id,
    )


async def tasks_of(conn: Connection, round_id: str, person_id: UUID) -> tuple[int, int]:
    """The numbers of the member's newest tasks: declarations, judgings."""
    row = await conn.fetchrow(
        "select declarations, judgings from round_member where round_id = $1 and person_id = $2",
        round_id,
        person_id,
    )
    return row["declarations"], row["judgings"]


async def add_members(conn: Connection, round_id: str, members: Iterable[Member], *, standin: bool) -> None:
    await conn.executemany(
        """
        insert into round_member (round_id, person_id, chair, user_representative, standin)
        values ($1, $2, $3, $4, $5)
        """,
        [(round_id, each.person_id, each.chair, each.user_representative, standin) for each in members],
    )


async def add_declarations(
    conn: Connection, round_id: str, person_id: UUID, declared: Iterable[tuple[UUID, bool]]
) -> None:
    """(application, whether there is a conflict) for each case the member declares on."""
    await conn.executemany(
        """
        insert into declaration (round_id, application_id, person_id, conflict, declared_at)
        values ($1, $2, $3, $4, clock_timestamp())
        on conflict (round_id, application_id, person_id)
        do update set conflict = excluded.conflict, declared_at = excluded.declared_at
        """,
        [(round_id, application_id, person_id, conflict) for application_id, conflict in declared],
    )


async def add_conflict(
    conn: Connection, application_id: UUID, person_id: UUID, call_id: str, ground: str | None
) -> None:
    await conn.execute(
        """
        insert into conflict (application_id, person_id, call_id, ground) values ($1, $2, $3, $4)
        on conflict do nothing
        """,
        application_id,
        person_id,
        call_id,
        ground,
    )


async def ever_members(conn: Connection, round_id: str) -> set[UUID]:
    """Everybody who takes part in the round, or did until they stood down."""
    rows = await conn.fetch("select person_id from round_member where round_id = $1", round_id)
    return {row["person_id"] for row in rows}


async def set_stood_down(conn: Connection, round_id: str, person_id: UUID) -> None:
    await conn.execute(
        """
        update round_member
        set stood_down_at = clock_timestamp(), declaring = false, judging = false, chair = false
        where round_id = $1 and person_id = $2
        """,
        round_id,
        person_id,
    )


async def forget_answers(conn: Connection, application_id: UUID, person_id: UUID) -> None:
    """Drop the kept answers that name the case: a repeated request shall not tell the person of it again."""
    await conn.execute(
        "delete from idempotency where person_id = $1 and position($2 in response::text) > 0",
        person_id,
        str(application_id),
    )


async def set_away(conn: Connection, round_id: str, person_id: UUID) -> None:
    await conn.execute(
        "update round_member set away = true, chair = false where round_id = $1 and person_id = $2",
        round_id,
        person_id,
    )
