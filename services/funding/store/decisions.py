"""Decision rounds, proposals, decisions, letters and their documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.funding.domain.cases import Outcome, RoundKind, RoundState


@dataclass(frozen=True)
class Round:
    id: str
    call_id: str
    application_id: UUID | None
    kind: RoundKind
    state: RoundState
    attempt: int
    prepared_by: UUID | None
    decided_by: UUID | None
    decided_at: datetime | None
    back_reason: str | None
    presented_at: datetime | None


@dataclass(frozen=True)
class Proposal:
    """One case as laid before the leader; amounts in whole NOK."""

    application_id: UUID
    panel: str
    rank: int | None
    recommended_outcome: Outcome
    recommended_amount: int
    proposed_outcome: Outcome
    proposed_amount: int
    outcome: Outcome
    amount: int
    reason: str | None
    conditions: list[str]
    averages: dict[str, float]


@dataclass(frozen=True)
class Decision:
    application_id: UUID
    version: int
    decision_round_id: str
    call_id: str
    outcome: Outcome
    amount: int
    conditions: list[str]
    averages: dict[str, float]
    rank: int | None
    reason: str | None
    prepared_by: UUID
    decided_by: UUID
    decided_at: datetime


_ROUND = (
    "id, call_id, application_id, kind, state, attempt, prepared_by, decided_by, decided_at, "
    "back_reason, presented_at"
)
_PROPOSAL = (
    "application_id, panel, rank, recommended_outcome, recommended_amount, proposed_outcome, "
    "proposed_amount, "
    "outcome, amount, reason, conditions, averages"
)
_DECISION = (
    "application_id, version, decision_round_id, call_id, outcome, amount, conditions, averages, "
    "rank, reason, "
    "prepared_by, decided_by, decided_at"
)


def _round(row: Any) -> Round:
    return Round(**{**dict(row), "kind": RoundKind(row["kind"]), "state": RoundState(row["state"])})


def _proposal(row: Any) -> Proposal:
    outcomes = {name: Outcome(row[name]) for name in ("recommended_outcome", "proposed_outcome", "outcome")}
    return Proposal(**{**dict(row), **outcomes})


def _decision(row: Any) -> Decision:
    return Decision(**{**dict(row), "outcome": Outcome(row["outcome"])})


async def add_round(conn: Connection, round_: Round, opened_at: datetime) -> None:
    await conn.execute(
        """insert into decision_round (id, call_id, application_id, kind, state, attempt, opened_at)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        round_.id,
        round_.call_id,
        round_.application_id,
        round_.kind,
        round_.state,
        round_.attempt,
        opened_at,
    )


async def find_round(conn: Connection, round_id: str) -> Round | None:
    row = await conn.fetchrow(f"select {_ROUND} from decision_round where id = $1", round_id)
    return _round(row) if row else None


async def lock_round(conn: Connection, round_id: str) -> Round | None:
    row = await conn.fetchrow(f"select {_ROUND} from decision_round where id = $1 for update", round_id)
    return _round(row) if row else None


async def lock_round_of_call(conn: Connection, call_id: str) -> None:
    """The round of the whole call, if there is one by now, and the call: nobody decides it meanwhile, lays a
    round out, or takes in a signature that says there will be none."""
    await conn.execute(
        "select from decision_round where call_id = $1 and application_id is null for update", call_id
    )
    await conn.execute("select from call where id = $1 for update", call_id)


async def lock_rounds_of_case(conn: Connection, application_id: UUID) -> None:
    """The rounds that the case is laid out in: nobody decides them meanwhile."""
    await conn.execute(
        """select from decision_round where id in (
             select decision_round_id from proposal where application_id = $1) order by id for update""",
        application_id,
    )


async def set_prepared(conn: Connection, round_id: str, by: UUID, at: datetime) -> None:
    await conn.execute(
        "update decision_round set state = 'prepared', prepared_by = $2, prepared_at = $3 where id = $1",
        round_id,
        by,
        at,
    )


async def set_sent_back(conn: Connection, round_id: str, reason: str) -> None:
    await conn.execute(
        "update decision_round set state = 'open', attempt = attempt + 1, back_reason = $2 where id = $1",
        round_id,
        reason,
    )


async def set_decided(conn: Connection, round_id: str, by: UUID, at: datetime) -> None:
    await conn.execute(
        "update decision_round set state = 'decided', decided_by = $2, decided_at = $3 where id = $1",
        round_id,
        by,
        at,
    )


async def set_presented(conn: Connection, round_id: str, at: datetime) -> None:
    await conn.execute("update decision_round set presented_at = $2 where id = $1", round_id, at)


async def add_proposals(conn: Connection, round_id: str, proposals: Sequence[Proposal]) -> None:
    await conn.executemany(
        f"""insert into proposal (decision_round_id, {_PROPOSAL})
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        [
            (
                round_id,
                each.application_id,
                each.panel,
                each.rank,
                each.recommended_outcome,
                each.recommended_amount,
                each.proposed_outcome,
                each.proposed_amount,
                each.outcome,
                each.amount,
                each.reason,
                each.conditions,
                each.averages,
            )
            for each in proposals
        ],
    )


async def proposals(conn: Connection, round_id: str) -> list[Proposal]:
    """All of the round, by panel and rank."""
    rows = await conn.fetch(
        f"""select {_PROPOSAL} from proposal where decision_round_id = $1
            order by panel, rank nulls last, application_id""",
        round_id,
    )
    return [_proposal(row) for row in rows]


async def save_proposal(
    conn: Connection, round_id: str, application_id: UUID, outcome: Outcome, amount: int, reason: str | None
) -> None:
    await conn.execute(
        """update proposal set outcome = $3, amount = $4, reason = $5
           where decision_round_id = $1 and application_id = $2""",
        round_id,
        application_id,
        outcome,
        amount,
        reason,
    )


async def add_decision(conn: Connection, decision: Decision) -> None:
    await conn.execute(
        f"insert into decision ({_DECISION}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        decision.application_id,
        decision.version,
        decision.decision_round_id,
        decision.call_id,
        decision.outcome,
        decision.amount,
        decision.conditions,
        decision.averages,
        decision.rank,
        decision.reason,
        decision.prepared_by,
        decision.decided_by,
        decision.decided_at,
    )


async def decisions_of_case(conn: Connection, application_id: UUID) -> list[Decision]:
    """Every decision on the case, the newest last."""
    rows = await conn.fetch(
        f"select {_DECISION} from decision where application_id = $1 order by version", application_id
    )
    return [_decision(row) for row in rows]


async def decisions_of_round(conn: Connection, round_id: str) -> list[Decision]:
    rows = await conn.fetch(
        f"select {_DECISION} from decision where decision_round_id = $1 order by application_id", round_id
    )
    return [_decision(row) for row in rows]
