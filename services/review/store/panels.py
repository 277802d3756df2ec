"""SQL of panels, and of who leads a round."""

from collections.abc import Sequence
from uuid import UUID

from services.common.db import Connection
from services.review.domain.panels import Member


async def members_of(conn: Connection, call_id: str, panel: str) -> list[Member]:
    rows = await conn.fetch(
        """
        select person_id, chair, user_representative from panel_member
        where call_id = $1 and panel = $2 order by chair desc, user_representative, person_id
        """,
        call_id,
        panel,
    )
    return [Member(**dict(row)) for row in rows]


async def replace_members(conn: Connection, call_id: str, panel: str, members: Sequence[Member]) -> None:
    await conn.execute("delete from panel_member where call_id = $1 and panel = $2", call_id, panel)
    await conn.executemany(
        """
        insert into panel_member (call_id, panel, person_id, chair, user_representative)
        values ($1, $2, $3, $4, $5)
        """,
        [(call_id, panel, each.person_id, each.chair, each.user_representative) for each in members],
    )


async def chair_of(conn: Connection, round_id: str) -> UUID | None:
    """Who leads the round: whose the meeting is, else its chair; before it opened, the chair of its panel.

    None for the round of a case that its chair has a conflict in.
    """
    chair: UUID | None = await conn.fetchval(
        """
        select coalesce(
          r.led_by,
          (select person_id from round_member m where round_id = r.id and chair and not exists
             (select from conflict where application_id = r.application_id and person_id = m.person_id)),
          (select person_id from panel_member where call_id = r.call_id and panel = r.panel and chair
             and r.application_id is null))
        from panel_round r where r.id = $1
        """,
        round_id,
    )
    return chair


async def took_part(conn: Connection, application_id: UUID, but_round: str) -> set[UUID]:
    """Everyone who was a member of another round that assessed the case, and did not only hold it."""
    rows = await conn.fetch(
        """
        select m.person_id from round_member m join ranking_place p using (round_id)
        where p.application_id = $1 and round_id <> $2
        """,
        application_id,
        but_round,
    )
    return {row["person_id"] for row in rows}
