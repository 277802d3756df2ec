"""Where a case stands, from its facts alone; the order between topics never matters."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.common.record import Fact as Event
from tests.workflow.events import CALL, Applicant, fact
from workflows.procedure.case import Case
from workflows.procedure.known import Known
from workflows.procedure.stage import standing

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
CASE = Applicant()


def known(*events: Event) -> Known:
    return Known([fact(each) for each in events])


def stage_of(*events: Event) -> tuple[str, str] | None:
    now = standing(known(*events), CASE.id)
    return None if now is None else (now.stage, now.owner)


def test_case_moves_through_the_stages() -> None:
    so_far: list[Event] = [CASE.submitted(touches=("HP", "HEMIT"))]
    steps: list[tuple[Event, tuple[str, str] | None]] = [
        (CASE.rejection_proposed(), ("prescreening", "hf:STOLAV")),
        (CASE.prescreened(), ("consultation", "HP")),
        (CASE.consulted("HP"), ("consultation", "HEMIT")),
        (CASE.clarified("HEMIT"), ("formal_check", "rhf")),
        (CASE.passed(), ("round", "committee")),
        (CASE.entered(), ("round", "committee")),
        (CASE.access_granted(), ("assessment", "committee")),
        (CASE.recommended(f"{CALL}.p"), ("decision", "rhf")),
        (CASE.decided("reserve"), ("decision", "rhf")),
        (CASE.letter("reserve", LATER, LATER), ("reserve", "nobody")),
        (CASE.complained(), ("complaint", "rhf")),
        (CASE.answered(True, "assessment"), ("reassessment", "committee")),
        (CASE.recommended(f"{CASE.id}.r1"), ("decision", "rhf")),
        (CASE.letter("declined_ranking", LATER, version=2), ("decided", "nobody")),
        (CASE.letter("awarded", LATER, version=3), None),
    ]
    for event, expected in steps:
        so_far.append(event)
        assert stage_of(*so_far) == expected, event.TYPE


def test_return_and_resubmission() -> None:
    returned = [CASE.submitted(), CASE.prescreened("returned")]
    assert stage_of(*returned) == ("returned", "holder")
    assert stage_of(*returned, CASE.submitted(2)) == ("prescreening", "hf:STOLAV")
    assert stage_of(*returned, CASE.submitted(2), CASE.returned(2)) == ("returned", "holder")


def test_a_no_that_crossed_with_a_return_by_intake_ends_nothing() -> None:
    crossed = [CASE.submitted(), CASE.prescreened("not_recommended"), CASE.returned(1)]
    assert stage_of(*crossed) == ("returned", "holder")
    assert stage_of(*crossed, CASE.submitted(2)) == ("prescreening", "hf:STOLAV")


def test_endings_and_their_undoing() -> None:
    first = CASE.submitted()
    assert stage_of(first, CASE.withdrawn(LATER)) == ("withdrawn", "nobody")
    assert stage_of(first, CASE.withdrawn(LATER), CASE.withdrawal_undone()) == ("prescreening", "hf:STOLAV")
    assert stage_of(first, CASE.rejected(LATER)) == ("rejected", "nobody")
    assert stage_of(first, CASE.rejected(LATER), CASE.rejection_undone()) == ("prescreening", "hf:STOLAV")
    assert stage_of(first, CASE.expired()) == ("expired", "nobody")
    assert stage_of(first, CASE.prescreened("not_recommended")) == ("not_recommended", "nobody")
    # What was said of an earlier version ends nothing.
    assert stage_of(first, CASE.prescreened("not_recommended", 1), CASE.submitted(2)) == (
        "prescreening",
        "hf:STOLAV",
    )


def test_undo_window_is_that_of_the_last_ending() -> None:
    case = Case(known(CASE.submitted(), CASE.rejected(NOW), CASE.rejection_undone(), CASE.withdrawn(LATER)))
    assert case.ending() == "withdrawn"
    assert case.undo_until() == LATER
    assert Case(known(CASE.submitted(), CASE.expired())).undo_until() is None


EVENTS = [
    CASE.submitted(1, touches=("HP",)),
    CASE.passed(1),
    CASE.submitted(2, touches=("HP",)),
    CASE.passed(2),
    CASE.prescreened("returned", 1),
    CASE.prescreened("recommended", 2),
    CASE.consulted("HP"),
    CASE.entered(),
    CASE.withdrawn(LATER),
    CASE.withdrawal_undone(),
    CASE.access_granted(),
    CASE.recommended(f"{CALL}.p"),
    CASE.letter("declined_threshold", LATER),
    CASE.complained(),
    CASE.answered(True, "assessment"),
]


@given(order=st.permutations(EVENTS))
def test_any_order_says_the_same(order: list[Event]) -> None:
    assert stage_of(*order) == ("reassessment", "committee")


@given(order=st.permutations(EVENTS), again=st.lists(st.sampled_from(EVENTS)))
def test_fact_that_is_known_counts_once(order: list[Event], again: list[Event]) -> None:
    told = {id(event): fact(event) for event in order}
    once = Known(told.values())
    for event in again:
        once.add(told[id(event)])
    assert len(once) == len(EVENTS)
    assert standing(once, CASE.id) == standing(Known(told.values()), CASE.id)
