"""SQL of rounds: their state, cases, members and declarations.

Locks are taken in one order: call, case, round, member, assignment, task.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.review.domain.rounds import Participant, Standing


@dataclass(frozen=True, kw_only=True)
class Round:
    """A panel's round, or the round of one case that is assessed again (`application_id`)."""

    id: str
    call_id: str
    panel: str
    application_id: UUID | None
    state: str
    standins_asked: int
    standins_wanted: bool
    meeting_wanted: bool
    meetings: int
    signing_wanted: bool
    signings: int
    led_by: UUID | None
    tie_breaks: list[UUID]

    @property
    def key(self) -> str:
        """The key its steps are recorded under."""
        return str(self.application_id or self.call_id)


_COLUMNS = """id, call_id, panel, application_id, state, standins_asked, standins_wanted, meeting_wanted,
  meetings, signing_wanted, signings, led_by, tie_breaks"""


async def begin(
    conn: Connection, round_id: str, call_id: str, panel: str, application_id: UUID | None, state: str
) -> bool:
    """Create the round; False where it exists."""
    made = await conn.fetchval(
        """
        insert into panel_round (id, call_id, panel, application_id, state) values ($1, $2, $3, $4, $5)
        on conflict do nothing returning true
        """,
        round_id,
        call_id,
        panel,
        application_id,
        state,
    )
    return bool(made)


async def lock(conn: Connection, round_id: str) -> Round | None:
    row = await conn.fetchrow(f"select {_COLUMNS} from panel_round where id = $1 for no key update", round_id)
    return None if row is None else Round(**dict(row))


async def lock_cases(conn: Connection, round_id: str, application_ids: Iterable[UUID]) -> None:
    """Lock those of the cases that are in the round; one that came too late has a round of its own."""
    await conn.execute(
        """
        select from cases s join round_case c on c.application_id = s.id
        where c.round_id = $1 and not c.late and s.id = any($2)
        order by s.id for no key update of s
        """,
        round_id,
        list(application_ids),
    )


async def get(conn: Connection, round_id: str) -> Round | None:
    row = await conn.fetchrow(f"select {_COLUMNS} from panel_round where id = $1", round_id)
    return None if row is None else Round(**dict(row))


async def unsigned_of_call(conn: Connection, call_id: str) -> list[str]:
    rows = await conn.fetch(
        "select id from panel_round where call_id = $1 and state <> 'signed' order by id", call_id
    )
    return [row["id"] for row in rows]


async def change(conn: Connection, round_id: str, **columns: Any) -> None:
    """Set the named columns of a round that the caller has locked."""
    sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, start=2))
    await conn.execute(f"update panel_round set {sets} where id = $1", round_id, *columns.values())


async def set_met(conn: Connection, round_id: str, state: str, tie_breaks: Sequence[UUID]) -> None:
    await conn.execute(
        """
        update panel_round
        set state = $2, tie_breaks = $3, met_at = clock_timestamp(), led_by = null where id = $1
        """,
        round_id,
        state,
        list(tie_breaks),
    )


async def set_signed(conn: Connection, round_id: str, state: str, signed_by: UUID | None) -> None:
    await conn.execute(
        """
        update panel_round
        set state = $2, signed_by = $3, signed_at = clock_timestamp(), led_by = null where id = $1
        """,
        round_id,
        state,
        signed_by,
    )


async def add_case(
    conn: Connection, round_id: str, application_id: UUID, flags: Sequence[str], *, late: bool
) -> None:
    await conn.execute(
        """
        insert into round_case (round_id, application_id, flags, late, entered_at)
        values ($1, $2, $3, $4, clock_timestamp())
        """,
        round_id,
        application_id,
        list(flags),
        late,
    )


async def invite_once(conn: Connection, round_id: str, application_id: UUID) -> UUID | None:
    """Note that the case is invited to pitch, and return its holder; None where it was invited before."""
    holder: UUID | None = await conn.fetchval(
        """
        update round_case c set invited_at = clock_timestamp() from cases s
        where c.round_id = $1 and c.application_id = $2 and s.id = $2 and c.invited_at is null
        returning s.holder_id
        """,
        round_id,
        application_id,
    )
    return holder


