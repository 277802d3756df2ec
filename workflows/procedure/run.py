"""One run of a procedure: what it knows, what it waits for, how it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import workflows as own
    from workflows.contracts.facts import Fact
    from workflows.contracts.review import OpenTask, open_task
    from workflows.contracts.runs import Wait
    from workflows.contracts.tasks import task_id
    from workflows.procedure.acts import ActivityRefused, do
    from workflows.procedure.known import Known

Input = TypeVar("Input")
Predicate = Callable[[], bool]

TRAVEL = timedelta(minutes=10)
"""How long a fact may be on its way: a window is over for a run this long after its last instant."""

# When a service that has refused is asked again though nothing was heard: seldom enough for a short history.
_SOON = timedelta(minutes=1)
_SELDOM = timedelta(days=1)


def always() -> bool:
    return True


class Run:
    """`live`: while it is false, because the case has ended, nothing goes on; an undo makes it true again."""

    def __init__(self, facts: Iterable[Fact] = (), *, live: Predicate = always) -> None:
        self.known = Known(facts)
        self._live = live
        self._waits: list[Wait] = []
        self._waits_of_the_living: list[Wait] = []
        self._failure: BaseException | None = None

    def waits_on(self) -> list[Wait]:
        """What is waited for now. While the case has ended nobody is asked, and those waits rest."""
        return [*self._waits, *(self._waits_of_the_living if self._live() else [])]

    async def until(self, holds: Predicate, *waits: Wait, at: datetime | None = None) -> bool:
        """Wait until the predicate holds, at most to the instant; whether it holds. `waits` say so."""
        self._waits_of_the_living.extend(waits)
        try:
            return await self.until_in_any_case(lambda: self._live() and holds(), at=at)
        finally:
            for wait in waits:
                self._waits_of_the_living.remove(wait)

    async def until_in_any_case(self, holds: Predicate, *waits: Wait, at: datetime | None = None) -> bool:
        """As `until`, also while the case is not live."""
        self._waits.extend(waits)
        try:
            held = await wait_until(lambda: self._failure is not None or holds(), at)
        finally:
            for wait in waits:
                self._waits.remove(wait)
        if self._failure is not None:
            raise self._failure
        return held

    async def do(
        self,
        activity: Callable[[Input], Awaitable[None]],
        argument: Input,
        *,
        in_any_case: bool = False,
    ) -> None:
        """Run the activity while the case lives, or also when it has ended.

        A service may refuse because it knows more than this run does, of the case's end for instance. It is
        asked again as soon as the run is told anything new, else more and more seldom; `waits_on` names the
        refusal meanwhile, for doctor.
        """
        pause = _SOON
        while True:
            if not in_any_case:
                await self.until(always)
            told = len(self.known)
            try:
                return await do(activity, argument)
            except ActivityRefused as refusal:
                await self.until_in_any_case(
                    lambda: len(self.known) > told,  # noqa: B023
                    Wait("refused", f"{refusal.activity}: {refusal.kind}"),
                    at=workflow.now() + pause,
                )
                pause = min(2 * pause, _SELDOM)

    async def ask(self, task: OpenTask, answered: Predicate) -> None:
        """Open the task and wait for the fact that answers it. What came early needs no task any more."""
        if not answered():
            await self.do(open_task, task)
            await self.until(answered, person(task))

    def aside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do this beside everything else. Should it fail, every wait of the run fails with it."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._note_failure)
        return task

    def _note_failure(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not is_cancelled_exception(error):
            self._failure = error

    async def end(self, application_id: object, call_id: str | None) -> None:
        """Note the end. A fact that came meanwhile finds nobody to act on it: it is recorded as late."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        told = len(self.known)
        await do(own.note_end, own.RunEnd(workflow.info().workflow_id))
        for fact in self.known.all()[told:]:
            case = None if application_id is None else str(application_id)
            await do(own.note_late_fact, own.LateFact(fact.event_id, fact.type, case, call_id))


async def wait_until(holds: Predicate, at: datetime | None) -> bool:
    """Wait until the predicate holds, at most to the instant; whether it holds then."""
    if at is None:
        await workflow.wait_condition(holds)
        return True
    left = at - workflow.now()
    if left <= timedelta(0):
        return holds()
    try:
        await workflow.wait_condition(holds, timeout=left)
    except TimeoutError:
        return holds()
    return True


def person(task: OpenTask) -> Wait:
    identity = task_id(task.subject, task.kind, task.n)
    return Wait("person", task.kind, subject=task.subject, n=task.n, task_id=identity)


def panel(round_id: str, kind: str) -> Wait:
    """A wait on the members, the chair or the adviser of a panel round, whichever of them is asked now."""
    return Wait("person", kind, subject=round_id)


def instant(what: str, at: datetime) -> Wait:
    return Wait("instant", what, at=at)


def step(what: str) -> Wait:
    """A wait on the fact that a step just taken makes true: it is on its way, or something is wrong."""
    return Wait("step", what)


def process(what: str) -> Wait:
    return Wait("process", what)
