"""What the facts say of one application. Pure: the same facts in any order between topics say the same."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import facts
    from workflows.contracts.facts import Fact
    from workflows.procedure.known import Known


class Case:
    """Predicates over the facts of one application; the first version must be known before most of them."""

    def __init__(self, known: Known) -> None:
        self._known = known

    # --- the version that counts

    def submission(self) -> Fact | None:
        return self._known.newest(facts.APPLICATION_SUBMITTED, "version")

    def version(self) -> int:
        submission = self.submission()
        return 0 if submission is None else submission.number("version")

    # --- the formal check and the pre-screening of a version, the consultations

    def passed(self, version: int) -> bool:
        """A rejection that was undone counts as passed."""
        return self._known.has(facts.FORMAL_CHECK_PASSED, version=version) or self._known.has(
            facts.REJECTION_UNDONE, version=version
        )

    def rejection_proposed(self, version: int) -> bool:
        return self._known.has(facts.REJECTION_PROPOSED, version=version)

    def rejected(self, version: int) -> bool:
        return self._known.has(facts.APPLICATION_REJECTED, version=version)

    def screened(self, version: int) -> str | None:
        """recommended, not_recommended or returned."""
        decided = self._known.last(facts.PRESCREENING_DECIDED, version=version)
        return None if decided is None else decided.text("outcome")

    def returned(self, version: int) -> bool:
        """By the trust, or by intake because an attachment was refused."""
        return self.screened(version) == "returned" or self._known.has(
            facts.APPLICATION_RETURNED, version=version
        )

    def heard(self, organisation: str) -> bool:
        """Whether nobody waits for the organisation: it was consulted, or asked from the draft, which counts
        too (X14), or an adviser lets the case go on without its answer."""
        ends = (facts.CONSULTATION_ANSWERED, facts.CLARIFICATION_ANSWERED, facts.CONSULTATION_WAIVED)
        return any(self._known.has(each, organisation=organisation) for each in ends)

    def unanswered(self) -> list[str]:
        """The organisations still to be heard, in the order of the application."""
        submission = self.submission()
        touched = [] if submission is None else submission.texts("touches")
        return [each for each in touched if not self.heard(each)]

    # --- endings before the decision, and their undoing

    def ending(self) -> str | None:
        """How the case has ended: withdrawn, rejected, expired or not_recommended; None while it lives."""
        known = self._known
        if known.count(facts.APPLICATION_WITHDRAWN) > known.count(facts.WITHDRAWAL_UNDONE):
            return "withdrawn"
        rejected = known.of(facts.APPLICATION_REJECTED)
        if any(not known.has(facts.REJECTION_UNDONE, version=each.number("version")) for each in rejected):
            return "rejected"
        if known.has(facts.APPLICATION_EXPIRED):
            return "expired"
        if known.has(facts.APPLICATION_RETURNED, version=self.version()):
            return None  # what the trust said meanwhile is about a version that is not in any more
        return "not_recommended" if self.screened(self.version()) == "not_recommended" else None

    def undo_until(self) -> datetime | None:
        """Until when the ending can be undone; None where there is no way back."""
        if self.ending() not in ("withdrawn", "rejected"):
            return None
        endings = self._known.of(facts.APPLICATION_WITHDRAWN) + self._known.of(facts.APPLICATION_REJECTED)
        return max(each.instant("undo_until") for each in endings)

    # --- the round and what follows

    def entered(self) -> bool:
        return self._known.has(facts.ROUND_ENTERED)

    def overtaken(self, version: int) -> bool:
        """Whether what is still asked about this version can change nothing: the case is decided, or was
        mended when it was in its round."""
        return self._known.has(facts.CASE_DECIDED) or (self.entered() and self.version() > version)

    def unassessed(self) -> bool:
        """Whether its panel went on without it, so that it needs a round of its own."""
        return self._known.has(facts.CASE_UNASSESSED)

    def left_out(self, n: int) -> Fact | None:
        """The n-th time (from 1) that a round went on without it, as told when it was back."""
        times = self._known.of(facts.CASE_LEFT_OUT)
        return times[n - 1] if len(times) >= n else None

    def letter(self) -> Fact | None:
        """The letter of the decision that counts."""
        return self._known.newest(facts.LETTER_SENT, "version")

    def complaint_after(self, n: int) -> Fact | None:
        """The first complaint with a higher number; they have the numbers of the decisions they are about."""
        later = [each for each in self._known.of(facts.COMPLAINT_RECEIVED) if each.number("n") > n]
        return min(later, key=lambda each: each.number("n"), default=None)

    def complaint_open(self) -> bool:
        """Whether a complaint has no answer."""
        return self._known.count(facts.COMPLAINT_RECEIVED) > self._known.count(facts.COMPLAINT_DECIDED)

    def answer(self, n: int) -> Fact | None:
        return self._known.last(facts.COMPLAINT_DECIDED, n=n)

    def offered(self, n: int) -> bool:
        """Whether this place on the reserve list was offered money for the n-th time."""
        return self._known.has(facts.RESERVE_OFFERED, n=n)

    def move(self, n: int) -> Fact | None:
        return self._known.last(facts.RESERVE_MOVE_DECIDED, n=n)

    def times_expired(self) -> int:
        return self._known.count(facts.RESERVE_EXPIRED)
