"""SQL of the barrier: the cases that the round of a call waits for."""

from collections.abc import Iterable
from uuid import UUID

from services.common.db import Connection


async def note_alive(conn: Connection, call_id: str, application_ids: Iterable[UUID]) -> None:
    """These cases were alive when the call closed."""
    await conn.executemany(
        "insert into alive_at_closing (call_id, application_id) values ($1, $2) on conflict do nothing",
        [(call_id, application_id) for application_id in application_ids],
    )


async def waited_for(conn: Connection, call_id: str) -> list[UUID]:
    """The cases alive at closing, or alive again since, that have neither entered a round nor ended.

    One that intake counted and whose own fact is still on its way is waited for as well.
    """
    rows = await conn.fetch(
        """
        select application_id from (
          select application_id from alive_at_closing where call_id = $1
          union
          select id from cases where call_id = $1 and state in ('prescreening', 'returned', 'consulting')
        ) alive
        where not exists
          (select from cases where id = alive.application_id and state in ('in_round', 'decided', 'ended'))
        order by application_id
        """,
        call_id,
    )
    return [row["application_id"] for row in rows]


async def note_formal_check(conn: Connection, application_id: UUID, version: int) -> None:
    await conn.execute(
        "insert into formal_check (application_id, version) values ($1, $2) on conflict do nothing",
        application_id,
        version,
    )


async def missing(conn: Connection, application_id: UUID) -> list[str]:
    """What the case lacks before its panel: formal_check, prescreening, consultation_<organisation>.

    Nothing can be said of a case that has not arrived.
    """
    row = await conn.fetchrow(
        """
        select
          exists (select from formal_check f where f.application_id = c.id and f.version = c.version)
            as formal_check,
          exists (select from prescreening p where p.application_id = c.id and p.version = c.version)
            as prescreening,
          array(
            select organisation from unnest(c.touches) organisation
            except select organisation from consultation where application_id = c.id
            except select organisation from clarification
                   where application_id = c.id and answered_at is not null
            order by 1
          ) as consultations
        from cases c where c.id = $1
        """,
        application_id,
    )
    if row is None:
        return []
    first = [name for name in ("formal_check", "prescreening") if not row[name]]
    return first + [f"consultation_{organisation}" for organisation in row["consultations"]]


async def waived(conn: Connection, application_id: UUID) -> list[str]:
    """Of what the case is missing, the consultations that an adviser lets it go on without."""
    rows = await conn.fetch("select organisation from waiver where application_id = $1", application_id)
    without = {f"consultation_{row['organisation']}" for row in rows}
    return [each for each in await missing(conn, application_id) if each in without]


async def complete(conn: Connection, call_id: str, straggler_ids: Iterable[UUID]) -> None:
    await conn.execute("update call set round_complete_at = clock_timestamp() where id = $1", call_id)
    await conn.executemany(
        """
        insert into alive_at_closing (call_id, application_id, straggler) values ($1, $2, true)
        on conflict (call_id, application_id) do update set straggler = true
        """,
        [(call_id, application_id) for application_id in straggler_ids],
    )


async def pass_straggler_instant(conn: Connection, call_id: str) -> bool:
    """Note that the instant has passed; False where it was noted before."""
    passed = await conn.fetchval(
        """
        update call set straggler_passed_at = clock_timestamp()
        where id = $1 and straggler_passed_at is null returning true
        """,
        call_id,
    )
    return bool(passed)
