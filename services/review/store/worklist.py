"""SQL of the worklist: which tasks exist for a person. Says what policy.sees_task and waits_for say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection
from services.review.policy import IN_PERSON, SUPERVISORS, TaskAccess
from services.review.store.tasks import Task


@dataclass(frozen=True)
class Listed:
    """A task as the worklist shows it. Title and organisation are those of its case, if it has one."""

    task: Task
    title: str | None
    organisation: str | None


@dataclass(frozen=True, kw_only=True)
class Filter:
    view: str
    """mine | all | due | overdue"""
    kind: str | None = None
    call_id: str | None = None
    application_id: UUID | None = None


@dataclass(frozen=True)
class Counts:
    mine: int
    all: int
    due: int
    overdue: int


# $1 person, $2 roles, $3 organisation, $4 audiences without deputies, $5 supervisor, $6 adviser of a trust.
# Each branch of the union has its partial index, so that a list costs what it shows and not what is open.
_VISIBLE = """
with principal as (
  select id from person where deputy_id = $1
), audience as (
  select id from task where closed_at is null and audience_person = $1
  union
  select id from task
  where closed_at is null and audience_person in (select id from principal) and audience_role <> all($4)
  union
  select id from task
  where closed_at is null and audience_person is null and audience_role = any($2)
    and (audience_organisation is null or audience_organisation = $3)
), visible as (
  select t.*, c.title, coalesce(c.organisation, t.audience_organisation) as shown_organisation,
         a.id is not null and t.not_person is distinct from $1
           and (t.claimed_by is null or t.claimed_by = $1
                or t.claimed_by in (select id from principal)) as mine
  from task t
  left join audience a on a.id = t.id
  left join cases c on c.id = t.application_id
  where t.closed_at is null
    and ((a.id is not null and t.not_person is distinct from $1) or $5 or ($6 and c.organisation = $3))
    and not exists (select from conflict k where k.application_id = t.application_id and k.person_id = $1)
)
"""

_VIEWS = {
    "mine": "mine",
    "all": "true",
    "due": "due_at between clock_timestamp() and clock_timestamp() + interval '3 days'",
    "overdue": "due_at < clock_timestamp() and state = 'open'",
}


def _viewer(caller: Caller) -> list[Any]:
    return [
        caller.person_id,
        list(caller.roles),
        caller.organisation,
        list(IN_PERSON),
        bool(caller.roles & SUPERVISORS),
        "hf_adviser" in caller.roles,
    ]


async def page(
    conn: Connection, caller: Caller, wanted: Filter, after: tuple[datetime, UUID] | None, limit: int
) -> list[Listed]:
    """The open tasks of the view, most urgent first, after the given (due, id)."""
    rows = await conn.fetch(
        f"""
        {_VISIBLE}
        select * from visible
        where {_VIEWS[wanted.view]}
          and ($7::text is null or kind = $7) and ($8::text is null or call_id = $8)
          and ($9::uuid is null or application_id = $9)
          and ($10::timestamptz is null or (due_at, id) > ($10, $11::uuid))
        order by due_at, id limit $12
        """,
        *_viewer(caller),
        wanted.kind,
        wanted.call_id,
        wanted.application_id,
        *(after or (None, None)),
        limit,
    )
    return [_listed(row) for row in rows]


async def counts(conn: Connection, caller: Caller) -> Counts:
    row = await conn.fetchrow(
        f"""
        {_VISIBLE}
        select {", ".join(f"count(*) filter (where {where}) as {view}" for view, where in _VIEWS.items())}
        from visible
        """,
        *_viewer(caller),
    )
    return Counts(**dict(row))


async def get(conn: Connection, task_id: UUID) -> Listed | None:
    """One task, open or not, whoever asks: the caller of this judges by `access`."""
    row = await conn.fetchrow(
        """
        select t.*, c.title, coalesce(c.organisation, t.audience_organisation) as shown_organisation,
               false as mine
        from task t left join cases c on c.id = t.application_id
        where t.id = $1 and t.opened_at is not null
        """,
        task_id,
    )
    return None if row is None else _listed(row)


async def access(conn: Connection, task: Task, person_id: UUID) -> TaskAccess:
    """What the standing of this person towards the task is judged by."""
    row = await conn.fetchrow(
        """
        select (select organisation from cases where id = $1) as applicant,
               exists (select from conflict where application_id = $1 and person_id = $2) as conflicted,
               array(select id from person where deputy_id = $2) as principals
        """,
        task.application_id,
        person_id,
    )
    return TaskAccess(
        role=task.audience_role,
        organisation=task.audience_organisation,
        person_id=task.audience_person,
        not_person=task.not_person,
        claimed_by=task.claimed_by,
        applicant=row["applicant"],
        conflicted=row["conflicted"],
        principals=frozenset(row["principals"]),
    )


def _listed(row: Any) -> Listed:
    values = dict(row)
    title, organisation = values.pop("title"), values.pop("shown_organisation")
    del values["mine"]
    return Listed(Task.of(values), title, organisation)
