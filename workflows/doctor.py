"""Which runs are stuck: beside the SQL checks, every open workflow is asked what it waits for.

Waiting for an instant is fine. Not fine: a workflow task that fails, an activity that has been tried for more
than a minute, a step that its service refuses or that nothing comes of, a wait on a person who has no open
task, and a run that was started, has not ended, and is gone.
"""

import asyncio
import sys
import time
from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowExecution, WorkflowHandle, WorkflowQueryFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode

from services.common import operate
from services.common.db import Connection, connect
from services.common.errors import SettingsError
from services.common.run import Service
from services.common.settings import Settings, load
from workflows.contracts.runs import WAITS_ON, Wait

# A fact may be on its way between the closing of a task and the run that waits for it.
_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 1.0
_TOO_LONG = timedelta(minutes=1)
_ANSWER = timedelta(seconds=10)
_AT_ONCE = 20


@dataclass(frozen=True)
class Stuck:
    """A run that cannot go on by itself."""

    workflow_id: str
    why: str


def main(service: Service) -> NoReturn:
    """Run the checks of the schema and look for stuck runs; exits 0 when all is well."""
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"{service.name} cannot start: {error}")
    sys.exit(asyncio.run(_doctor(service, settings)))


async def _doctor(service: Service, settings: Settings) -> int:
    worst = await operate.doctor(service, settings)
    try:
        client = await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            data_converter=pydantic_data_converter,
        )
    except RuntimeError:
        print("workflows: cannot be examined now: Temporal does not answer")
        return 2
    conn = await connect(settings, "review", "inspector", purpose="doctor")
    try:
        found = await stuck(client, conn)
    finally:
        await conn.close()
    for each in sorted(found, key=lambda each: each.workflow_id):
        print(f"workflows: stuck run: {each.workflow_id}: {each.why}")
    print("workflows: " + (f"{len(found)} runs are stuck" if found else "no run is stuck"))
    return max(worst, 1 if found else 0)


async def stuck(client: Client, conn: Connection, patience: float = _PATIENCE_SECONDS) -> set[Stuck]:
    """The runs that are stuck, and still are after a while. `conn` reads review as the inspector."""
    deadline = time.monotonic() + patience
    found = await _look(client, conn)
    while found and time.monotonic() < deadline:
        await asyncio.sleep(_PAUSE_SECONDS)
        found &= await _look(client, conn)
    return found


async def _look(client: Client, conn: Connection) -> set[Stuck]:
    open_tasks = await _open_tasks(conn)
    some = asyncio.Semaphore(_AT_ONCE)

    async def examined(run: WorkflowExecution) -> set[Stuck]:
        async with some:
            return {Stuck(run.id, why) for why in await _examine(client, run, open_tasks)}

    runs = [run async for run in client.list_workflows("ExecutionStatus = 'Running'")]
    gone = await _gone(client, conn, {run.id for run in runs})
    return gone.union(*await asyncio.gather(*(examined(run) for run in runs)))


async def _gone(client: Client, conn: Connection, running: Set[str]) -> set[Stuck]:
    """The runs that somebody terminated, or that a restored Temporal does not know: nobody waits any more."""
    rows = await conn.fetch(
        """select workflow_id from workflows.run
           where ended_at is null and started_at < clock_timestamp() - $1::interval""",
        _TOO_LONG,
    )
    found = set()
    for workflow_id in {row["workflow_id"] for row in rows} - running:
        try:
            description = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=_ANSWER)
            status = description.status.name if description.status else "UNKNOWN"
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                continue  # it does not answer now, which the list of those that run would have met too
            status = error.status.name
        if status != "RUNNING":  # the list of those that run lags behind
            found.add(Stuck(workflow_id, f"its run is gone ({status}), though the case has not ended"))
    return found


@dataclass(frozen=True)
class OpenTasks:
    ids: frozenset[str]
    names: frozenset[tuple[str, str, str]]
    """subject, kind, n"""
    subjects: frozenset[str]
    """with those of a panel's members cut to the round"""


async def _open_tasks(conn: Connection) -> OpenTasks:
    rows = await conn.fetch("select id, subject, kind, n from task where closed_at is null")
    return OpenTasks(
        frozenset(str(row["id"]) for row in rows),
        frozenset((row["subject"], row["kind"], row["n"]) for row in rows),
        frozenset(row["subject"].split("/")[0] for row in rows),
    )


async def _examine(client: Client, run: WorkflowExecution, open_tasks: OpenTasks) -> list[str]:
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    try:
        failing = await _failing(handle)
        if failing:
            return failing
        if run.workflow_type == "human_task" and run.id.removeprefix("task:") not in open_tasks.ids:
            return ["its task is not open"]
        return await _waits_in_vain(handle, open_tasks)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return []  # it has just ended
        return [
            f"it cannot be asked what it waits for ({error.status.name}): is the workflow worker running?"
        ]


async def _failing(handle: WorkflowHandle[object, object]) -> list[str]:
    """What the server has tried again and again."""
    raw = (await handle.describe(rpc_timeout=_ANSWER)).raw_description
    why = []
    if raw.pending_workflow_task.attempt > 1:
        why.append("its workflow task fails: look for it in the log of the workflow worker")
    for activity in raw.pending_activities:
        if datetime.now(UTC) - await _asked_at(handle, activity) > _TOO_LONG:
            why.append(f"{activity.activity_type.name} has been tried for more than a minute")
    return why


async def _asked_at(handle: WorkflowHandle[object, object], activity: PendingActivityInfo) -> datetime:
    """When the run asked for it. The server itself remembers only when the latest attempt was scheduled."""
    if activity.attempt > 1:
        async for event in handle.fetch_history_events():
            if event.activity_task_scheduled_event_attributes.activity_id == activity.activity_id:
                return event.event_time.ToDatetime(UTC)
    return activity.scheduled_time.ToDatetime(UTC)


async def _waits_in_vain(handle: WorkflowHandle[object, object], open_tasks: OpenTasks) -> list[str]:
    """Steps that are refused or that nothing comes of, and the persons it waits for who are not asked."""
    try:
        waits: list[Wait] = await handle.query(WAITS_ON, result_type=list[Wait], rpc_timeout=_ANSWER)
    except WorkflowQueryFailedError:
        return ["it does not say what it waits for"]
    steps = {"refused": "a step is refused", "step": "nothing comes of a step"}
    return [f"{steps[wait.on]}: {wait.what}" for wait in waits if wait.on in steps] + [
        f"it waits for {wait.what} {wait.n or 'tasks'} of {wait.subject}, and nobody is asked"
        for wait in waits
        if wait.on == "person" and not _is_asked(wait, open_tasks)
    ]


def _is_asked(wait: Wait, open_tasks: OpenTasks) -> bool:
    if wait.n is None:
        return wait.subject in open_tasks.subjects
    return (wait.subject, wait.what, wait.n) in open_tasks.names
