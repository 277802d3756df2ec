"""The workflow worker: runs the workflow code, and notes the end of each run."""

import asyncio
from datetime import timedelta

from temporalio.worker import Worker

from services.common import temporal
from services.common.run import Service, keep, open_worker
from services.common.settings import Settings
from workflows import activities
from workflows.application import Application
from workflows.call import Call
from workflows.contracts.ids import WORKFLOW_QUEUE
from workflows.grant import Grant
from workflows.human_task import HumanTask

WORKFLOWS = (Application, Call, Grant, HumanTask)


async def run(service: Service, settings: Settings) -> None:
    """Work until stopped; Temporal or Postgres being away is waited out."""
    parts = await open_worker(service, settings)

    async def work() -> None:
        client = await temporal.connect(settings)
        async with Worker(
            client,
            task_queue=WORKFLOW_QUEUE,
            workflows=list(WORKFLOWS),
            activities=activities.build(parts),
            interceptors=[temporal.CauseInterceptor()],
            graceful_shutdown_timeout=timedelta(seconds=10),
        ):
            await asyncio.Event().wait()

    try:
        await keep("workflows", work)
    finally:
        await parts.database.close()
