"""Cases as funding knows them, their recommendations, and the history of every machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.common.record import Actor
from services.funding.domain.cases import CaseState
from services.funding.domain.money import Place
from services.intake.events import ApplicationSubmitted


@dataclass(frozen=True)
class Case:
    """`applied`, `held`: whole NOK. `version` 0: only heard of, its particulars are still on their way."""

    id: UUID
    call_id: str
    state: CaseState
    version: int
    case_number: str
    category: str
    panel: str
    organisation: str
    title: str
    statement: str
    holder_id: UUID
    editor_ids: list[UUID]
    applied: int
    decision_version: int
    held: int
    reserve_position: int | None
    held_back: bool
    offers: int
    reserve_until: datetime | None
    ended_as: str | None
    ended_from: str | None


_CASE = (
    "id, call_id, state, version, case_number, category, panel, organisation, title, statement, holder_id, "
    "editor_ids, applied, decision_version, held, reserve_position, held_back, offers, "
    "reserve_until, ended_as, "
    "ended_from"
)


def case_of_row(row: Any) -> Case:
    """The case in a row that has its columns."""
    return Case(**{**dict(row), "state": CaseState(row["state"])})


async def hear_of(conn: Connection, application_id: UUID, call_id: str) -> None:
    """A row for a case of which another fact may come first."""
    await conn.execute(
        "insert into cases (id, call_id, state) values ($1, $2, 'received') on conflict do nothing",
        application_id,
        call_id,
    )


async def write_submission(conn: Connection, fact: ApplicationSubmitted) -> None:
    """The particulars of the newest version."""
    await conn.execute(
        """update cases set version = $2, case_number = $3, category = $4, panel = $5, organisation = $6,
           title = $7,
                  statement = $8, holder_id = $9, editor_ids = $10, applied = $11, total_budget = $12
           where id = $1 and version < $2""",
        fact.application_id,
        fact.version,
        fact.case_number,
        fact.category,
        fact.panel,
        fact.organisation,
        fact.title,
        fact.statement,
        fact.holder_id,
        fact.editor_ids,
        fact.amount,
        fact.total_budget,
    )


async def find_case(conn: Connection, application_id: UUID) -> Case | None:
    row = await conn.fetchrow(f"select {_CASE} from cases where id = $1", application_id)
    return case_of_row(row) if row else None


async def lock_case(conn: Connection, application_id: UUID) -> Case | None:
    row = await conn.fetchrow(f"select {_CASE} from cases where id = $1 for update", application_id)
    return case_of_row(row) if row else None


async def lock_cases(conn: Connection, application_ids: Sequence[UUID]) -> list[Case]:
    """Those of these cases that we know, locked in one order."""
    rows = await conn.fetch(
        f"select {_CASE} from cases where id = any($1::uuid[]) order by id for update", list(application_ids)
    )
    return [case_of_row(row) for row in rows]


async def save_case(
    conn: Connection,
    case: Case,
    *,
    state: CaseState,
    held: int | None = None,
    held_back: bool | None = None,
    decision_version: int | None = None,
    reserve_position: int | None = None,
    offers: int | None = None,
    ended_as: str | None = None,
    ended_from: str | None = None,
) -> None:
    """Write the state and what changed with it; None keeps a value (but the ending, which belongs to
    `ended`)."""
    await conn.execute(
        """update cases set state = $2, held = coalesce($3, held), held_back = coalesce($4, held_back),
                  decision_version = coalesce($5, decision_version), offers = coalesce($7, offers),
                  reserve_position = coalesce($6, reserve_position), ended_as = $8, ended_from = $9
           where id = $1""",
        case.id,
        state,
        held,
        held_back,
        decision_version,
        reserve_position,
        offers,
        ended_as,
        ended_from,
    )


async def set_held_back(conn: Connection, call_id: str, panel: str) -> None:
    """Newly freed money opens the list again for a place that was let wait."""
    await conn.execute(
        "update cases set held_back = false where call_id = $1 and panel = $2 and held_back", call_id, panel
    )


async def set_reserve_until(conn: Connection, application_id: UUID, until: datetime) -> None:
    await conn.execute("update cases set reserve_until = $2 where id = $1", application_id, until)


async def set_holder(conn: Connection, application_id: UUID, holder_id: UUID) -> None:
    await conn.execute("update cases set holder_id = $2 where id = $1", application_id, holder_id)


async def waiting_places(conn: Connection, call_id: str, panel: str) -> list[Place]:
    """The places of the panel's reserve list that no money is offered to. Their rows are locked."""
    rows = await conn.fetch(
        """select c.id, c.reserve_position, d.amount, c.held_back, l.version is not null as told from cases c
           join decision d on d.application_id = c.id and d.version = c.decision_version
           left join letter l on l.application_id = c.id and l.version = c.decision_version
           where c.call_id = $1 and c.panel = $2 and c.state = 'reserve' order by c.reserve_position
           for update of c""",
        call_id,
        panel,
    )
    return [
        Place(row["id"], row["reserve_position"], row["amount"], row["held_back"], row["told"])
        for row in rows
    ]


