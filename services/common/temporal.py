"""The workflow engine: client, activity workers, and traces that end with the command they belong to.

A workflow lives for months, so its start must not be the parent of all it does. Every `fact` carries the
traceparent of its event: activities caused by a fact continue that trace. Activities caused by a timer begin
a new one, linked to the last fact of the case.
"""

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar, get_type_hints

import structlog
from opentelemetry.trace import SpanKind
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    HandleSignalInput,
    Interceptor,
    StartActivityInput,
    Worker,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from services.common.context import caused_by
from services.common.errors import Refused
from services.common.failpoints import failpoint
from services.common.record import Actor
from services.common.settings import Settings
from services.common.telemetry import span

_log = structlog.get_logger()

Function = TypeVar("Function", bound=Callable[..., Any])

_CAUSE = "innoflyt-cause"


async def connect(settings: Settings) -> Client:
    """A client for our namespace; waits for the server for as long as it takes."""
    wait = 0.25
    while True:
        try:
            async with asyncio.timeout(10):
                return await _client(settings, lazy=False)
        except (RuntimeError, RPCError, TimeoutError) as error:
            _log.warning("waiting for Temporal", error=type(error).__name__)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5.0)


async def lazy_client(settings: Settings) -> Client:
    """A client that connects at its first call: for starting and signalling workflows, not for workers."""
    return await _client(settings, lazy=True)


async def _client(settings: Settings, *, lazy: bool) -> Client:
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        data_converter=pydantic_data_converter,
        lazy=lazy,
    )


def activity_worker(client: Client, queue: str, activities: Sequence[Callable[..., Any]]) -> Worker:
    """A worker for the activities of one service on its task queue."""
    return Worker(
        client,
        task_queue=queue,
        activities=list(activities),
        interceptors=[CauseInterceptor()],
        max_concurrent_activities=20,
        graceful_shutdown_timeout=timedelta(seconds=10),
    )


def implements(stub: Callable[..., Any], function: Function) -> Function:
    """Name the function as the contract's stub is named. TypeError when their signatures differ."""
    if _shape(stub) != _shape(function):
        raise TypeError(f"{function.__qualname__} does not have the signature of {stub.__qualname__}")
    name = activity._Definition.must_from_callable(stub).name
    return activity.defn(name=name)(function)


def _shape(function: Callable[..., Any]) -> list[tuple[str, object]]:
    hints = get_type_hints(function)
    return [(name, hints.get(name)) for name in (*inspect.signature(function).parameters, "return")]


def workflow_actor() -> Actor:
    """The actor of a command that an activity runs: the workflow that asked for it."""
    return Actor("workflow", activity.info().workflow_id or "unknown")


class CauseInterceptor(Interceptor):
    """For every worker, of workflows and of activities: who caused what, traces, and errors without texts."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Activities(next)

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return _Workflows


class _Activities(ActivityInboundInterceptor):
    """One span per activity. A refusal ends it, every other error is retried; no text of an error leaves."""

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        raw = input.headers.get(_CAUSE)
        cause: Mapping[str, str] = json.loads(raw.data) if raw else {}
        traceparent = cause.get("traceparent")
        continues = traceparent is not None and cause.get("by") == "fact"
        with (
            caused_by(info.workflow_id, cause.get("event_id") if continues else None),
            structlog.contextvars.bound_contextvars(workflow_id=info.workflow_id),
            span(
                info.activity_type,
                kind=SpanKind.CONSUMER,
                parent=traceparent if continues else None,
                root=not continues,
                link=None if continues else traceparent,
                application_id=_application(info.workflow_id, cause),
                workflow_id=info.workflow_id,
                attempt=info.attempt,
            ),
        ):
            try:
                failpoint("activity.begun")
                return await super().execute_activity(input)
            except Refused as refused:
                name = type(refused).__name__
                raise ApplicationError(name, type=name, non_retryable=True) from None
            except ApplicationError:
                raise
            except Exception as error:
                name = type(error).__name__
                _log.warning("activity failed and is retried", activity=info.activity_type, exc_info=error)
                raise ApplicationError(name, type=name) from None


def _application(workflow_id: str | None, cause: Mapping[str, str]) -> str | None:
    """The application the activity is about: as the workflow says, or from an id like `application:{id}`."""
    kind, _, rest = (workflow_id or "").partition(":")
    return cause.get("application_id") or (rest if kind in ("application", "grant") else None)


class _Workflows(WorkflowInboundInterceptor):
    """Notes which fact came last. Runs inside workflows: plain values only, no clock and no spans."""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self._causes = _Causes(outbound)
        super().init(self._causes)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        if input.signal == "fact" and input.args:
            self._causes.fact_arrived(input.args[0])
        await super().handle_signal(input)


class _Causes(WorkflowOutboundInterceptor):
    """Gives each activity the cause it is scheduled for.

    A fact causes what is scheduled in the workflow task that delivered it, and so on through the activities
    that follow from the result of one that it caused. Whatever else runs was woken by a timer.
    """

    def __init__(self, next: WorkflowOutboundInterceptor) -> None:
        super().__init__(next)
        self._fact: dict[str, str] = {}
        self._woken_by_fact_at = -1

    def fact_arrived(self, fact: object) -> None:
        """Remember the newest fact, and in which workflow task it came."""
        known = {
            "event_id": getattr(fact, "event_id", None),
            "traceparent": getattr(fact, "traceparent", None),
            "application_id": getattr(fact, "data", {}).get("application_id"),
        }
        self._fact = {name: str(value) for name, value in known.items() if value}
        self._woken_by_fact_at = workflow.info().get_current_history_length()

    def start_activity(self, input: StartActivityInput) -> "workflow.ActivityHandle[Any]":
        by_fact = self._woken_by_fact_at == workflow.info().get_current_history_length()
        cause = {**self._fact, "by": "fact" if by_fact else "timer"}
        input.headers = {**input.headers, _CAUSE: Payload(data=json.dumps(cause).encode())}
        handle = super().start_activity(input)
        if by_fact:
            handle.add_done_callback(lambda _done: self._follow())
        return handle

    def _follow(self) -> None:
        self._woken_by_fact_at = workflow.info().get_current_history_length()
