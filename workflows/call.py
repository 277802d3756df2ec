"""`call:{call_id}`: one call, from its publication to the published list of recipients."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import facts, funding, intake, review
    from workflows.contracts.facts import Fact
    from workflows.contracts.ids import decision_round_id, panel_round_id
    from workflows.contracts.runs import CallStart, Wait
    from workflows.procedure import run as waits
    from workflows.procedure import search
    from workflows.procedure.acts import ActivityRefused, do
    from workflows.procedure.decision import decide
    from workflows.procedure.panel import assess
    from workflows.procedure.run import Run

# The database's clock decides when a call closes; ours may be ahead of it, and a moved deadline may be on
# its way.
_ASK_AGAIN = timedelta(seconds=1)
_SELDOM = timedelta(minutes=10)


@dataclass(frozen=True)
class Terms:
    """The instants of the call as they now are."""

    closes_at: datetime
    draft_warnings: tuple[datetime, ...]
    straggler_at: datetime


@workflow.defn(name="call")
class Call:
    """Signal: fact (see contracts/facts.py, to="call"). Query: waits_on."""

    @workflow.init
    def __init__(self, start: CallStart) -> None:
        self._id = start.call_id
        self._run = Run()

    @workflow.signal
    def fact(self, fact: Fact) -> None:
        self._run.known.add(fact)

    @workflow.query
    def waits_on(self) -> list[Wait]:
        return self._run.waits_on()

    @workflow.run
    async def run(self, start: CallStart) -> None:
        await workflow.wait_condition(lambda: self._run.known.has(facts.CALL_PUBLISHED))
        search.stage("receiving")
        await self._receive()
        search.stage("gathering")
        await self._gather()
        search.stage("assessment")
        await asyncio.gather(*(self._assess(panel) for panel in self._panels()))
        if self._anything_recommended():
            search.stage("decision")
            await self._decide()
        await self._run.end(None, self._id)

    # --- until the call closes

    async def _receive(self) -> None:
        pause = _ASK_AGAIN
        while not await self._close():
            terms = self._terms()
            if workflow.now() < terms.closes_at:
                await self._warn_until_closing(terms)
            else:
                await self._moved(terms, workflow.now() + pause)
                pause = min(pause * 2, _SELDOM)

    async def _warn_until_closing(self, terms: Terms) -> None:
        """Warn the holders of drafts at each instant to come, until closing, or until all of them move."""
        planned = workflow.now()
        for at, n in sorted((at, n) for n, at in enumerate(terms.draft_warnings, 1)):
            if planned < at < terms.closes_at:
                if await self._moved(terms, at):
                    return
                await self._run.do(intake.warn_drafts, intake.DraftWarning(self._id, n))
        await self._moved(terms, terms.closes_at)

    async def _close(self) -> bool:
        """Close if the instant has come; False when it has not, here or by the clock of intake."""
        if workflow.now() < self._terms().closes_at:
            return False
        try:
            await do(intake.close_call, self._id)
        except ActivityRefused as refused:
            if refused.kind != "NotYetClosing":
                raise
            return False
        return True

    async def _moved(self, terms: Terms, at: datetime) -> bool:
        """Wait for other terms, at most to the instant."""
        return await self._run.until(lambda: self._terms() != terms, waits.instant("call", at), at=at)

    # --- from closing to publication

    async def _gather(self) -> None:
        """Wait for the last case; at the straggler instant review decides who is still waited for."""
        while not self._complete():
            terms = self._terms()
            wait = waits.instant("straggler_at", terms.straggler_at)
            moved = await self._run.until(
                lambda: self._complete() or self._terms() != terms,  # noqa: B023
                wait,
                at=terms.straggler_at,
            )
            if not moved:
                await self._run.do(review.pass_straggler_instant, self._id)
                await self._run.until(self._complete, waits.process("applications"))

    async def _assess(self, panel: str) -> None:
        await assess(self._run, review.PanelRound(panel_round_id(self._id, panel), self._id, panel))

    async def _decide(self) -> None:
        round_ = funding.DecisionRound(decision_round_id(self._id, 1), self._id)
        await decide(self._run, round_)
        await self._run.do(funding.present_awards, round_)
        await self._run.do(funding.send_letters, round_)
        await self._run.do(funding.publish_round, self._id)

    # --- what the facts say

    def _terms(self) -> Terms:
        """The last word on the instants: as published, or as moved since."""
        known = self._run.known
        fact = known.last(facts.DEADLINE_MOVED) or known.of(facts.CALL_PUBLISHED)[0]
        warnings = tuple(datetime.fromisoformat(each) for each in fact.texts("draft_warnings"))
        return Terms(fact.instant("closes_at"), warnings, fact.instant("straggler_at"))

    def _panels(self) -> list[str]:
        return self._run.known.of(facts.CALL_PUBLISHED)[0].texts("panels")

    def _complete(self) -> bool:
        return self._run.known.has(facts.ROUND_COMPLETE)

    def _anything_recommended(self) -> bool:
        signed = self._run.known.of(facts.RECOMMENDATION_SIGNED)
        return any(each.data["application_ids"] for each in signed)
