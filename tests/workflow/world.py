"""The world around a workflow under test: every activity of every service, answered by name.

The activities take and check the types of the contracts' stubs. What a person or a service does next is said
by `World.answers`: from the activity (and for tasks: the kind) to the events that follow. Without an answer
the activity just succeeds, and the test tells the workflow itself what happens.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self, get_type_hints

from temporalio import activity
from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from services.common.record import Fact as Event
from services.common.temporal import CauseInterceptor
from tests.support import eventually
from tests.workflow.events import fact, workflow_of
from workflows import delivery
from workflows.application import Application
from workflows.call import Call
from workflows.contracts import funding, ids, intake, review
from workflows.contracts import workflows as own
from workflows.contracts.facts import ROUTES, Fact, addressed
from workflows.contracts.review import OpenTask
from workflows.contracts.runs import WAITS_ON, Wait
from workflows.grant import Grant
from workflows.human_task import HumanTask

Answer = Callable[[Any], Iterable[Event]]

WORKFLOWS = [Application, Call, Grant, HumanTask]
CONTRACTS = {
    ids.INTAKE_QUEUE: intake,
    ids.REVIEW_QUEUE: review,
    ids.FUNDING_QUEUE: funding,
    ids.WORKFLOW_QUEUE: own,
}


def stubs(contract: Any) -> list[Callable[..., Any]]:
    """The activity stubs of one service."""
    return [
        each
        for each in vars(contract).values()
        if getattr(each, "__module__", "") == contract.__name__
        and hasattr(each, "__temporal_activity_definition")
    ]


@dataclass(frozen=True)
class Done:
    """An activity that a workflow asked for, and when by the server's clock."""

    name: str
    argument: Any
    workflow_id: str
    at: datetime

    @property
    def key(self) -> str:
        """The activity's name, for tasks with the kind: `review.open_task:prescreen`."""
        return f"{self.name}:{self.argument.kind}" if isinstance(self.argument, OpenTask) else self.name


@dataclass(frozen=True)
class Refusal:
    """A service says no; `meanwhile` happens before the run hears of it."""

    kind: str
    meanwhile: Sequence[Event] = ()


class World:
    def __init__(self, server: WorkflowEnvironment) -> None:
        self.server = server
        self.client = server.client
        self.done: list[Done] = []
        self.told: list[Event] = []
        self.answers: dict[str, Answer] = {}
        self.refusals: dict[str, list[Refusal]] = {}
        """activity -> how its next calls are refused"""
        self._started: dict[str, WorkflowHandle[Any, Any]] = {}

    @classmethod
    @asynccontextmanager
    async def opened(cls, server: WorkflowEnvironment, *, cached: int = 100) -> AsyncIterator[Self]:
        """`cached` 0: the workflow worker remembers nothing and replays each run at every task."""
        world = cls(server)
        workers = [
            Worker(
                server.client,
                task_queue=queue,
                workflows=WORKFLOWS if queue == ids.WORKFLOW_QUEUE else [],
                activities=[world._actor(stub) for stub in stubs(contract)],
                interceptors=[CauseInterceptor()],
                max_cached_workflows=cached if queue == ids.WORKFLOW_QUEUE else 1,
            )
            for queue, contract in CONTRACTS.items()
        ]
        async with workers[0], workers[1], workers[2], workers[3]:
            yield world

    # --- telling

    async def happens(self, *events: Event) -> None:
        """These events reach the workflows, one after the other."""
        for event in events:
            await self.tell(event, fact(event))

    async def tell(self, event: Event, told: Fact) -> None:
        kind, workflow_id = addressed(event.TYPE, event.to_data())
        self.told.append(event)
        if ROUTES[event.TYPE].starts and workflow_id not in self._started:
            self._started[workflow_id] = await delivery.start(self.client, kind, workflow_id, told)
        else:
            await delivery.tell(self.client, workflow_id, told)

    # --- looking

    def handle(self, event: Event) -> WorkflowHandle[Any, Any]:
        """As the start gave it: this server lets time pass only while such a handle's result is awaited."""
        return self._started[workflow_of(event)]

    def keys(self) -> list[str]:
        return [each.key for each in self.done]

    def of(self, key: str) -> list[Done]:
        return [each for each in self.done if each.key == key]

    async def comes(self, key: str, times: int = 1, **match: Any) -> Any:
        """Wait until the activity has been asked for so often; the argument of the last one."""

        def found() -> Any:
            matching = [
                each
                for each in self.of(key)
                if all(getattr(each.argument, name) == value for name, value in match.items())
            ]
            assert len(matching) >= times, f"{key} {match} came {len(matching)} times, among {self.keys()}"
            return [matching[times - 1]]

        return (await eventually(found, deadline=60))[0].argument

    async def waits_on(self, event: Event) -> list[Wait]:
        answer: list[Wait] = await self.handle(event).query(WAITS_ON, result_type=list[Wait])
        return answer

    async def comes_to_rest(self, event: Event) -> None:
        """Wait until the run has dealt with all it was told."""

        async def rests() -> bool:
            return bool(await self.waits_on(event))

        await eventually(rests, deadline=60)

    async def attributes(self, event: Event, last: str) -> dict[str, Any]:
        """The run's search attributes, once it has this one."""

        async def found() -> dict[str, Any]:
            pairs = (await self.handle(event).describe()).typed_search_attributes
            attributes = {each.key.name: each.value for each in pairs}
            assert last in attributes, attributes
            return attributes

        return await eventually(found, deadline=60)

    async def ends(self, event: Event) -> None:
        """Let time pass until the workflow has ended; anything but an ordinary end fails."""
        async with asyncio.timeout(60):
            await self.handle(event).result()

    async def now(self) -> datetime:
        return await self.server.get_current_time()

    async def until(self, at: datetime) -> None:
        """Let time pass until the instant."""
        await self.server.sleep(max(at - await self.now(), timedelta(0)))

    async def runs(self) -> AsyncIterator[WorkflowHistory]:
        """The history of every run, also of those that a run continued as."""
        for handle in self._started.values():
            run_id = handle.result_run_id
            while run_id:
                history = await self.client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
                yield history
                last = history.events[-1].workflow_execution_continued_as_new_event_attributes
                run_id = last.new_execution_run_id

    # --- acting

    def _actor(self, stub: Callable[..., Any]) -> Callable[..., Any]:
        name = activity._Definition.must_from_callable(stub).name
        assert name is not None
        (hint,) = [hint for each, hint in get_type_hints(stub).items() if each != "return"]

        async def act(argument: Any) -> None:
            info = activity.info()
            refusals = self.refusals.get(name, [])
            if refusals:
                refusal = refusals.pop(0)
                await self.happens(*refusal.meanwhile)
                raise ApplicationError(refusal.kind, type=refusal.kind, non_retryable=True)
            done = Done(name, argument, info.workflow_id or "", await self.now())
            self.done.append(done)
            answer = self.answers.get(done.key)
            if answer is not None:
                await self.happens(*answer(argument))

        act.__annotations__ = {"argument": hint, "return": None}
        return activity.defn(name=name)(act)


def sequence(*answers: Sequence[Event]) -> Answer:
    """One answer after the other, the last one again and again."""
    left = list(answers)
    return lambda _argument: left.pop(0) if len(left) > 1 else left[0]
