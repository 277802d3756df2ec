"""Bringing facts to workflows: starting a run with its first fact, and telling a run of a further one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy

from workflows.contracts.facts import SIGNAL, Fact, Workflow
from workflows.contracts.ids import WORKFLOW_QUEUE
from workflows.contracts.runs import ApplicationStart, CallStart, GrantState, TaskStart
from workflows.procedure import search

RPC_TIMEOUT = timedelta(seconds=5)

_DEFINITIONS: Mapping[Workflow, str] = {
    "application": "application",
    "call": "call",
    "grant": "grant",
    "task": "human_task",
}


async def start(client: Client, kind: Workflow, workflow_id: str, fact: Fact) -> WorkflowHandle[Any, Any]:
    """Start the run unless it runs, and tell it this fact, in one step.

    WorkflowAlreadyStartedError when Temporal knows an ended run of this id; RPCError when it does not answer.
    """
    return await client.start_workflow(
        _DEFINITIONS[kind],
        _input(kind, fact.data),
        id=workflow_id,
        task_queue=WORKFLOW_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        search_attributes=TypedSearchAttributes(_search_attributes(fact.data)),
        start_signal=SIGNAL,
        start_signal_args=[fact],
        rpc_timeout=RPC_TIMEOUT,
    )


async def tell(client: Client, workflow_id: str, fact: Fact) -> None:
    """Tell the run this fact. RPCError NOT_FOUND where nothing of this id runs."""
    handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(workflow_id)
    await handle.signal(SIGNAL, fact, rpc_timeout=RPC_TIMEOUT)


def _input(kind: Workflow, data: Mapping[str, Any]) -> ApplicationStart | CallStart | GrantState | TaskStart:
    match kind:
        case "application":
            return ApplicationStart(UUID(data["application_id"]), data["call_id"])
        case "call":
            return CallStart(data["call_id"])
        case "grant":
            return GrantState(UUID(data["application_id"]), data["call_id"])
        case "task":
            return TaskStart(UUID(data["task_id"]))


def _search_attributes(data: Mapping[str, Any]) -> list[SearchAttributePair[Any]]:
    found: list[SearchAttributePair[Any]] = [SearchAttributePair(search.CALL_ID, data["call_id"])]
    if data.get("application_id"):
        found.append(SearchAttributePair(search.APPLICATION_ID, data["application_id"]))
    if data.get("organisation"):
        found.append(SearchAttributePair(search.ORGANISATION, data["organisation"]))
    if data.get("due_at"):
        found.append(SearchAttributePair(search.DUE_AT, datetime.fromisoformat(data["due_at"])))
    return found