async def holds_case(conn: Connection, round_id: str, application_id: UUID) -> bool:
    found: bool = await conn.fetchval(
        "select exists (select from round_case where round_id = $1 and application_id = $2)",
        round_id,
        application_id,
    )
    return found


async def is_recommended(conn: Connection, application_id: UUID) -> bool:
    """Whether a signed recommendation holds the case."""
    found: bool = await conn.fetchval(
        """
        select exists (select from ranking_place p join panel_round r on r.id = p.round_id
                       where p.application_id = $1 and r.state = 'signed')
        """,
        application_id,
    )
    return found


async def went_on_without(conn: Connection, application_id: UUID) -> bool:
    """Whether the panel has signed without this case, and it has no round of its own."""
    found: bool = await conn.fetchval(
        """
        select exists (select from round_case c join panel_round r on r.id = c.round_id
                       where c.application_id = $1 and r.state = 'signed')
           and not exists (select from ranking_place where application_id = $1)
           and not exists (select from panel_round where application_id = $1)
        """,
        application_id,
    )
    return found


async def standing(conn: Connection, round_: Round) -> Standing:
    """The round as it stands now; the caller holds its lock."""
    members = await conn.fetch(
        """
        select person_id, chair, user_representative, away, declaring, judging,
               locked_at is not null as locked
        from round_member where round_id = $1 and stood_down_at is null order by person_id
        """,
        round_.id,
    )
    row = await conn.fetchrow(
        """
        select
          array(select c.application_id from round_case c join cases s on s.id = c.application_id
                where c.round_id = $1 and not c.late and s.state <> 'ended') as cases,
          array(select (k.application_id, k.person_id) from conflict k
                join round_case c using (application_id) where c.round_id = $1) as conflicts,
          array(select (application_id, person_id) from declaration where round_id = $1) as declared,
          array(select (application_id, person_id) from assignment where round_id = $1) as assigned,
          array(select (application_id, person_id) from assessment where round_id = $1) as scored,
          array(select application_id from ranking_place where round_id = $1) as placed
        """,
        round_.id,
    )
    leads = await conn.fetch("select application_id, lead from round_case where round_id = $1", round_.id)
    return Standing(
        state=round_.state,
        members=tuple(Participant(**dict(each)) for each in members),
        cases=frozenset(row["cases"]),
        conflicts=frozenset((a, p) for a, p in row["conflicts"]),
        declared=frozenset((a, p) for a, p in row["declared"]),
        assigned=frozenset((a, p) for a, p in row["assigned"]),
        scored=frozenset((a, p) for a, p in row["scored"]),
        leads={each["application_id"]: each["lead"] for each in leads},
        placed=frozenset(row["placed"]),
        standins_wanted=round_.standins_wanted,
        meeting_wanted=round_.meeting_wanted,
        signing_wanted=round_.signing_wanted,
        led_by=round_.led_by,
        rests=round_.application_id is not None and not row["cases"],
    )


@dataclass(frozen=True)
class Listed:
    """A case of a round as its lists show it; amounts are whole NOK."""

    application_id: UUID
    case_number: str
    title: str
    organisation: str
    category: str
    holder_id: UUID
    amount: int
    flags: list[str]
    late: bool
    lead: UUID | None


async def listed(conn: Connection, round_id: str, application_ids: Iterable[UUID]) -> list[Listed]:
    """These cases of the round, by case number."""
    rows = await conn.fetch(
        """
        select c.application_id, s.case_number, s.title, s.organisation, s.category, s.holder_id, s.amount,
               c.flags, c.late, c.lead
        from round_case c join cases s on s.id = c.application_id
        where c.round_id = $1 and c.application_id = any($2) order by s.case_number, s.id
        """,
        round_id,
        list(application_ids),
    )
    return [Listed(**dict(row)) for row in rows]


async def late_cases(conn: Connection, round_id: str) -> set[UUID]:
    rows = await conn.fetch("select application_id from round_case where round_id = $1 and late", round_id)
    return {row["application_id"] for row in rows}
