"""`application:{application_id}`: one application, from submission until nothing can change it any more."""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import funding, intake, review, tasks
    from workflows.contracts.facts import Fact
    from workflows.contracts.ids import decision_round_id, reassessment_round_id
    from workflows.contracts.runs import ApplicationStart, Wait
    from workflows.procedure import run as waits
    from workflows.procedure import search
    from workflows.procedure.case import Case
    from workflows.procedure.decision import decide
    from workflows.procedure.panel import assess
    from workflows.procedure.run import TRAVEL, Run
    from workflows.procedure.stage import Standing, standing


@workflow.defn(name="application")
class Application:
    """Signal: fact (see contracts/facts.py, to="application"). Query: waits_on."""

    @workflow.init
    def __init__(self, start: ApplicationStart) -> None:
        self._id = start.application_id
        self._call_id = start.call_id
        self._run = Run(live=self._lives)
        self._case = Case(self._run.known)
        self._complaint = 0  # the number of the last one followed up
        self._offers = 0  # followed up so far, as the next three
        self._expiries = 0
        self._left_out = 0
        self._assessed_alone = False
        self._over = False
        self._shown: Standing | None = None

    @workflow.signal
    def fact(self, fact: Fact) -> None:
        self._run.known.add(fact)

    @workflow.query
    def waits_on(self) -> list[Wait]:
        return self._run.waits_on()

    @workflow.run
    async def run(self, start: ApplicationStart) -> None:
        await workflow.wait_condition(lambda: self._case.submission() is not None)
        stages = self._run.aside(self._show_stages())
        procedure = self._run.aside(self._procedure())
        while not procedure.done():
            await self._run.until_in_any_case(lambda: procedure.done() or not self._lives())
            if not procedure.done() and not await self._undone():
                procedure.cancel()
                break
        self._over = True
        await self._run.until_in_any_case(lambda: self._standing() in (None, self._shown))
        stages.cancel()
        await self._run.end(self._id, self._call_id)

    async def _procedure(self) -> None:
        await self._reach_the_round()
        await self._get_a_letter_after(0)
        await self._follow_the_letter()

    async def _undone(self) -> bool:
        """Wait for the undoing of an ending while its window is open; whether the case lives again."""
        until = (self._case.undo_until() or workflow.now()) + TRAVEL
        return await self._run.until_in_any_case(self._lives, waits.instant("undo_until", until), at=until)

    # --- from submission to the round

    async def _reach_the_round(self) -> None:
        """Judge each version until one is ready, or the call goes on with the case flagged."""
        case = self._case
        while not case.entered():
            version = case.version()
            judging = self._run.aside(self._judge(version))
            await self._run.until(
                lambda: judging.done() or case.returned(version) or case.entered()  # noqa: B023
            )
            if case.entered():
                return  # what is still to be judged goes on beside the round
            if case.returned(version):
                judging.cancel()
                await self._run.until(lambda: case.version() > version, waits.process("resubmission"))  # noqa: B023
            else:
                await self._run.do(review.enter_round, review.CaseEntry(self._id, self._call_id, []))
                # A case that has just ended or been returned stays out, and comes again when it is back.
                await self._run.until_in_any_case(
                    lambda: case.entered() or case.returned(version) or not self._lives(),  # noqa: B023
                    waits.step("enter_round"),
                )

    async def _judge(self, version: int) -> None:
        """The formal check beside what the trust and the consulted say, as long as it can change anything."""
        hearing = self._run.aside(self._hear(version))
        formal_check = self._run.aside(self._check_formally(version))
        try:
            await self._run.until(
                lambda: self._case.overtaken(version) or (hearing.done() and formal_check.done())
            )
        finally:
            hearing.cancel()
            formal_check.cancel()

    async def _hear(self, version: int) -> None:
        """The trust's pre-screening; then the consultations beside each other."""
        await self._prescreen(version)
        await asyncio.gather(*(self._consult(each) for each in self._case.unanswered()))

    async def _check_formally(self, version: int) -> None:
        case = self._case

        def judged() -> bool:
            return case.passed(version) or case.rejection_proposed(version)

        while not judged():
            await self._run.do(intake.run_formal_check, intake.CaseVersion(self._id, version))
            # A case that has just ended is not judged, and must be when it is back.
            await self._run.until_in_any_case(
                lambda: judged() or not self._lives(), waits.step("formal_check")
            )
        await self._run.ask(
            self._task(tasks.CONFIRM_REJECTION, str(version), "rhf_adviser"),
            lambda: case.passed(version) or case.rejected(version),
        )
        await self._run.until(lambda: case.passed(version))

    async def _prescreen(self, version: int) -> None:
        submission = self._case.submission()
        assert submission is not None
        await self._run.ask(
            self._task(tasks.PRESCREEN, str(version), "hf_adviser", submission.text("organisation")),
            lambda: self._case.screened(version) is not None,
        )
        await self._run.until(lambda: self._case.screened(version) == "recommended")

    async def _consult(self, organisation: str) -> None:
        await self._run.ask(
            self._task(tasks.CONSULT, organisation, "consultant", organisation),
            lambda: self._case.heard(organisation),
        )

    # --- from the letter to the end

    async def _follow_the_letter(self) -> None:
        """Complaints, and moves from the reserve list, until the windows of the decision are over.

        Each is followed up once, also where a person has answered before we could ask, and beside the others:
        an offer holds money while a complaint is answered.
        """
        reserve_ended = 0  # the version whose place on the reserve list is over
        open_: list[asyncio.Task[None]] = []
        while (letter := self._case.letter()) is not None:
            version = letter.number("version")
            if self._expired():
                self._expiries += 1
                reserve_ended = version
            on_reserve = letter.text("outcome") == "reserve" and reserve_ended < version
            complaint = self._case.complaint_after(self._complaint)
            if complaint is not None:
                self._complaint = complaint.number("n")
                answer = self._answer(self._complaint, complaint.number("version"))
                open_.append(self._run.aside(answer))
            elif self._case.offered(self._offers + 1):
                self._offers += 1
                open_.append(self._run.aside(self._move_up(self._offers, version)))
            elif open_:
                await self._run.until(lambda: self._news() or any(each.done() for each in open_))  # noqa: B023
                open_ = [each for each in open_ if not each.done()]
            elif on_reserve:
                await self._wait_on_reserve(letter)
            elif await self._complaint_window_over(letter):
                return

    async def _wait_on_reserve(self, letter: Fact) -> None:
        """Wait for an offer while the place is valid; then funding ends it, unless it was just offered."""
        until = letter.instant("reserve_until")
        if not await self._run.until(self._news, waits.instant("reserve_until", until), at=until):
            await self._run.do(funding.expire_reserve, self._id)
            await self._run.until(self._news, waits.step("expire_reserve"))

    async def _complaint_window_over(self, letter: Fact) -> bool:
        until = letter.instant("complaint_until") + TRAVEL
        wait = waits.instant("complaint_until", until)
        return not await self._run.until(self._news, wait, at=until)

    def _news(self) -> bool:
        """Whether anything has happened that is not followed up yet."""
        complaint = self._case.complaint_after(self._complaint)
        return complaint is not None or self._case.offered(self._offers + 1) or self._expired()

    def _expired(self) -> bool:
        return self._case.times_expired() > self._expiries

    async def _answer(self, n: int, version: int) -> None:
        """A complaint: upheld, the case goes back to the stage the answer names and is decided again."""
        await self._run.ask(
            self._task(tasks.ANSWER_COMPLAINT, str(n), "rhf_adviser"),
            lambda: self._case.answer(n) is not None,
        )
        answer = self._case.answer(n)
        assert answer is not None
        if not answer.flag("upheld"):
            return
        if answer.text("stage") == "assessment":
            await self._assess(n)
        await self._decide(decision_round_id(self._id, version + 1), version)

    async def _move_up(self, n: int, version: int) -> None:
        await self._run.ask(
            self._task(tasks.CONFIRM_MOVE, str(n), "rhf_adviser"), lambda: self._case.move(n) is not None
        )
        move = self._case.move(n)
        assert move is not None
        if move.flag("confirmed"):
            await self._decide(move.text("decision_round_id"), version)

    async def _assess(self, n: int) -> None:
        """A panel round of this case alone."""
        submission = self._case.submission()
        assert submission is not None
        round_id, panel = reassessment_round_id(self._id, n), submission.text("panel")
        await assess(self._run, review.PanelRound(round_id, self._call_id, panel, self._id))

    async def _decide(self, round_id: str, superseded: int) -> None:
        round_ = funding.DecisionRound(round_id, self._call_id, self._id)
        await decide(self._run, round_)
        await self._run.do(funding.send_letters, round_)
        await self._get_a_letter_after(superseded)

    async def _get_a_letter_after(self, superseded: int) -> None:
        """A case that its panel, or its decision round, went on without has one of its own."""

        def arrived() -> bool:
            letter = self._case.letter()
            return letter is not None and letter.number("version") > superseded

        def unassessed() -> bool:
            return self._case.unassessed() and not self._assessed_alone

        def left_out() -> Fact | None:
            return self._case.left_out(self._left_out + 1)

        while not arrived():
            if unassessed():
                self._assessed_alone = True
                await self._assess(0)
            elif (fact := left_out()) is not None:
                self._left_out += 1
                await self._decide(fact.text("decision_round_id"), superseded)
            else:
                await self._run.until(
                    lambda: arrived() or unassessed() or left_out() is not None, waits.process("decision")
                )

    # --- the rest

    async def _show_stages(self) -> None:
        """Keep the applicant's status, and the search attribute, where the case stands."""
        while True:
            await workflow.wait_condition(lambda: self._standing() not in (None, self._shown))
            now = self._standing()
            assert now is not None
            search.stage(now.stage)
            stage = intake.Stage(self._id, now.stage, now.owner, now.expected_at)
            await self._run.do(intake.enter_stage, stage, in_any_case=True)
            self._shown = now

    def _standing(self) -> Standing | None:
        now = standing(self._run.known, self._id)
        if self._over and now is not None and self._lives():
            return Standing("closed", "nobody")
        return now

    def _lives(self) -> bool:
        return self._case.ending() is None

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
