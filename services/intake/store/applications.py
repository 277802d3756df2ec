"""Applications: the row, its content, its state with history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.common.record import Actor
from services.intake.domain.budget import Budget
from services.intake.domain.rules import Draft
from services.intake.domain.states import Action, State


@dataclass(frozen=True)
class Application:
    """One application with its present content. `version` counts submissions, `revision` saves."""

    id: UUID
    call_id: str
    holder_id: UUID
    state: State
    version: int
    revision: int
    case_number: str | None
    content: Draft
    consulted: list[str]
    after_internal_deadline: bool
    first_submitted_at: datetime | None
    submitted_at: datetime | None
    stage: str
    stage_owner: str
    expected_at: datetime | None
    created_at: datetime
    saved_at: datetime

    @property
    def organisation(self) -> str:
        return self.content.organisation


def application(row: Any) -> Application:
    return Application(
        id=row["id"],
        call_id=row["call_id"],
        holder_id=row["holder_id"],
        state=State(row["state"]),
        version=row["version"],
        revision=row["revision"],
        case_number=row["case_number"],
        content=Draft(
            category=row["category"],
            organisation=row["organisation"],
            title=row["title"],
            statement=row["statement"],
            form=row["form"],
            budget=Budget(row["budget_lines"], row["own_share"], row["applied_amount"]),
            priority_areas=list(row["priority_areas"]),
            patient_groups=list(row["patient_groups"]),
            touches=list(row["touches"]),
            leader_employment_percent=row["leader_employment_percent"],
            earlier_awards=row["earlier_awards"],
        ),
        consulted=list(row["consulted"]),
        after_internal_deadline=row["after_internal_deadline"],
        first_submitted_at=row["first_submitted_at"],
        submitted_at=row["submitted_at"],
        stage=row["stage"],
        stage_owner=row["stage_owner"],
        expected_at=row["expected_at"],
        created_at=row["created_at"],
        saved_at=row["saved_at"],
    )


async def insert(
    conn: Connection, application_id: UUID, call_id: str, category: str, organisation: str, holder_id: UUID
) -> Application:
    row = await conn.fetchrow(
        """insert into application (id, call_id, category, organisation, holder_id, state)
           values ($1, $2, $3, $4, $5, 'draft') returning *""",
        application_id,
        call_id,
        category,
        organisation,
        holder_id,
    )
    return application(row)


async def get(conn: Connection, application_id: UUID) -> Application | None:
    row = await conn.fetchrow("select * from application where id = $1", application_id)
    return application(row) if row else None


async def lock(conn: Connection, application_id: UUID) -> Application | None:
    row = await conn.fetchrow("select * from application where id = $1 for update", application_id)
    return application(row) if row else None


async def count_drafts(conn: Connection, holder_id: UUID, call_id: str) -> int:
    found: int = await conn.fetchval(
        "select count(*) from application where holder_id = $1 and call_id = $2 and state = 'draft'",
        holder_id,
        call_id,
    )
    return found


async def save(conn: Connection, application_id: UUID, content: Draft) -> Application:
    """Write the content as the next revision. Category and organisation are fixed at creation."""
    row = await conn.fetchrow(
        """update application set title = $2, statement = $3, form = $4, budget_lines = $5, own_share = $6,
                  applied_amount = $7, priority_areas = $8, patient_groups = $9, touches = $10,
                  leader_employment_percent = $11, earlier_awards = $12,
                  revision = revision + 1, saved_at = clock_timestamp()
           where id = $1 returning *""",
        application_id,
        content.title,
        content.statement,
        dict(content.form),
        dict(content.budget.lines),
        content.budget.own_share,
        content.budget.applied_amount,
        list(content.priority_areas),
        list(content.patient_groups),
        list(content.touches),
        content.leader_employment_percent,
        content.earlier_awards,
    )
    return application(row)


async def enter_state(
    conn: Connection, before: Application, action: Action, after: State, actor: Actor
) -> None:
    """Write the state that `move` gave, and who took the step."""
    await conn.execute(
        "update application set state = $2, revision = revision + 1 where id = $1", before.id, after.value
    )
    await _note(conn, before.id, action.value, before.state.value, after, actor)


async def note_creation(conn: Connection, application_id: UUID, actor: Actor) -> None:
    await _note(conn, application_id, "create", None, State.DRAFT, actor)


async def _note(
    conn: Connection, application_id: UUID, action: str, before: str | None, after: State, actor: Actor
) -> None:
    await conn.execute(
        """insert into state_history (application_id, action, from_state, to_state, actor_kind, actor_id)
           values ($1, $2, $3, $4, $5, $6)""",
        application_id,
        action,
        before,
        after.value,
        actor.kind,
        actor.id,
    )


async def enter_version(
    conn: Connection,
    application_id: UUID,
    *,
    version: int,
    case_number: str,
    submitted_at: datetime,
    after_internal_deadline: bool,
    consulted: Sequence[str],
) -> None:
    """A version is received. The first one fixes case number and first instant; they never change again."""
    await conn.execute(
        """update application set version = $2, case_number = $3, submitted_at = $4, after_internal_deadline =
        $5,
                  consulted = $6, first_submitted_at = coalesce(first_submitted_at, $4)
           where id = $1""",
        application_id,
        version,
        case_number,
        submitted_at,
        after_internal_deadline,
        list(consulted),
    )


async def of_call(conn: Connection, call_id: str, states: Sequence[State]) -> list[Application]:
    """The applications of the call in these states, locked, in the order of their ids."""
    rows = await conn.fetch(
        "select * from application where call_id = $1 and state = any($2::text[]) order by id for update",
        call_id,
        [state.value for state in states],
    )
    return [application(row) for row in rows]


async def bring_in_time(conn: Connection, call_id: str, own: Mapping[str, datetime]) -> list[UUID]:
    """Take the late flag from those whose first version came by their organisation's own deadline in `own`;
    returns them."""
    rows = await conn.fetch(
        """with late as (
             select a.id from application a
             join unnest($2::text[], $3::timestamptz[]) as own (organisation, deadline) using (organisation)
             where a.call_id = $1 and a.after_internal_deadline and a.first_submitted_at <= own.deadline
             order by a.id for update of a
           )
           update application a set after_internal_deadline = false from late where a.id = late.id
           returning a.id""",
        call_id,
        list(own),
        list(own.values()),
    )
    return sorted(row["id"] for row in rows)


async def missed(conn: Connection, call_id: str, limit: int) -> list[Application]:
    """Drafts of the call whose holders have not been told that it closed without them, locked."""
    rows = await conn.fetch(
        """select * from application where call_id = $1 and state = 'draft' and stage = 'draft'
           order by id limit $2 for update""",
        call_id,
        limit,
    )
    return [application(row) for row in rows]


async def unwarned(
    conn: Connection, call_id: str, n: int, deadline: datetime, limit: int
) -> list[Application]:
    """Applications that still wait for their holder and have not had this warning; noted as warned,
    locked."""
    rows = await conn.fetch(
        """with due as (
             select a.* from application a
             where a.call_id = $1 and a.state in ('draft', 'returned')
               and not exists (select from draft_warning w
                               where w.application_id = a.id and w.n = $2 and w.deadline = $3)
             order by a.id limit $4 for update
           ), noted as (
             insert into draft_warning (application_id, n, deadline) select id, $2, $3 from due
             on conflict do nothing returning application_id
           )
           select due.* from due join noted on noted.application_id = due.id order by due.id""",
        call_id,
        n,
        deadline,
        limit,
    )
    return [application(row) for row in rows]


async def editors(conn: Connection, application_id: UUID) -> list[UUID]:
    rows = await conn.fetch(
        "select person_id from editor where application_id = $1 order by person_id", application_id
    )
    return [row["person_id"] for row in rows]


async def add_editor(conn: Connection, application_id: UUID, person_id: UUID) -> bool:
    """False if the person is an editor already."""
    done = await conn.fetchval(
        "insert into editor values ($1, $2) on conflict do nothing returning true",
        application_id,
        person_id,
    )
    return bool(done)


async def invited_editors(conn: Connection, application_id: UUID) -> list[UUID]:
    """Who may become one by an invitation that is still open."""
    rows = await conn.fetch(
        """select distinct person_id from invitation where application_id = $1 and as_editor
             and accepted_at is null and expires_at > clock_timestamp()""",
        application_id,
    )
    return [row["person_id"] for row in rows]


async def remove_editor(conn: Connection, application_id: UUID, person_id: UUID) -> bool:
    """As editor, and from among the invited. False if the person was neither."""
    done: bool = await conn.fetchval(
        """with gone as (delete from editor where application_id = $1 and person_id = $2 returning 1),
                uninvited as (delete from invitation where application_id = $1 and person_id = $2
                              and as_editor and accepted_at is null returning 1)
           select exists (select from gone) or exists (select from uninvited)""",
        application_id,
        person_id,
    )
    return done


async def change_holder(conn: Connection, application_id: UUID, holder_id: UUID) -> None:
    await conn.execute(
        "update application set holder_id = $2, revision = revision + 1 where id = $1",
        application_id,
        holder_id,
    )
