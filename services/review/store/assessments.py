"""SQL of assignments, scores, and the ranking a meeting left."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.review.domain.ranking import Assessed, Placed


async def assign(conn: Connection, round_id: str, pairs: Iterable[tuple[UUID, UUID]]) -> None:
    """Give the members of these (application, person) pairs the cases to score."""
    await conn.executemany(
        """
        insert into assignment (round_id, application_id, person_id, assigned_at)
        values ($1, $2, $3, clock_timestamp())
        """,
        [(round_id, application_id, person_id) for application_id, person_id in pairs],
    )


async def unassign(conn: Connection, application_id: UUID, person_id: UUID) -> bool:
    """Take the case, and the scores on it, from the person; False where they never had it.

    A signed recommendation keeps the scores it rests on.
    """
    had: bool = await conn.fetchval(
        "select exists (select from assignment where application_id = $1 and person_id = $2)",
        application_id,
        person_id,
    )
    await conn.execute(
        """
        delete from assignment a using panel_round r
        where a.application_id = $1 and a.person_id = $2 and r.id = a.round_id and r.state <> 'signed'
        """,
        application_id,
        person_id,
    )
    return had


async def signed_with(conn: Connection, application_id: UUID, person_id: UUID) -> bool:
    """Whether a signed recommendation of the case rests on the person's scores."""
    found: bool = await conn.fetchval(
        """
        select exists (select from assessment a join panel_round r on r.id = a.round_id
                       where a.application_id = $1 and a.person_id = $2 and r.state = 'signed')
        """,
        application_id,
        person_id,
    )
    return found


async def unassign_round(conn: Connection, round_id: str, person_id: UUID) -> list[UUID]:
    """Take every case of the round, and the scores, from the person; returns the cases."""
    rows = await conn.fetch(
        "delete from assignment where round_id = $1 and person_id = $2 returning application_id",
        round_id,
        person_id,
    )
    return sorted(row["application_id"] for row in rows)


async def lock_assignment(conn: Connection, round_id: str, application_id: UUID, person_id: UUID) -> bool:
    """Hold the assignment until the transaction ends; False where the case is not the person's to score."""
    row = await conn.fetchrow(
        """
        select 1 from assignment
        where round_id = $1 and application_id = $2 and person_id = $3 for no key update
        """,
        round_id,
        application_id,
        person_id,
    )
    return row is not None


async def save(
    conn: Connection,
    round_id: str,
    application_id: UUID,
    person_id: UUID,
    scores: Mapping[str, int],
    comment: str,
) -> None:
    await conn.execute(
        """
        insert into assessment (round_id, application_id, person_id, scores, comment, saved_at)
        values ($1, $2, $3, $4, $5, clock_timestamp())
        on conflict (round_id, application_id, person_id)
        do update set scores = excluded.scores, comment = excluded.comment, saved_at = excluded.saved_at
        """,
        round_id,
        application_id,
        person_id,
        dict(scores),
        comment,
    )


@dataclass(frozen=True)
class Yardstick:
    """What a category's cases are scored by."""

    criteria: list[str]
    lowest: int
    highest: int


async def yardstick(conn: Connection, call_id: str, category: str) -> Yardstick:
    """Read from the call without loading all of it: this is asked at every score."""
    row = await conn.fetchrow(
        """
        select each -> 'criteria' as criteria, (definition #>> '{scale,lowest}')::int as lowest,
               (definition #>> '{scale,highest}')::int as highest
        from call, jsonb_array_elements(definition -> 'categories') each
        where id = $1 and each ->> 'code' = $2
        """,
        call_id,
        category,
    )
    return Yardstick(**dict(row))


@dataclass(frozen=True)
class Own:
    """What one member has to score, and the scores given so far."""

    application_id: UUID
    category: str
    lead: bool
    scores: dict[str, int] | None
    comment: str


async def own(conn: Connection, round_id: str, person_id: UUID) -> list[Own]:
    rows = await conn.fetch(
        """
        select a.application_id, s.category, c.lead is not distinct from a.person_id as lead, v.scores,
               coalesce(v.comment, '') as comment
        from assignment a
        join round_case c using (round_id, application_id)
        join cases s on s.id = a.application_id
        left join assessment v using (round_id, application_id, person_id)
        where a.round_id = $1 and a.person_id = $2 and s.state <> 'ended' and not c.late
          and not exists (select from conflict where application_id = s.id and person_id = $2)
        order by a.application_id
        """,
        round_id,
        person_id,
    )
    return [Own(**dict(row)) for row in rows]


