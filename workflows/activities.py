"""What the workflow worker does itself: noting the end of runs."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.common.run import Worker
from services.common.temporal import implements, workflow_actor
from workflows import store
from workflows.contracts import workflows as contract
from workflows.late import Late, record_late_facts


def build(worker: Worker) -> list[Callable[..., Any]]:
    async def note_end(end: contract.RunEnd) -> None:
        async with worker.database.transaction() as conn:
            await store.lock_workflow(conn, end.workflow_id)
            await store.end_run(conn, end.workflow_id)

    async def note_late_fact(late: contract.LateFact) -> None:
        application_id = None if late.application_id is None else UUID(late.application_id)
        fact = Late(UUID(late.event_id), late.type, application_id, late.call_id)
        async with worker.database.transaction() as conn:
            await record_late_facts(conn, workflow_actor(), workflow_actor().id, [fact])

    return [implements(contract.note_end, note_end), implements(contract.note_late_fact, note_late_fact)]
