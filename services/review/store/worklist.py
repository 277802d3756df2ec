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


# $1 person, $2 roles, $3 organisation, $4 audiences without deputies.
# Each branch has its partial index, so that a list costs what it may show and not what is open.
_AUDIENCE = """
with principal as (
  select id from person where deputy_id = $1
), audience as (
  select id from task
  where closed_at is null and audience_person = $1 and not_person is distinct from $1
  union
  select id from task
  where closed_at is null and audience_person in (select id from principal) and audience_role <> all($4)
    and not_person is distinct from $1
  union
  select id from task
  where closed_at is null and audience_person is null and audience_role = any($2)
    and (audience_organisation is null or audience_organisation = $3) and not_person is distinct from $1
)
"""

_OWN = "audience join task t using (id)"
_EVERYTHING = "task t"
_OF_TRUST = """
(select id from audience
 union
 select t.id from cases c join task t on t.application_id = c.id
 where c.organisation = $3 and t.closed_at is null) seen join task t using (id)
"""

_VISIBLE = """
left join cases c on c.id = t.application_id
where t.closed_at is null
  and ((t.audience_role = 'holder' and t.audience_person = $1 and t.not_person is distinct from $1)
       or not exists (select from conflict k where k.application_id = t.application_id and k.person_id = $1))
"""

_VIEWS = {
    "mine": "t.claimed_by is null or t.claimed_by = $1 or t.claimed_by in (select id from principal)",
    "all": "true",
    "due": "t.due_at between clock_timestamp() and clock_timestamp() + interval '3 days'",
    "overdue": "t.due_at < clock_timestamp() and t.state = 'open'",
}


def _source(caller: Caller, view: str) -> str:
    if view == "mine":
        return _OWN
    if caller.roles & SUPERVISORS:
        return _EVERYTHING
    return _OF_TRUST if "hf_adviser" in caller.roles else _OWN


def _viewer(caller: Caller) -> list[Any]:
    return [caller.person_id, list(caller.roles), caller.organisation, list(IN_PERSON)]


async def page(
    conn: Connection, caller: Caller, wanted: Filter, after: tuple[datetime, UUID] | None, limit: int
) -> list[Listed]:
    """The open tasks of the view, most urgent first, after the given (due, id)."""
    rows = await conn.fetch(
        f"""
        {_AUDIENCE}
        select t.*, c.title, coalesce(c.organisation, t.audience_organisation) as shown_organisation
        from {_source(caller, wanted.view)} {_VISIBLE} and ({_VIEWS[wanted.view]})
          and ($5::text is null or t.kind = $5) and ($6::text is null or t.call_id = $6)
          and ($7::uuid is null or t.application_id = $7)
          and ($8::timestamptz is null or (t.due_at, t.id) > ($8, $9::uuid))
        order by t.due_at, t.id limit $10
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
    """How many tasks each view holds: as many as its pages show."""
    mine = await conn.fetchval(
        f"{_AUDIENCE} select count(*) from {_OWN} {_VISIBLE} and ({_VIEWS['mine']})", *_viewer(caller)
    )
    others = [view for view in _VIEWS if view != "mine"]
    row = await conn.fetchrow(
        f"""
        {_AUDIENCE}
        select {", ".join(f"count(*) filter (where {_VIEWS[view]}) as {view}" for view in others)}
        from {_source(caller, "all")} {_VISIBLE}
        """,
        *_viewer(caller),
    )
    return Counts(mine=mine, **dict(row))


async def get(conn: Connection, task_id: UUID) -> Listed | None:
    """One task, open or not, whoever asks: the caller of this judges by `access`."""
    row = await conn.fetchrow(
        """
        select t.*, c.title, coalesce(c.organisation, t.audience_organisation) as shown_organisation
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
    return Listed(Task.of(values), title, organisation)
