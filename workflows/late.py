"""Facts for a run that has ended: recorded, and told to an adviser by review."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.common.db import Connection
from services.common.record import Actor, record
from workflows import store
from workflows.events import FactArrivedLate


@dataclass(frozen=True)
class Late:
    event_id: UUID
    type: str
    application_id: UUID | None
    call_id: str | None


async def record_late_facts(conn: Connection, actor: Actor, workflow_id: str, facts: Sequence[Late]) -> None:
    """Record these facts of one case, each once. The last statement of its transaction."""
    news = [each for each in facts if await store.add_late_fact(conn, workflow_id, each.event_id, each.type)]
    if not news:
        return
    await record(
        conn,
        key=str(news[0].application_id or news[0].call_id),
        actor=actor,
        action="fact.arrived_late",
        body={"workflow_id": workflow_id, "events": [str(each.event_id) for each in news]},
        events=[
            FactArrivedLate(
                application_id=each.application_id,
                call_id=each.call_id,
                event_id=each.event_id,
                type=each.type,
            )
            for each in news
        ],
    )
