"""The panels' signed recommendations: what each says of a case, and which cases a signed list names."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.common.db import Connection
from services.review.events import CaseRecommended, RecommendationSigned


@dataclass(frozen=True)
class Recommendation:
    application_id: UUID
    round_id: str
    panel: str
    outcome: str
    amount: int
    rank: int | None
    averages: dict[str, float]
    conditions: list[str]


_RECOMMENDATION = "application_id, round_id, panel, outcome, amount, rank, averages, conditions"


async def add_recommendation(conn: Connection, fact: CaseRecommended) -> None:
    await conn.execute(
        """insert into recommendation
             (application_id, round_id, call_id, panel, outcome, amount, rank, averages, conditions)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing""",
        fact.application_id,
        fact.round_id,
        fact.call_id,
        fact.panel,
        fact.outcome,
        fact.amount,
        fact.rank,
        fact.averages,
        fact.conditions,
    )


async def add_condition(conn: Connection, application_id: UUID, condition: str) -> bool:
    """Add it to what is recommended for the case, and to what is proposed and not decided yet; False where it
    stood already, or nothing is recommended yet. The case's rounds must be locked."""
    found: int = await conn.fetchval(
        """with recommended as (
             update recommendation set conditions = conditions || $2::text
             where application_id = $1 and not $2 = any(conditions) returning 1
           ), proposed as (
             update proposal p set conditions = p.conditions || $2::text from decision_round r
             where r.id = p.decision_round_id and r.state <> 'decided' and p.application_id = $1
               and not $2 = any(p.conditions) returning 1
           ) select (select count(*) from recommended) + (select count(*) from proposed)""",
        application_id,
        condition,
    )
    return found > 0


async def add_panel_round(conn: Connection, fact: RecommendationSigned) -> None:
    await conn.execute(
        """insert into panel_round (round_id, call_id, panel, application_id, application_ids, signed_by)
           values ($1, $2, $3, $4, $5, $6) on conflict do nothing""",
        fact.round_id,
        fact.call_id,
        fact.panel,
        fact.application_id,
        fact.application_ids,
        fact.signed_by,
    )


async def signed_cases(conn: Connection, round_ids: Sequence[str]) -> dict[str, list[UUID]]:
    """The cases that each of these rounds' signed recommendation names; rounds not signed yet are left
    out."""
    rows = await conn.fetch(
        "select round_id, application_ids from panel_round where round_id = any($1::text[])", list(round_ids)
    )
    return {row["round_id"]: row["application_ids"] for row in rows}


async def recommendations(
    conn: Connection, application_ids: Sequence[UUID], round_ids: Sequence[str]
) -> list[Recommendation]:
    rows = await conn.fetch(
        f"""select {_RECOMMENDATION} from recommendation
            where application_id = any($1::uuid[]) and round_id = any($2::text[])""",
        list(application_ids),
        list(round_ids),
    )
    return [Recommendation(**dict(row)) for row in rows]


async def latest_recommendation(conn: Connection, application_id: UUID) -> Recommendation | None:
    row = await conn.fetchrow(
        f"""select {_RECOMMENDATION} from recommendation
            where application_id = $1 order by received_seq desc limit 1""",
        application_id,
    )
    return Recommendation(**dict(row)) if row else None


async def who_signed(conn: Connection, application_id: UUID) -> list[UUID]:
    """The chairs who signed a recommendation of this case."""
    rows = await conn.fetch(
        "select signed_by from panel_round where $1 = any(application_ids) and signed_by is not null",
        application_id,
    )
    return [row["signed_by"] for row in rows]
