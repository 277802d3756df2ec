"""`task:{task_id}`: the clock of one human task: reminders and escalations, until nobody is waited for."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import facts, review
    from workflows.contracts.facts import Fact
    from workflows.contracts.runs import TaskStart, Wait
    from workflows.procedure import run as waits
    from workflows.procedure import search
    from workflows.procedure.clock import Clock, Step, clock_of
    from workflows.procedure.run import Run


@workflow.defn(name="human_task")
class HumanTask:
    """Signal: fact (task-opened, -paused, -moved, -closed). Query: waits_on."""

    @workflow.init
    def __init__(self, start: TaskStart) -> None:
        self._task_id = start.task_id
        self._run = Run()
        self._escalations = 0

    @workflow.signal
    def fact(self, fact: Fact) -> None:
        self._run.known.add(fact)

    @workflow.query
    def waits_on(self) -> list[Wait]:
        return self._run.waits_on()

    @workflow.run
    async def run(self, start: TaskStart) -> None:
        await self._run.until(lambda: self._clock() is not None)
        opened = self._run.known.of(facts.TASK_OPENED)[0]
        self._asked = Wait(
            "person",
            opened.text("kind"),
            subject=opened.text("subject"),
            n=opened.text("n"),
            task_id=start.task_id,
        )
        while (clock := self._clock()) and not clock.closed:
            await self._climb(clock)
        await self._run.end(opened.data["application_id"], opened.text("call_id"))

    async def _climb(self, clock: Clock) -> None:
        """Take each step when its instant comes, until the task is closed or gets another clock."""
        search.due(clock.due_at)
        for step in clock.steps:
            if await self._changed(clock, step.at):
                return
            await self._take(step, clock.due_at)
        await self._changed(clock, None)

    async def _changed(self, clock: Clock, at: datetime | None) -> bool:
        """Wait for another clock, at most to the instant."""
        steps = [] if at is None else [waits.instant("ladder_step", at)]
        return await self._run.until(lambda: self._clock() != clock, self._asked, *steps, at=at)

    async def _take(self, step: Step, due_at: datetime) -> None:
        await self._run.do(review.take_ladder_step, review.LadderStep(self._task_id, step.n, due_at))
        if step.kind == "escalation":
            self._escalations += 1
            search.escalated(self._escalations)

    def _clock(self) -> Clock | None:
        return clock_of(self._run.known.all())