async def last_position(conn: Connection, call_id: str, panel: str) -> int:
    """The highest position ever given on the panel's reserve list; 0 for none."""
    found: int | None = await conn.fetchval(
        "select max(reserve_position) from cases where call_id = $1 and panel = $2", call_id, panel
    )
    return found or 0


async def has_conflict(conn: Connection, application_ids: Sequence[UUID], person_id: UUID) -> bool:
    found: bool = await conn.fetchval(
        "select exists (select from conflict where application_id = any($1::uuid[]) and person_id = $2)",
        list(application_ids),
        person_id,
    )
    return found


async def add_conflict(conn: Connection, application_id: UUID, person_id: UUID) -> None:
    await conn.execute(
        "insert into conflict (application_id, person_id) values ($1, $2) on conflict do nothing",
        application_id,
        person_id,
    )


async def add_step(
    conn: Connection,
    machine: str,
    subject: object,
    before: StrEnum | None,
    action: str,
    after: StrEnum,
    actor: Actor,
) -> None:
    """One step of a state machine, with who made it (I4)."""
    await conn.execute(
        """insert into history (machine, subject, before, action, after, actor)
           values ($1, $2, $3, $4, $5, $6)""",
        machine,
        str(subject),
        before,
        action,
        after,
        f"{actor.kind}:{actor.id}",
    )


async def upheld_stage(conn: Connection, application_id: UUID, version: int) -> str | None:
    """The stage to which the upheld complaint about this decision returns the case; None without one."""
    found: str | None = await conn.fetchval(
        "select stage from complaint where application_id = $1 and n = $2 and state = 'granted'",
        application_id,
        version,
    )
    return found


async def places_taken(conn: Connection, call_id: str, panel: str) -> int:
    """Places of the panel's reserve list that are taken at present."""
    found: int = await conn.fetchval(
        """select count(*) from cases
           where call_id = $1 and panel = $2 and state in ('reserve', 'offered', 'moving')""",
        call_id,
        panel,
    )
    return found


async def lock_left_out(conn: Connection, call_id: str, application_id: UUID | None) -> list[Case]:
    """Recommended cases of the call (or this one) that wait for a decision, while the call's round is decided
    (or the panels have signed that there is nothing to decide) and no other that they are in is still to be.
    Locked in one order."""
    rows = await conn.fetch(
        f"""select {_CASE} from cases c
            where call_id = $1 and ($2::uuid is null or id = $2) and state in ('received', 'in_decision')
              and exists (select from recommendation where application_id = c.id)
              and (exists (select from decision_round r
                           where r.call_id = c.call_id and r.application_id is null and r.state = 'decided')
                   or (select jsonb_array_length(definition -> 'panels') from call where id = c.call_id)
                      = (select count(*) from panel_round s
                         where s.call_id = c.call_id and s.application_id is null
                           and cardinality(s.application_ids) = 0))
              and not exists (select from proposal p join decision_round r on r.id = p.decision_round_id
                              where p.application_id = c.id and r.state <> 'decided')
            order by id for update of c""",
        call_id,
        application_id,
    )
    return [case_of_row(row) for row in rows]


async def own_rounds(conn: Connection, application_id: UUID, version: int) -> int:
    """How many rounds of its own the case has had for the decision after this version."""
    found: int = await conn.fetchval(
        "select count(*) from decision_round where application_id = $1 and starts_with(id, $2)",
        application_id,
        f"{application_id}.d{version + 1}",
    )
    return found
