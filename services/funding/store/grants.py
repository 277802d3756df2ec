"""Awards and what is owed on the way to the start: losses, offers, plans, extensions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.funding.domain.grants import GrantState, PlanState


@dataclass(frozen=True)
class Award:
    """A grant; key: the application id. `amount` in whole NOK; instants of the project are None before the
    start."""

    application_id: UUID
    call_id: str
    panel: str
    version: int
    state: GrantState
    amount: int
    organisation: str
    holder_id: UUID
    made_at: datetime
    accept_due_at: datetime
    acceptance_lapses_at: datetime
    first_start_due_at: datetime
    start_due_at: datetime
    start_lapses_at: datetime
    answered_at: datetime | None = None
    started_at: datetime | None = None
    started_late: bool | None = None
    first_report_ask_at: datetime | None = None
    ends_at: datetime | None = None
    final_report_due_at: datetime | None = None
    invoicing_due_at: datetime | None = None
    invoicing_expired_at: datetime | None = None
    lost_as: str | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True)
class Loss:
    application_id: UUID
    n: int
    outcome: str


@dataclass(frozen=True)
class Offer:
    application_id: UUID
    n: int
    amount: int


@dataclass(frozen=True)
class Plan:
    application_id: UUID
    organisation: str
    state: PlanState
    n: int


@dataclass(frozen=True)
class Extension:
    application_id: UUID
    n: int
    state: str
    until: datetime
    asked_at: datetime


_COLUMNS = tuple(Award.__dataclass_fields__)
_AWARD = ", ".join(_COLUMNS)


def _award(row: Any) -> Award:
    return Award(**{**dict(row), "state": GrantState(row["state"])})


async def add_award(conn: Connection, award: Award) -> None:
    places = ", ".join(f"${n}" for n in range(1, len(_COLUMNS) + 1))
    await conn.execute(
        f"insert into award ({_AWARD}) values ({places})", *(getattr(award, name) for name in _COLUMNS)
    )


async def find_award(conn: Connection, application_id: UUID) -> Award | None:
    row = await conn.fetchrow(f"select {_AWARD} from award where application_id = $1", application_id)
    return _award(row) if row else None


async def lock_award(conn: Connection, application_id: UUID) -> Award | None:
    row = await conn.fetchrow(
        f"select {_AWARD} from award where application_id = $1 for update", application_id
    )
    return _award(row) if row else None


async def save_award(conn: Connection, award: Award, **changes: object) -> None:
    """Write these columns of the award."""
    unknown = changes.keys() - set(_COLUMNS)
    if unknown:
        raise ValueError(f"an award has no {', '.join(sorted(unknown))}")
    columns = ", ".join(f"{name} = ${n}" for n, name in enumerate(changes, start=2))
    await conn.execute(
        f"update award set {columns} where application_id = $1", award.application_id, *changes.values()
    )


async def add_loss(conn: Connection, application_id: UUID, n: int, outcome: str, at: datetime) -> None:
    await conn.execute(
        "insert into loss (application_id, n, outcome, proposed_at) values ($1, $2, $3, $4)",
        application_id,
        n,
        outcome,
        at,
    )


async def loss_exists(conn: Connection, application_id: UUID, n: int) -> bool:
    found: bool = await conn.fetchval(
        "select exists (select from loss where application_id = $1 and n = $2)", application_id, n
    )
    return found


async def last_loss(conn: Connection, application_id: UUID) -> int:
    found: int | None = await conn.fetchval(
        "select max(n) from loss where application_id = $1", application_id
    )
    return found or 0


async def open_loss(conn: Connection, application_id: UUID) -> Loss | None:
    row = await conn.fetchrow(
        "select application_id, n, outcome from loss where application_id = $1 and confirmed is null",
        application_id,
    )
    return Loss(**dict(row)) if row else None


async def decide_loss(
    conn: Connection, loss: Loss, confirmed: bool, reason: str, by: UUID, at: datetime
) -> None:
    await conn.execute(
        """update loss set confirmed = $3, reason = $4, decided_by = $5, decided_at = $6
           where application_id = $1 and n = $2""",
        loss.application_id,
        loss.n,
        confirmed,
        reason,
        by,
        at,
    )


async def add_offer(
    conn: Connection, application_id: UUID, n: int, amount: int, freed_by: UUID | None, at: datetime
) -> None:
    await conn.execute(
        "insert into offer (application_id, n, amount, freed_by, offered_at) values ($1, $2, $3, $4, $5)",
        application_id,
        n,
        amount,
        freed_by,
        at,
    )


async def decide_offer(
    conn: Connection, application_id: UUID, n: int, confirmed: bool, reason: str, by: UUID, at: datetime
) -> None:
    await conn.execute(
        """update offer set confirmed = $3, reason = $4, decided_by = $5, decided_at = $6
           where application_id = $1 and n = $2""",
        application_id,
        n,
        confirmed,
        reason,
        by,
        at,
    )


async def who_moved(conn: Connection, application_id: UUID) -> list[UUID]:
    """The advisers who decided on moves of this case from the reserve list."""
    rows = await conn.fetch(
        "select decided_by from offer where application_id = $1 and decided_by is not null", application_id
    )
    return [row["decided_by"] for row in rows]


async def add_plan(conn: Connection, application_id: UUID, organisation: str) -> None:
    await conn.execute(
        "insert into plan (application_id, organisation, state) values ($1, $2, 'owed') on conflict "
        "do nothing",
        application_id,
        organisation,
    )


async def plans(conn: Connection, application_id: UUID) -> list[Plan]:
    rows = await conn.fetch(
        "select application_id, organisation, state, n from plan where application_id = $1 order by "
        "organisation",
        application_id,
    )
    return [Plan(**{**dict(row), "state": PlanState(row["state"])}) for row in rows]


async def deliver_plan(conn: Connection, plan: Plan, n: int, statement: str, by: UUID, at: datetime) -> None:
    await conn.execute(
        "update plan set state = 'delivered', n = $3 where application_id = $1 and organisation = $2",
        plan.application_id,
        plan.organisation,
        n,
    )
    await conn.execute(
        """insert into plan_delivery (application_id, organisation, n, statement, delivered_by, delivered_at)
           values ($1, $2, $3, $4, $5, $6)""",
        plan.application_id,
        plan.organisation,
        n,
        statement,
        by,
        at,
    )


async def judge_plan(
    conn: Connection, plan: Plan, state: PlanState, reason: str | None, by: UUID, at: datetime
) -> None:
    await conn.execute(
        "update plan set state = $3 where application_id = $1 and organisation = $2",
        plan.application_id,
        plan.organisation,
        state,
    )
    await conn.execute(
        """update plan_delivery set confirmed = $4, reason = $5, judged_by = $6, judged_at = $7
           where application_id = $1 and organisation = $2 and n = $3""",
        plan.application_id,
        plan.organisation,
        plan.n,
        state is PlanState.CONFIRMED,
        reason,
        by,
        at,
    )


async def add_extension(
    conn: Connection, application_id: UUID, n: int, until: datetime, reason: str, by: UUID, at: datetime
) -> None:
    await conn.execute(
        """insert into extension (application_id, n, state, until, reason, asked_by, asked_at)
           values ($1, $2, 'asked', $3, $4, $5, $6)""",
        application_id,
        n,
        until,
        reason,
        by,
        at,
    )


async def last_extension(conn: Connection, application_id: UUID) -> Extension | None:
    row = await conn.fetchrow(
        """select application_id, n, state, until, asked_at from extension
           where application_id = $1 order by n desc limit 1""",
        application_id,
    )
    return Extension(**dict(row)) if row else None


async def decide_extension(
    conn: Connection, extension: Extension, state: str, answer: str, by: UUID, at: datetime
) -> None:
    await conn.execute(
        """update extension set state = $3, answer = $4, decided_by = $5, decided_at = $6
           where application_id = $1 and n = $2""",
        extension.application_id,
        extension.n,
        state,
        answer,
        by,
        at,
    )
