"""The starter: turns events into starts of workflows, and into facts for those that run.

It is a consumer like any other, but what it does to Temporal is outside its transaction. A crash between
the two repeats the call, which is harmless: a workflow id runs once, and a run drops an event that it was
told before.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from services.common import metrics
from services.common.consumer import Handler, Incoming
from services.common.db import Connection
from services.common.errors import InfrastructureDown, Malformed
from services.common.record import Actor
from services.common.record import Fact as Event
from services.common.telemetry import current_traceparent, span
from services.funding import events as funding
from services.intake import events as intake
from services.review import events as review
from workflows import delivery, store
from workflows.contracts.facts import ROUTES, Fact, Workflow, addressed, carried
from workflows.late import Late, record_late_facts

TOPICS = ("intake.events", "review.events", "funding.events")

STARTER = Actor("service", "workflows")

_EVENTS: Mapping[str, type[Event]] = {
    each.TYPE: each
    for module in (intake, review, funding)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Event) and hasattr(each, "TYPE")
}

# Longer than one call may take, for the connection that the first call of a process opens.
_PATIENCE = 10.0


def handlers(client: Client) -> Mapping[str, Handler]:
    """The consumer's table: every type of the facts table, delivered by this client."""

    async def handle(conn: Connection, event: Incoming) -> None:
        await deliver(conn, client, event)

    return dict.fromkeys(ROUTES, handle)


async def deliver(conn: Connection, client: Client, event: Incoming) -> None:
    """Start the workflow of this event, or tell it, or keep the fact for its start, or record it as late.

    Malformed when the event is not what its type promises: a history cannot be mended. InfrastructureDown
    while Temporal does not answer.
    """
    kind, workflow_id, data = _read(event)
    with span(f"deliver to {kind}", application_id=event.key, workflow_id=workflow_id):
        fact = Fact(str(event.id), event.type, current_traceparent() or event.traceparent, data)
        await store.lock_workflow(conn, workflow_id)
        run = await store.get_run(conn, workflow_id)
        late: list[Fact] = []
        if run is None and ROUTES[event.type].starts:
            late = await _start(conn, client, kind, workflow_id, fact)
            metrics.start_delay.record(metrics.seconds_since(event.time), {"workflow": kind})
        elif run is None:
            await store.keep_early_fact(conn, workflow_id, fact)
        elif run.ended_at is not None or not await _told(client, workflow_id, fact):
            # What started the run is no news to it, however often the event is sent again.
            late = [] if run.started_event == event.id else [fact]
        if late:
            await store.end_run(conn, workflow_id)
            await record_late_facts(conn, STARTER, workflow_id, [_late(event, each) for each in late])


def _read(event: Incoming) -> tuple[Workflow, str, dict[str, object]]:
    _EVENTS[event.type].from_data(event.data)
    try:
        kind, workflow_id = addressed(event.type, event.data)
        return kind, workflow_id, carried(event.type, event.data)
    except (KeyError, TypeError) as error:  # in what an event holds as free JSON, as a call its definition
        raise Malformed(f"{event.type}: {error} is missing") from error


async def _start(
    conn: Connection, client: Client, kind: Workflow, workflow_id: str, fact: Fact
) -> list[Fact]:
    """Start the run with this fact, then tell it what came before; returns what it could not be told."""
    await store.add_run(conn, workflow_id, UUID(fact.event_id))
    early = await store.take_early_facts(conn, workflow_id)
    try:
        async with _temporal():
            await delivery.start(client, kind, workflow_id, fact)
    except WorkflowAlreadyStartedError:
        # An ended run of which we have no row: our database was set back to an earlier day.
        return [fact, *early]
    return [each for each in early if not await _told(client, workflow_id, each)]


async def _told(client: Client, workflow_id: str, fact: Fact) -> bool:
    """Tell the run; False when nothing of this id runs any more."""
    try:
        async with _temporal():
            await delivery.tell(client, workflow_id, fact)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


@asynccontextmanager
async def _temporal() -> AsyncIterator[None]:
    """Whatever keeps Temporal from answering is waited out; what it says about a workflow is passed on."""
    try:
        async with asyncio.timeout(_PATIENCE):
            yield
    except RPCError as error:
        about_us = error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT)
        if about_us and "namespace" not in error.message.lower():
            raise
        raise InfrastructureDown(f"Temporal: {error.status.name}") from error
    except (RuntimeError, TimeoutError) as error:  # the client reports a refused connection as RuntimeError
        raise InfrastructureDown("Temporal does not answer") from error


def _late(event: Incoming, fact: Fact) -> Late:
    application_id = event.data.get("application_id")
    return Late(
        UUID(fact.event_id),
        fact.type,
        None if application_id is None else UUID(application_id),
        event.data.get("call_id"),
    )
