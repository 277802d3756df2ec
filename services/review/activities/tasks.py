"""The activities of tasks: five lines each, a transaction and a command."""

import asyncio
from collections.abc import Callable
from typing import Any

from services.common.run import Worker
from services.common.temporal import implements, workflow_actor
from services.review.commands import clock
from services.review.commands import tasks as commands
from services.review.commands.recording import record_facts
from workflows.contracts import review as contracts
from workflows.contracts.review import LadderStep, OpenTask

_LONGEST_WAIT_SECONDS = 2.0


def build(worker: Worker) -> list[Callable[..., Any]]:
    async def open_task(task: OpenTask) -> None:
        async with worker.database.transaction() as conn:
            facts = await commands.open_task(conn, task)
            await record_facts(conn, workflow_actor(), "task.opened", {"kind": task.kind}, facts)

    async def take_ladder_step(step: LadderStep) -> None:
        while True:
            try:
                async with worker.database.transaction() as conn:
                    facts = await clock.take_ladder_step(conn, step)
                    await record_facts(conn, workflow_actor(), "task.stepped", {"step": step.n}, facts)
                    return
            except clock.StepNotDueYet as early:
                # The clock of the workflow engine may run a little ahead of the database's, which decides.
                if early.wait.total_seconds() > _LONGEST_WAIT_SECONDS:
                    raise
                await asyncio.sleep(early.wait.total_seconds())

    return [
        implements(contracts.open_task, open_task),
        implements(contracts.take_ladder_step, take_ladder_step),
    ]
