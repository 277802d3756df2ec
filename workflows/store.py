"""SQL of the starter: runs, and facts that came too early or too late."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.common.db import Connection
from workflows.contracts.facts import Fact


@dataclass(frozen=True)
class StartedRun:
    started_event: UUID
    ended_at: datetime | None


async def lock_workflow(conn: Connection, workflow_id: str) -> None:
    """Wait for our turn with this workflow; held until the transaction ends.

    Its facts come by several topics, and its end is noted by another process.
    """
    await conn.execute(
        """select pg_advisory_xact_lock(
               hashtextextended(concat_ws('/', current_schema(), 'run', $1::text), 0))""",
        workflow_id,
    )


async def get_run(conn: Connection, workflow_id: str) -> StartedRun | None:
    row = await conn.fetchrow("select started_event, ended_at from run where workflow_id = $1", workflow_id)
    return None if row is None else StartedRun(row["started_event"], row["ended_at"])


async def add_run(conn: Connection, workflow_id: str, started_event: UUID) -> None:
    await conn.execute(
        "insert into run (workflow_id, started_event) values ($1, $2)", workflow_id, started_event
    )


async def end_run(conn: Connection, workflow_id: str) -> None:
    """Note that the run has ended; the first time counts."""
    await conn.execute(
        "update run set ended_at = clock_timestamp() where workflow_id = $1 and ended_at is null", workflow_id
    )


async def keep_early_fact(conn: Connection, workflow_id: str, fact: Fact) -> None:
    await conn.execute(
        """insert into early_fact (workflow_id, event_id, type, traceparent, data) values ($1, $2, $3, $4, $5)
           on conflict do nothing""",
        workflow_id,
        UUID(fact.event_id),
        fact.type,
        fact.traceparent,
        fact.data,
    )


async def take_early_facts(conn: Connection, workflow_id: str) -> list[Fact]:
    """The facts kept for this workflow, in the order in which they came; they are kept no longer."""
    rows = await conn.fetch(
        """with taken as (delete from early_fact where workflow_id = $1 returning *)
           select event_id, type, traceparent, data from taken order by seq""",
        workflow_id,
    )
    return [Fact(str(row["event_id"]), row["type"], row["traceparent"], row["data"]) for row in rows]


async def add_late_fact(conn: Connection, workflow_id: str, event_id: UUID, type_: str) -> bool:
    """Note a fact that came too late; False when it is noted already."""
    done = await conn.execute(
        "insert into late_fact (event_id, workflow_id, type) values ($1, $2, $3) on conflict do nothing",
        event_id,
        workflow_id,
        type_,
    )
    return done == "INSERT 0 1"
