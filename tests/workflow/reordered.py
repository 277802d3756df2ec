"""An application whose steps were put in another order without a patch: what the replay test must catch."""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.application import Application
    from workflows.contracts.runs import ApplicationStart


@workflow.defn(name="application")
class Reordered(Application):
    @workflow.init
    def __init__(self, start: ApplicationStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ApplicationStart) -> None:
        await super().run(start)

    async def _judge(self, version: int) -> None:
        """Consults before the pre-screening instead of after it."""
        formal_check = self._run.aside(self._check_formally(version))
        await asyncio.gather(*(self._consult(each) for each in self._case.unanswered()))
        await self._prescreen(version)
        await self._run.until(formal_check.done)
