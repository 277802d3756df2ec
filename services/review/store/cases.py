"""SQL of calls, cases, people and what is decided about a case before its panel."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from services.common.db import Connection
from services.review.domain.cases import CaseState
from services.review.policy import CaseAccess


@dataclass(frozen=True, kw_only=True)
class Call:
    id: str
    definition: dict[str, Any]
    opens_at: datetime
    deadline: datetime
    closes_at: datetime
    straggler_at: datetime
    closed_at: datetime | None
    straggler_passed_at: datetime | None
    round_complete_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A case as intake's facts and review's decisions left it; amounts are whole NOK."""

    id: UUID
    call_id: str
    state: CaseState
    version: int
    case_number: str | None
    category: str | None
    panel: str | None
    organisation: str | None
    title: str
    holder_id: UUID
    editor_ids: list[UUID]
    amount: int | None
    total_budget: int | None
    priority_areas: list[str]
    touches: list[str]
    after_internal_deadline: bool
    submitted_at: datetime | None
    ended_as: str | None
    ended_from: str | None
    ended_at: datetime | None
    lost_as: str | None

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(**{**dict(row), "state": CaseState(row["state"])})


async def save_call(
    conn: Connection,
    call_id: str,
    definition: dict[str, Any],
    *,
    opens_at: datetime,
    deadline: datetime,
    closes_at: datetime,
    straggler_at: datetime,
) -> None:
    """A call is published once; a second time changes nothing."""
    await conn.execute(
        """
        insert into call (id, definition, opens_at, deadline, closes_at, straggler_at)
        values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing
        """,
        call_id,
        definition,
        opens_at,
        deadline,
        closes_at,
        straggler_at,
    )


async def lock_call(conn: Connection, call_id: str) -> Call | None:
    row = await conn.fetchrow("select * from call where id = $1 for no key update", call_id)
    return None if row is None else Call(**dict(row))


async def get_call(conn: Connection, call_id: str) -> Call | None:
    row = await conn.fetchrow("select * from call where id = $1", call_id)
    return None if row is None else Call(**dict(row))


async def move_deadline(
    conn: Connection, call_id: str, *, deadline: datetime, closes_at: datetime, straggler_at: datetime
) -> None:
    await conn.execute(
        "update call set deadline = $2, closes_at = $3, straggler_at = $4 where id = $1",
        call_id,
        deadline,
        closes_at,
        straggler_at,
    )


async def set_closed(conn: Connection, call_id: str, closed_at: datetime) -> None:
    await conn.execute(
        "update call set closed_at = coalesce(closed_at, $2) where id = $1", call_id, closed_at
    )


async def lock_case(conn: Connection, application_id: UUID) -> Case | None:
    row = await conn.fetchrow("select * from cases where id = $1 for no key update", application_id)
    return None if row is None else Case.of(row)


async def get_case(conn: Connection, application_id: UUID) -> Case | None:
    row = await conn.fetchrow("select * from cases where id = $1", application_id)
    return None if row is None else Case.of(row)


async def cases_of_call(conn: Connection, call_id: str) -> list[Case]:
    """Every case of the call that was submitted, in the order of their ids."""
    rows = await conn.fetch(
        "select * from cases where call_id = $1 and state <> 'draft' order by id", call_id
    )
    return [Case.of(row) for row in rows]


async def note_draft(
    conn: Connection, application_id: UUID, call_id: str, *, title: str, holder_id: UUID
) -> None:
    """Review hears of a draft; a case already submitted knows better."""
    await conn.execute(
        """
        insert into cases (id, call_id, state, title, holder_id) values ($1, $2, 'draft', $3, $4)
        on conflict (id) do update set title = excluded.title, holder_id = excluded.holder_id
        where cases.state = 'draft'
        """,
        application_id,
        call_id,
        title,
        holder_id,
    )


async def save_submission(conn: Connection, values: dict[str, Any]) -> None:
    """Write the version that was received; `values` names every column of it."""
    columns = list(values)
    await conn.execute(
        f"""
        insert into cases ({", ".join(columns)})
        values ({", ".join(f"${n}" for n in range(1, len(columns) + 1))})
        on conflict (id) do update set
          {", ".join(f"{column} = excluded.{column}" for column in columns if column != "id")}
        """,
        *values.values(),
    )


async def set_in_time(conn: Connection, application_id: UUID) -> None:
    await conn.execute("update cases set after_internal_deadline = false where id = $1", application_id)


async def set_state(conn: Connection, application_id: UUID, state: CaseState) -> None:
    await conn.execute("update cases set state = $2 where id = $1", application_id, state)


async def set_ended(conn: Connection, application_id: UUID, ended_as: str, ended_from: CaseState) -> None:
    await conn.execute(
        """
        update cases set state = 'ended', ended_as = $2, ended_from = $3, ended_at = clock_timestamp()
        where id = $1
        """,
        application_id,
        ended_as,
        ended_from,
    )


async def set_ended_from(conn: Connection, application_id: UUID, state: CaseState) -> None:
    """An undo of the ending goes back to this state."""
    await conn.execute("update cases set ended_from = $2 where id = $1", application_id, state)


async def set_lost(conn: Connection, application_id: UUID, lost_as: str) -> None:
    await conn.execute("update cases set lost_as = $2 where id = $1", application_id, lost_as)


async def set_revived(conn: Connection, application_id: UUID, state: CaseState) -> None:
    await conn.execute(
        "update cases set state = $2, ended_as = null, ended_from = null, ended_at = null where id = $1",
        application_id,
        state,
    )


async def set_holder(conn: Connection, application_id: UUID, holder_id: UUID) -> None:
    await conn.execute("update cases set holder_id = $2 where id = $1", application_id, holder_id)


async def consulted(conn: Connection, application_id: UUID) -> frozenset[str]:
    """The organisations the case is put to: those it touches, and those asked from its draft."""
    rows = await conn.fetch(
        """
        select unnest(touches) as organisation from cases where id = $1
        union select organisation from clarification where application_id = $1
        """,
        application_id,
    )
    return frozenset(row["organisation"] for row in rows)


async def access(conn: Connection, application_id: UUID, person_id: UUID) -> CaseAccess | None:
    """What the standing of this person towards the case is judged by; None for an unknown case."""
    row = await conn.fetchrow(
        """
        select c.id as application_id, c.call_id, c.organisation, c.holder_id, c.editor_ids,
               c.state = 'draft' as draft,
               c.touches || array(select organisation from clarification where application_id = c.id)
                 as consulted,
               exists (select from conflict where application_id = c.id and person_id = $2) as conflicted,
               exists (select from assignment where application_id = c.id and person_id = $2) as member
        from cases c where c.id = $1
        """,
        application_id,
        person_id,
    )
    if row is None:
        return None
    return CaseAccess(
        application_id=row["application_id"],
        call_id=row["call_id"],
        organisation=row["organisation"],
        holder_id=row["holder_id"],
        editor_ids=frozenset(row["editor_ids"]),
        consulted=frozenset(row["consulted"]),
        draft=row["draft"],
        conflicted=row["conflicted"],
        member=row["member"],
    )
