"""What lists, pages and the public register show: rows across tables, read only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.funding.store.cases import Case, case_of_row


@dataclass(frozen=True)
class Holder:
    application_id: UUID
    holder_id: UUID


async def cases_of_round(conn: Connection, round_id: str) -> dict[UUID, Case]:
    """Every case that was laid out in the round."""
    rows = await conn.fetch(
        """select c.id, c.call_id, c.state, c.version, c.case_number, c.category, c.panel, c.organisation,
                  c.title, c.statement, c.holder_id, c.editor_ids, c.applied, c.decision_version, c.held,
                  c.reserve_position, c.held_back, c.offers, c.reserve_until, c.ended_as, c.ended_from
           from cases c join proposal p on p.application_id = c.id where p.decision_round_id = $1""",
        round_id,
    )
    return {row["id"]: case_of_row(row) for row in rows}


async def holders_of_decided(conn: Connection, call_id: str) -> list[UUID]:
    """The holders of every decided case of the call, each once."""
    rows = await conn.fetch(
        "select distinct holder_id from cases where call_id = $1 and decision_version > 0 order by 1", call_id
    )
    return [row["holder_id"] for row in rows]


async def awards_of_call(conn: Connection, call_id: str) -> list[Holder]:
    """The awards of the call that are not lost."""
    rows = await conn.fetch(
        """select application_id, holder_id from award where call_id = $1 and state <> 'lost'
           order by application_id""",
        call_id,
    )
    return [Holder(row["application_id"], row["holder_id"]) for row in rows]


async def recipients(
    conn: Connection, person_id: UUID | None, call_id: str | None, after: tuple[str, str] | None, limit: int
) -> list[dict[str, Any]]:
    """The public register (E11): awards of published rounds that stand, by call and case number; without
    those that do not exist for this person, if one asks by name."""
    rows = await conn.fetch(
        """select c.call_id, c.case_number, c.title, c.organisation, c.category, a.amount, c.statement,
                  a.state = 'closed' as completed
           from award a join cases c on c.id = a.application_id join call l on l.id = a.call_id
           where l.published_at is not null and a.state <> 'lost' and ($2::text is null or a.call_id = $2)
             and ($3::text is null or (c.call_id, c.case_number) > ($3, $4))
             and not exists (select from conflict f where f.application_id = c.id and f.person_id = $1)
           order by c.call_id, c.case_number limit $5""",
        person_id,
        call_id,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )
    return [dict(row) for row in rows]


async def portfolio(
    conn: Connection, person_id: UUID, call_id: str | None, after: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Every award, without those that do not exist for this person."""
    rows = await conn.fetch(
        """select a.application_id, a.call_id, c.case_number, c.title, c.organisation, c.category, a.panel,
                  a.state, a.amount, a.start_due_at, a.started_at, a.started_late, a.ends_at, a.lost_as,
                  (select count(*)::int from report r where r.application_id = a.application_id
                     and r.state <> 'approved' and r.due_at < clock_timestamp()) as reports_overdue,
                  (select coalesce(sum(i.amount), 0)::bigint from invoice i
                     where i.application_id = a.application_id) as invoiced
           from award a join cases c on c.id = a.application_id
           where ($2::text is null or a.call_id = $2) and ($3::uuid is null or a.application_id > $3)
             and not exists (select from conflict f
                             where f.application_id = a.application_id and f.person_id = $1)
           order by a.application_id limit $4""",
        person_id,
        call_id,
        after,
        limit,
    )
    return [dict(row) for row in rows]


async def pots(conn: Connection, call_id: str | None) -> list[dict[str, Any]]:
    """What each panel has given, holds for an offer, and has left."""
    rows = await conn.fetch(
        """select call_id, panel, amount, awarded, held, amount - awarded - held as free from pot
           where $1::text is null or call_id = $1 order by call_id, panel""",
        call_id,
    )
    return [dict(row) for row in rows]


async def reserve_list(conn: Connection, person_id: UUID, call_id: str, panel: str) -> list[dict[str, Any]]:
    """The panel's reserve list in order, without those that do not exist for this person."""
    rows = await conn.fetch(
        """select c.id as application_id, c.case_number, c.title, c.organisation,
                  c.reserve_position as position, c.state, c.reserve_until, d.amount, c.held_back
           from cases c join decision d on d.application_id = c.id and d.version = c.decision_version
           where c.call_id = $2 and c.panel = $3 and c.state in ('reserve', 'offered', 'moving')
             and not exists (select from conflict f where f.application_id = c.id and f.person_id = $1)
           order by c.reserve_position""",
        person_id,
        call_id,
        panel,
    )
    return [dict(row) for row in rows]


async def is_consulted(conn: Connection, application_id: UUID, organisation: str) -> bool:
    """Whether the organisation has to confirm an adjusted plan of this case."""
    found: bool = await conn.fetchval(
        "select exists (select from plan where application_id = $1 and organisation = $2)",
        application_id,
        organisation,
    )
    return found


async def conflicted_cases(conn: Connection, round_id: str, person_id: UUID) -> set[UUID]:
    """The cases of the round in which the person has a conflict of interest."""
    rows = await conn.fetch(
        """select p.application_id from proposal p join conflict f using (application_id)
           where p.decision_round_id = $1 and f.person_id = $2""",
        round_id,
        person_id,
    )
    return {row["application_id"] for row in rows}


async def plan_deliveries(conn: Connection, application_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """select organisation, n, statement, delivered_at, confirmed, reason, judged_at from plan_delivery
           where application_id = $1 order by organisation, n""",
        application_id,
    )
    return [dict(row) for row in rows]


async def extensions(conn: Connection, application_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """select n, state, until, reason, asked_at, answer, decided_at from extension
           where application_id = $1 order by n""",
        application_id,
    )
    return [dict(row) for row in rows]


async def changes(conn: Connection, application_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """select n, kind, state, reason, new_holder_id, new_end, asked_at, answer, decided_at from change
           where application_id = $1 order by n""",
        application_id,
    )
    return [dict(row) for row in rows]


async def losses(conn: Connection, application_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """select n, outcome, proposed_at, confirmed, reason, decided_at from loss
           where application_id = $1 order by n""",
        application_id,
    )
    return [dict(row) for row in rows]


async def invoices(conn: Connection, application_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        "select n, amount, invoiced_on, last, registered_at from invoice where application_id = $1 "
        "order by n",
        application_id,
    )
    return [dict(row) for row in rows]


async def history(conn: Connection, application_id: UUID) -> list[tuple[str, datetime]]:
    """The states the grant went through, with their instants."""
    rows = await conn.fetch(
        "select after, at from history where machine = 'grant' and subject = $1 order by seq",
        str(application_id),
    )
    return [(row["after"], row["at"]) for row in rows]
