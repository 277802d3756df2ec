"""How workflows call the services' activities."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from workflows.contracts.review import OpenTask

# One attempt is one short transaction. Attempts never end: a service that is away over a weekend is a delay.
# What a killed worker had begun is begun anew soon: the attempt's end, and the pause after it.
_ATTEMPT = timedelta(seconds=15)
_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=250),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=10),
)


Input = TypeVar("Input")


class ActivityRefused(Exception):
    """The owning service said no to a step the procedure believes to be due; `kind` names the refusal."""

    def __init__(self, activity: str, kind: str | None) -> None:
        super().__init__(f"{activity} refused: {kind}")
        self.activity = activity
        self.kind = kind


async def do(activity: Callable[[Input], Awaitable[None]], argument: Input) -> None:
    """Run the activity on the queue of its service. ActivityRefused when the service refuses for good."""
    service = activity.__module__.rpartition(".")[2]
    try:
        await workflow.execute_activity(
            activity,
            argument,
            task_queue=service,
            start_to_close_timeout=_ATTEMPT,
            retry_policy=_RETRY,
            # What is under way is one transaction, which may as well be finished.
            cancellation_type=workflow.ActivityCancellationType.ABANDON,
            summary=_summary(argument),
        )
    except ActivityError as error:
        if isinstance(error.cause, ApplicationError):
            raise ActivityRefused(error.activity_type, error.cause.type) from error
        raise


def _summary(argument: Any) -> str | None:
    return f"{argument.kind} {argument.n}" if isinstance(argument, OpenTask) else None
