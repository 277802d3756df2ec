"""Where a case stands for its applicant, as the facts of the application have it."""

from dataclasses import dataclass
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import facts
    from workflows.contracts.ids import reassessment_round_id
    from workflows.procedure.case import Case
    from workflows.procedure.known import Known


@dataclass(frozen=True)
class Standing:
    """A stage of intake's list, who acts next, and when something is to be expected."""

    stage: str
    owner: str
    expected_at: datetime | None = None


def standing(known: Known, application_id: object) -> Standing | None:
    """None where the grant, which has its own run, says where the case stands."""
    case = Case(known)
    ending = case.ending()
    if ending is not None:
        return Standing(ending, "nobody", case.undo_until())
    if case.complaint_open():
        return Standing("complaint", "rhf")
    if case.letter() is not None:
        return _after_the_letter(known, case, application_id)
    if known.has(facts.CASE_DECIDED) or known.has(facts.CASE_RECOMMENDED):
        return Standing("decision", "rhf")
    if known.has(facts.ACCESS_GRANTED):
        return Standing("assessment", "committee")
    if case.entered():
        return Standing("round", "committee")
    return _before_the_round(case)


def _before_the_round(case: Case) -> Standing:
    version, submission = case.version(), case.submission()
    assert submission is not None
    if case.returned(version):
        return Standing("returned", "holder")
    if case.screened(version) is None:
        return Standing("prescreening", f"hf:{submission.text('organisation')}")
    unanswered = case.unanswered()
    if unanswered:
        return Standing("consultation", unanswered[0])
    if not case.passed(version):
        return Standing("formal_check", "rhf")
    return Standing("round", "committee")


def _after_the_letter(known: Known, case: Case, application_id: object) -> Standing | None:
    letter = case.letter()
    assert letter is not None
    upheld = [
        each for each in known.of(facts.COMPLAINT_DECIDED, upheld=True) if _pending(known, each, letter)
    ]
    if upheld:
        return _decided_again(known, upheld[-1], application_id)
    outcome = letter.text("outcome")
    if outcome == "awarded":
        return None
    if outcome == "reserve":
        return Standing("reserve", "nobody", letter.instant_or_none("reserve_until"))
    return Standing("decided", "nobody", letter.instant("complaint_until"))


def _pending(known: Known, answer: facts.Fact, letter: facts.Fact) -> bool:
    """Whether the upheld complaint concerns the decision that still counts."""
    complaint = known.last(facts.COMPLAINT_RECEIVED, n=answer.number("n"))
    return complaint is not None and complaint.number("version") == letter.number("version")


def _decided_again(known: Known, answer: facts.Fact, application_id: object) -> Standing:
    round_id = reassessment_round_id(application_id, answer.number("n"))
    if answer.data["stage"] == "assessment" and not known.has(facts.CASE_RECOMMENDED, round_id=round_id):
        return Standing("reassessment", "committee")
    return Standing("decision", "rhf")
