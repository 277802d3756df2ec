"""`grant:{application_id}`: one grant, from the award to the approved final report and the last invoice."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import facts, funding, intake, review, tasks
    from workflows.contracts.facts import Fact
    from workflows.contracts.runs import GrantState, Wait
    from workflows.procedure import run as waits
    from workflows.procedure import search
    from workflows.procedure.holding import Holding
    from workflows.procedure.run import TRAVEL, Run
    from workflows.procedure.stage import Standing

_ASKED_FOR = waits.step("request_report")


@workflow.defn(name="grant")
class Grant:
    """Signal: fact (see contracts/facts.py, to="grant"). Query: waits_on.

    After each yearly report the run continues as new: the facts are all that the next run needs.
    """

    @workflow.init
    def __init__(self, state: GrantState) -> None:
        self._id = state.application_id
        self._call_id = state.call_id
        self._run = Run(state.facts)
        self._grant = Holding(self._run.known)
        self._shown: Standing | None = None
        self._closed = False

    @workflow.signal
    def fact(self, fact: Fact) -> None:
        self._run.known.add(fact)

    @workflow.query
    def waits_on(self) -> list[Wait]:
        return self._run.waits_on()

    @workflow.run
    async def run(self, state: GrantState) -> None:
        await workflow.wait_condition(lambda: self._run.known.has(facts.AWARD_MADE))
        stages = self._run.aside(self._show_stages())
        requests = self._run.aside(self._pass_on_requests())
        if await self._accept() and await self._start():
            invoices = self._run.aside(self._await_invoices())
            if await self._report_once_more():
                await self._next_run()
            await self._finish(invoices)
        else:
            await self._run.until(lambda: False, at=workflow.now() + TRAVEL)
        self._closed = True
        await self._run.until(lambda: self._standing() == self._shown)
        stages.cancel()
        requests.cancel()
        await self._run.end(self._id, self._call_id)

    async def _next_run(self) -> None:
        await self._run.until(lambda: self._standing() == self._shown)
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(GrantState(self._id, self._call_id, self._run.known.all()))

    # --- acceptance and start

    async def _accept(self) -> bool:
        """Whether the holder accepts; an adviser confirms a loss by a no, or by silence."""
        grant, seen = self._grant, 0
        while not (grant.accepted() or grant.lost()):
            await self._run.do(review.open_task, self._acceptance(asked_before=seen))
            lapses_at = grant.acceptance_lapses_at()
            answered = await self._run.until(
                lambda: len(grant.answers()) > seen or grant.lost(),  # noqa: B023
                waits.person(self._acceptance(asked_before=seen)),
                waits.instant("acceptance_lapses_at", lapses_at),
                at=lapses_at,
            )
            if grant.accepted() or grant.lost():
                break
            seen = len(grant.answers())
            n = grant.losses_proposed() + 1
            loss = funding.Loss(self._id, n, "not_accepted", None if answered else lapses_at)
            await self._settle_loss(loss, lambda: len(grant.answers()) > seen)  # noqa: B023
        return not grant.lost()

    def _acceptance(self, *, asked_before: int) -> review.OpenTask:
        """A holder whose no did not stand is asked anew, by a task of its own."""
        version = self._grant.award().number("version")
        n = f"{version}.{asked_before + 1}" if asked_before else str(version)
        return self._of_holder(tasks.ACCEPT_AWARD, n, self._grant.accept_due_at())

    async def _start(self) -> bool:
        """Whether the project starts (X18). Adjusted plans come first; an extension stops the clock."""
        grant = self._grant
        if grant.start() is not None:
            return True
        for organisation in grant.plans():
            self._run.aside(self._settle_plan(organisation))
        start = self._of_holder(tasks.CONFIRM_START, grant.award().text("version"), grant.start_due_at())
        await self._run.do(review.open_task, start)
        while grant.start() is None and not grant.lost():
            lapses_at = grant.start_lapses_at()
            if grant.extension_asked():
                await self._run.until(lambda: not grant.extension_asked(), waits.process("extension"))
            elif not await self._run.until(
                lambda: self._start_moved(lapses_at),  # noqa: B023
                waits.person(start),
                waits.instant("start_lapses_at", lapses_at),
                at=lapses_at,
            ):
                loss = funding.Loss(self._id, grant.losses_proposed() + 1, "lapsed", lapses_at)
                await self._settle_loss(loss, lambda: self._start_moved(lapses_at))  # noqa: B023
        return grant.start() is not None

    def _start_moved(self, lapses_at: object) -> bool:
        grant = self._grant
        moved = grant.extension_asked() or grant.start_lapses_at() != lapses_at
        return moved or grant.start() is not None or grant.lost()

    async def _settle_plan(self, organisation: str) -> None:
        """The adjusted plan, delivered until the organisation confirms it (X15)."""
        grant, known, n = self._grant, self._run.known, 1
        while not (grant.plan_confirmed(organisation) or grant.lost()):
            number = f"{organisation}:{n}"
            await self._run.ask(
                self._of_holder(tasks.DELIVER_PLAN, number),
                lambda: grant.lost() or known.has(facts.PLAN_DELIVERED, organisation=organisation, n=n),  # noqa: B023
            )
            await self._run.ask(
                self._task(tasks.CONFIRM_PLAN, number, "consultant", organisation),
                lambda: grant.lost() or known.has(facts.PLAN_JUDGED, organisation=organisation, n=n),  # noqa: B023
            )
            n += 1

    async def _settle_loss(self, loss: funding.Loss, overtaken: Callable[[], bool]) -> None:
        """An adviser confirms the loss, or keeps the award. Funding proposes none if the holder has just
        acted."""
        grant, n = self._grant, loss.n
        await self._run.do(funding.propose_loss, loss)
        await self._run.until(
            lambda: grant.loss_proposed(n) or grant.lost() or overtaken(), waits.step("propose_loss")
        )
        if grant.loss_proposed(n):
            await self._run.ask(
                self._task(tasks.CONFIRM_LOSS, str(n), "rhf_adviser"),
                lambda: grant.loss_decided(n) is not None,
            )

    # --- the project

    async def _report_once_more(self) -> bool:
        """Ask for the next yearly report and see it approved (X25); False once the final report is asked for
        at the project's end, which may move until then."""
        grant = self._grant
        n = grant.yearly_reports_approved() + 1
        while True:
            ends_at, ask_at = grant.ends_at(), grant.next_report_ask_at()
            one_more = ask_at < ends_at
            at = ask_at if one_more else ends_at
            wait = waits.instant("ask_for_report" if one_more else "ends_at", at)
            if await self._run.until(lambda: grant.ends_at() != ends_at, wait, at=at):  # noqa: B023
                continue
            if one_more:
                await self._run.do(funding.request_report, funding.ReportRequest(self._id, "yearly", n))
                await self._run.until(lambda: grant.requested("yearly", n) is not None, _ASKED_FOR)
                await self._report("yearly", n)
                return True
            if await self._asked_for_the_final_report(ends_at):
                return False

    async def _asked_for_the_final_report(self, ends_at: datetime) -> bool:
        """Whether the final report is asked for at this end. A wish for another one is answered first, and
        funding asks for nothing if it has heard of such a wish before this run."""
        grant = self._grant
        await self._run.until(lambda: not grant.end_in_question(), waits.process("end_change"))
        if grant.ends_at() == ends_at:
            wishes = grant.wishes_for_another_end()
            request = funding.ReportRequest(self._id, "final", 1, ends_at)
            await self._run.do(funding.request_report, request)
            await self._run.until(
                lambda: grant.requested("final", 1) is not None or grant.wishes_for_another_end() > wishes,
                _ASKED_FOR,
            )
        return grant.requested("final", 1) is not None

    async def _finish(self, invoices: "asyncio.Task[None]") -> None:
        """After the project's end: the final report; and the trust's invoices, which may come after it."""
        await self._report("final", 1)
        await self._run.do(funding.close_grant, self._id)
        self._closed = True
        await self._run.until(
            lambda: invoices.done() and not self._undecided(), waits.process("open_requests")
        )

    async def _await_invoices(self) -> None:
        """From the project's end, whatever reports are late, until the trust says that no more will come, or
        the time for invoices is over."""
        grant = self._grant
        organisation = grant.award().text("organisation")
        while not grant.invoicing_closed():
            ends_at, due_at = grant.ends_at(), grant.invoicing_due_at()

            def settled() -> bool:
                moved = (grant.ends_at(), grant.invoicing_due_at()) != (ends_at, due_at)  # noqa: B023
                return moved or grant.invoicing_closed()

            if await self._run.until(settled, at=ends_at):
                continue
            task = self._task(tasks.REGISTER_INVOICES, "1", "institution", organisation)
            await self._run.do(review.open_task, replace(task, due_at=due_at))
            over = due_at + TRAVEL
            wait = waits.instant("invoicing_due_at", over)
            if not await self._run.until(settled, waits.person(task), wait, at=over):
                await self._run.do(funding.expire_invoicing, funding.Invoicing(self._id, due_at))
                await self._run.until(settled, waits.step("expire_invoicing"))

    async def _report(self, kind: str, n: int) -> None:
        """The holder delivers the report that was asked for, and mends it until an adviser approves."""
        grant = self._grant
        requested = grant.requested(kind, n)
        assert requested is not None
        due_at, attempt = requested.instant("due_at"), 1
        while True:
            deliver = tasks.YEARLY_REPORT if kind == "yearly" else tasks.FINAL_REPORT
            await self._run.ask(
                self._of_holder(deliver, f"{n}.{attempt}", due_at),
                lambda: grant.submitted(kind, n, attempt),  # noqa: B023
            )
            await self._run.ask(
                self._task(tasks.JUDGE_REPORT, f"{kind}:{n}.{attempt}", "rhf_adviser"),
                lambda: grant.judged(kind, n, attempt) is not None,  # noqa: B023
            )
            verdict = grant.judged(kind, n, attempt)
            assert verdict is not None
            if verdict.text("outcome") == "approved":
                return
            due_at, attempt = verdict.instant("mend_due_at"), attempt + 1

    # --- what the holder asks of the adviser, at any time

    async def _pass_on_requests(self) -> None:
        """Open an adviser's task for each extension and each change that is asked for."""
        passed_on: set[str] = set()
        while True:
            await self._run.until(lambda: any(each.event_id not in passed_on for each in self._undecided()))
            for asked in self._undecided():
                if asked.event_id not in passed_on:
                    passed_on.add(asked.event_id)
                    self._run.aside(self._pass_on(asked))

    async def _pass_on(self, asked: Fact) -> None:
        kind = tasks.DECIDE_EXTENSION if asked.type == facts.EXTENSION_ASKED else tasks.DECIDE_CHANGE
        await self._run.ask(
            self._task(kind, asked.text("n"), "rhf_adviser"), lambda: asked not in self._undecided()
        )

    def _undecided(self) -> list[Fact]:
        known, grant = self._run.known, self._grant
        extensions = known.of(facts.EXTENSION_ASKED)
        changes = known.of(facts.CHANGE_ASKED)
        return [each for each in extensions if not grant.extension_settled(each.number("n"))] + [
            each for each in changes if not grant.change_settled(each.number("n"))
        ]

    # --- the rest

    async def _show_stages(self) -> None:
        """Keep the holder's status, and the search attribute, where the case stands."""
        while True:
            await workflow.wait_condition(lambda: self._standing() != self._shown)
            now = self._standing()
            search.stage(now.stage)
            stage = intake.Stage(self._id, now.stage, now.owner, now.expected_at)
            await self._run.do(intake.enter_stage, stage, in_any_case=True)
            self._shown = now

    def _standing(self) -> Standing:
        return Standing("closed", "nobody") if self._closed else self._grant.standing()

    def _of_holder(self, kind: str, n: str, due_at: datetime | None = None) -> review.OpenTask:
        """Of whoever is the project leader: review knows, and hands it over when that changes."""
        return replace(self._task(kind, n, "holder"), due_at=due_at)

    def _task(self, kind: str, n: str, role: str, organisation: str | None = None) -> review.OpenTask:
        return review.OpenTask(
            subject=str(self._id),
            kind=kind,
            n=n,
            call_id=self._call_id,
            application_id=self._id,
            role=role,
            organisation=organisation,
        )
