"""How a person stands to applications: what the policy decides on, for one case and for lists."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection
from services.intake.policy import Relation
from services.intake.store.applications import Application, application

_RELATION = """
  a.version > 0 as submitted,
  exists (select from editor e where e.application_id = a.id and e.person_id = $1) as is_editor,
  exists (select from endorsement e where e.application_id = a.id and e.person_id = $1
          and e.state <> 'voided') as is_endorser,
  array(select distinct c.organisation from clarification c where c.application_id = a.id) as clarifying,
  exists (select from content_access g where g.application_id = a.id and g.person_id = $1 and g.granted) as
  granted,
  exists (select from conflict c where c.application_id = a.id and c.person_id = $1) as conflict
"""


def _relation(row: Any) -> Relation:
    return Relation(
        application_id=row["id"],
        holder_id=row["holder_id"],
        organisation=row["organisation"],
        submitted=row["submitted"],
        is_editor=row["is_editor"],
        is_endorser=row["is_endorser"],
        consulted=frozenset(row["consulted"]),
        clarifying=frozenset(row["clarifying"]),
        granted=row["granted"],
        conflict=row["conflict"],
    )


async def to_application(
    conn: Connection, caller: Caller, application_id: UUID
) -> tuple[Application, Relation] | tuple[None, None]:
    """The application and how this caller stands to it; (None, None) for an unknown id."""
    row = await conn.fetchrow(
        f"select a.*, {_RELATION} from application a where a.id = $2", caller.person_id, application_id
    )
    return (application(row), _relation(row)) if row else (None, None)


async def to_application_locked(
    conn: Connection, caller: Caller, application_id: UUID
) -> tuple[Application, Relation] | tuple[None, None]:
    """As above, the application's row locked until the transaction ends."""
    row = await conn.fetchrow(
        f"select a.*, {_RELATION} from application a where a.id = $2 for update of a",
        caller.person_id,
        application_id,
    )
    return (application(row), _relation(row)) if row else (None, None)


@dataclass(frozen=True)
class ListFilter:
    """What a list of applications is narrowed to; None: not narrowed."""

    call_id: str | None = None
    state: str | None = None


async def candidates(
    conn: Connection,
    caller: Caller,
    wanted: ListFilter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[tuple[Application, Relation]]:
    """Applications that the caller might see, newest first. The policy has the last word on each of them.

    Only narrows by what can never be seen: somebody without a role meets their own cases here and no others.
    """
    moment, last = after or (None, None)
    sees_all = bool(caller.roles & {"rhf_adviser", "leader", "auditor"})
    own_trust = bool(caller.roles & {"hf_adviser", "institution"})
    consultant = "consultant" in caller.roles
    rows = await conn.fetch(
        f"""select a.*, {_RELATION} from application a
            where ($2::timestamptz is null or (a.created_at, a.id) < ($2, $3))
              and ($4::text is null or a.call_id = $4)
              and ($5::text is null or replace(a.state, '_returned', '') = $5)
              and ($6 or a.holder_id = $1
                   or ($7 and a.organisation = $9)
                   or ($8 and ($9 = any(a.consulted)
                       or a.id in (select c.application_id from clarification c where c.organisation = $9)))
                   or a.id in (select e.application_id from editor e where e.person_id = $1)
                   or a.id in (select e.application_id from endorsement e where e.person_id = $1)
                   or a.id in (select g.application_id from content_access g where g.person_id = $1 and
                   g.granted))
            order by a.created_at desc, a.id desc limit $10""",
        caller.person_id,
        moment,
        last,
        wanted.call_id,
        wanted.state,
        sees_all,
        own_trust,
        consultant,
        caller.organisation,
        limit,
    )
    return [(application(row), _relation(row)) for row in rows]


async def grant(conn: Connection, application_id: UUID, person_id: UUID, granted: bool, at: datetime) -> None:
    """Open or close the content to a committee member; the newest word counts, whatever order they come
    in."""
    await conn.execute(
        """insert into content_access (application_id, person_id, granted, changed_at) values ($1, $2, $3, $4)
           on conflict (application_id, person_id) do update set granted = excluded.granted,
             changed_at = excluded.changed_at where content_access.changed_at <= excluded.changed_at""",
        application_id,
        person_id,
        granted,
        at,
    )


async def declare_conflict(conn: Connection, application_id: UUID, person_id: UUID, at: datetime) -> None:
    await conn.execute(
        """insert into conflict (application_id, person_id, declared_at) values ($1, $2, $3)
           on conflict do nothing""",
        application_id,
        person_id,
        at,
    )