async def set_lead(conn: Connection, round_id: str, application_id: UUID, person_id: UUID | None) -> None:
    await conn.execute(
        "update round_case set lead = $3 where round_id = $1 and application_id = $2",
        round_id,
        application_id,
        person_id,
    )


async def votes(conn: Connection, round_id: str) -> dict[UUID, list[dict[str, int]]]:
    """Every member's scores, by case."""
    rows = await conn.fetch(
        """
        select application_id, scores from assessment where round_id = $1 order by application_id, person_id
        """,
        round_id,
    )
    found: dict[UUID, list[dict[str, int]]] = {}
    for row in rows:
        found.setdefault(row["application_id"], []).append(row["scores"])
    return found


async def to_rank(
    conn: Connection, round_id: str, cases: Iterable[UUID], categories: Mapping[str, Any]
) -> list[Assessed]:
    """The cases with their votes; `categories` are the call's, by code."""
    given = await votes(conn, round_id)
    rows = await conn.fetch(
        "select id, category, amount, priority_areas from cases where id = any($1) order by id", list(cases)
    )
    return [
        Assessed(
            application_id=row["id"],
            amount=row["amount"],
            criteria=tuple(categories[row["category"]].criteria),
            priority_hit=bool(row["priority_areas"]) and categories[row["category"]].priority_areas_apply,
            votes=tuple(given.get(row["id"], ())),
        )
        for row in rows
    ]


async def save_placings(
    conn: Connection, round_id: str, placed: Sequence[Placed], comments: Mapping[UUID, str]
) -> None:
    await conn.executemany(
        """
        insert into ranking_place (round_id, application_id, place, rank, outcome, amount, pot_left, mean,
                                   averages, spread, below, priority_hit, tied_with, tie_decided_by, comment)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        """,
        [
            (
                round_id,
                each.application_id,
                n,
                each.rank,
                each.outcome,
                each.amount,
                each.pot_left,
                str(each.mean),
                {criterion: str(average) for criterion, average in each.averages.items()},
                {criterion: list(spread) for criterion, spread in each.spread.items()},
                list(each.below),
                each.priority_hit,
                list(each.tied_with),
                each.tie_decided_by,
                comments.get(each.application_id, ""),
            )
            for n, each in enumerate(placed, start=1)
        ],
    )


async def clear_placings(conn: Connection, round_id: str) -> None:
    await conn.execute("delete from ranking_place where round_id = $1", round_id)


async def placings(conn: Connection, round_id: str) -> list[tuple[Placed, str]]:
    """The stored ranking in its order, each with the panel's comment."""
    rows = await conn.fetch("select * from ranking_place where round_id = $1 order by place", round_id)
    return [
        (
            Placed(
                application_id=row["application_id"],
                amount=row["amount"],
                averages={criterion: Fraction(text) for criterion, text in row["averages"].items()},
                spread={criterion: (low, high) for criterion, (low, high) in row["spread"].items()},
                mean=Fraction(row["mean"]),
                priority_hit=row["priority_hit"],
                below=tuple(row["below"]),
                rank=row["rank"],
                tied_with=tuple(row["tied_with"]),
                tie_decided_by=row["tie_decided_by"],
                outcome=row["outcome"],
                pot_left=row["pot_left"],
            ),
            row["comment"],
        )
        for row in rows
    ]


async def adjusted_plans(conn: Connection, application_id: UUID) -> list[str]:
    """The organisations that asked for an adjusted plan (X15); a consultation outweighs a clarification."""
    rows = await conn.fetch(
        """
        select organisation from consultation where application_id = $1 and outcome = 'adjust'
        union
        select organisation from (
          select distinct on (organisation) organisation, outcome from clarification
          where application_id = $1 and answered_at is not null
          order by organisation, answered_at desc, n desc
        ) newest
        where outcome = 'adjust' and organisation not in
          (select organisation from consultation where application_id = $1)
        order by 1
        """,
        application_id,
    )
    return [row["organisation"] for row in rows]
