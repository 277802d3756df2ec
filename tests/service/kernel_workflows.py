"""Two workflows for the tests of the kernel; in a module of their own, since the sandbox imports it again."""

from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy


@dataclass(frozen=True)
class FactIn:
    event_id: str
    type: str
    traceparent: str | None = None
    data: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    name: str


@activity.defn(name="review.step")
async def step_stub(step: Step) -> str: ...


@activity.defn(name="review.fail")
async def fail_stub(how: str) -> None: ...


@workflow.defn(name="KernelCase")
class KernelCase:
    """Two steps for each fact, and one step when some seconds have passed without any."""

    @workflow.init
    def __init__(self, queue: str) -> None:
        self.queue = queue
        self.facts: list[FactIn] = []
        self.done = 0

    @workflow.run
    async def run(self, queue: str) -> None:
        while True:
            try:
                await workflow.wait_condition(
                    lambda: self.done < len(self.facts), timeout=timedelta(seconds=5)
                )
            except TimeoutError:
                await self.step("timer")
                return
            self.done += 1
            await self.step("first")
            await self.step("second")

    async def step(self, name: str) -> None:
        await workflow.execute_activity(
            step_stub,
            Step(f"{name}-{self.done}"),
            task_queue=self.queue,
            start_to_close_timeout=timedelta(seconds=10),
        )

    @workflow.signal
    def fact(self, fact: FactIn) -> None:
        self.facts.append(fact)


@workflow.defn(name="KernelFailure")
class KernelFailure:
    @workflow.run
    async def run(self, queue: str, how: str, attempts: int) -> None:
        await workflow.execute_activity(
            fail_stub,
            how,
            task_queue=queue,
            start_to_close_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(maximum_attempts=attempts, initial_interval=timedelta(milliseconds=10)),
        )
