"""What the facts say of one grant. Pure; all of them come from funding, in order."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import facts
    from workflows.contracts.facts import Fact
    from workflows.procedure.known import Known
    from workflows.procedure.stage import Standing

_PLAN = "adjusted_plan_"


class Holding:
    """Predicates over the facts of one grant; the award must be known before any of them."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def award(self) -> Fact:
        award = self._known.newest(facts.AWARD_MADE, "version")
        assert award is not None
        return award

    # --- acceptance and start

    def answers(self) -> list[Fact]:
        return self._known.of(facts.AWARD_ANSWERED)

    def accepted(self) -> bool:
        answers = self.answers()
        return bool(answers) and answers[-1].text("outcome") == "accepted"

    def accept_due_at(self) -> datetime:
        return self._latest("accept_due_at", facts.LOSS_DECIDED)

    def acceptance_lapses_at(self) -> datetime:
        return self._latest("acceptance_lapses_at", facts.LOSS_DECIDED)

    def start_due_at(self) -> datetime:
        return self._latest("start_due_at", facts.EXTENSION_DECIDED, facts.LOSS_DECIDED)

    def start_lapses_at(self) -> datetime:
        return self._latest("start_lapses_at", facts.EXTENSION_DECIDED, facts.LOSS_DECIDED)

    def start(self) -> Fact | None:
        return self._known.last(facts.START_CONFIRMED)

    def plans(self) -> list[str]:
        """The organisations that must confirm an adjusted plan (X15)."""
        conditions = self.award().texts("conditions")
        return [each.removeprefix(_PLAN) for each in conditions if each.startswith(_PLAN)]

    def plan_confirmed(self, organisation: str) -> bool:
        return self._known.has(facts.PLAN_JUDGED, organisation=organisation, outcome="confirmed")

    def plan_owed_by(self) -> str | None:
        """Who must act on the first plan that is not confirmed: holder, or the organisation judging it."""
        for each in self.plans():
            if not self.plan_confirmed(each):
                delivered = self._known.count(facts.PLAN_DELIVERED, organisation=each)
                judged = self._known.count(facts.PLAN_JUDGED, organisation=each)
                return each if delivered > judged else "holder"
        return None

    # --- what an adviser is asked

    def extension_asked(self) -> bool:
        """Whether the start's clock stands still: an extension is neither decided nor overtaken."""
        asked = self._known.count(facts.EXTENSION_ASKED) > self._known.count(facts.EXTENSION_DECIDED)
        return asked and self.start() is None and not self.lost()

    def extension_settled(self, n: int) -> bool:
        return self._known.has(facts.EXTENSION_DECIDED, n=n) or self.start() is not None or self.lost()

    def change_settled(self, n: int) -> bool:
        return self._known.has(facts.CHANGE_DECIDED, n=n) or self.lost()

    def losses_proposed(self) -> int:
        return self._known.count(facts.LOSS_PROPOSED)

    def loss_proposed(self, n: int) -> bool:
        return self._known.has(facts.LOSS_PROPOSED, n=n)

    def loss_decided(self, n: int) -> Fact | None:
        return self._known.last(facts.LOSS_DECIDED, n=n)

    def lost(self) -> bool:
        return self._known.has(facts.LOSS_DECIDED, confirmed=True)

    # --- reports and the end

    def yearly_reports_approved(self) -> int:
        return self._known.count(facts.REPORT_JUDGED, kind="yearly", outcome="approved")

    def next_report_ask_at(self) -> datetime:
        """When the next yearly report of the started project is to be asked for, if it goes on until then."""
        last, start = self.requested("yearly", self.yearly_reports_approved()), self.start()
        assert start is not None
        return start.instant("first_report_ask_at") if last is None else last.instant("next_ask_at")

    def requested(self, kind: str, n: int) -> Fact | None:
        return self._known.last(facts.REPORT_REQUESTED, kind=kind, n=n)

    def submitted(self, kind: str, n: int, attempt: int) -> bool:
        return self._known.has(facts.REPORT_SUBMITTED, kind=kind, n=n, attempt=attempt)

    def judged(self, kind: str, n: int, attempt: int) -> Fact | None:
        return self._known.last(facts.REPORT_JUDGED, kind=kind, n=n, attempt=attempt)

    def ends_at(self) -> datetime:
        return self._of_the_project("ends_at")

    def wishes_for_another_end(self) -> int:
        return self._known.count(facts.CHANGE_ASKED, kind="end_date")

    def end_in_question(self) -> bool:
        """Whether another end is asked for and not decided."""
        wishes = self._known.of(facts.CHANGE_ASKED, kind="end_date")
        return any(not self.change_settled(each.number("n")) for each in wishes)

    def invoicing_due_at(self) -> datetime:
        return self._of_the_project("invoicing_due_at")

    def invoicing_closed(self) -> bool:
        """By the trust's last invoice, or by its deadline."""
        return self._known.has(facts.INVOICE_REGISTERED, last=True) or self._known.has(
            facts.INVOICING_EXPIRED
        )

    # --- for its holder

    def standing(self) -> Standing:
        """Where the case stands, for its holder."""
        if self.lost():
            return Standing("closed", "nobody")
        if self.start() is not None:
            return self._standing_of_the_project()
        losing = self.losses_proposed() > self._known.count(facts.LOSS_DECIDED)
        if not self.accepted():
            owner = "rhf" if losing or self.answers() else "holder"
            return Standing("acceptance", owner, self.acceptance_lapses_at())
        plan_owed_by = self.plan_owed_by()
        if plan_owed_by is not None:
            return Standing("plan", plan_owed_by, self.start_lapses_at())
        owner = "rhf" if losing or self.extension_asked() else "holder"
        return Standing("start", owner, self.start_lapses_at())

    def _standing_of_the_project(self) -> Standing:
        asked = self._known.last(facts.REPORT_REQUESTED)
        if asked is None or self._known.has(
            facts.REPORT_JUDGED, kind=asked.data["kind"], n=asked.data["n"], outcome="approved"
        ):
            return Standing("project", "nobody", min(self.next_report_ask_at(), self.ends_at()))
        match = {"kind": asked.data["kind"], "n": asked.data["n"]}
        with_adviser = self._known.count(facts.REPORT_SUBMITTED, **match) > self._known.count(
            facts.REPORT_JUDGED, **match
        )
        returned = self._known.last(facts.REPORT_JUDGED, outcome="returned", **match)
        due_at = asked.instant("due_at") if returned is None else returned.instant("mend_due_at")
        return Standing("report", "rhf" if with_adviser else "holder", due_at)

    # --- helpers

    def _of_the_project(self, name: str) -> datetime:
        """As the start says, or the last change that was granted after it."""
        granted = self._known.of(facts.CHANGE_DECIDED, granted=True)
        fact = next((each for each in reversed(granted) if each.data[name] is not None), self.start())
        assert fact is not None
        return fact.instant(name)

    def _latest(self, name: str, *moved_by: str) -> datetime:
        """An instant of the award that is only ever moved to a later one."""
        moved = [each for type_ in moved_by for each in self._known.of(type_) if each.data[name] is not None]
        return max(each.instant(name) for each in [self.award(), *moved])
