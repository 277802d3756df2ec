"""Doctor names a case about which the services do not agree."""

import pytest

from deploy.stack.agreement import NOT_IN_FUNDING, REVIEW, agree
from services.funding.domain.cases import CaseState as InFunding
from services.intake.domain.states import State as InIntake
from services.review.domain.cases import CaseState as InReview


def test_every_state_of_every_service_is_placed() -> None:
    assert REVIEW.keys() == {str(state) for state in InIntake}
    placed = frozenset[str]().union(*REVIEW.values())
    assert placed - {"none"} == {str(state) for state in InReview}
    impossible = frozenset[str]().union(*NOT_IN_FUNDING.values())
    assert impossible - {"none"} <= {str(state) for state in InFunding}


@pytest.mark.parametrize(
    ("intake", "review", "funding"),
    [
        ("draft", "none", "none"),
        ("submitted", "prescreening", "none"),
        ("submitted", "in_round", "in_decision"),
        ("returned", "returned", "received"),
        ("withdrawn", "ended", "ended"),
        ("decided", "decided", "awarded"),
        ("decided", "in_round", "in_decision"),
        ("decided", "decided", "lost"),
    ],
)
def test_a_case_that_all_see_alike(intake: str, review: str, funding: str) -> None:
    assert agree(intake, review, funding)


@pytest.mark.parametrize(
    ("intake", "review", "funding"),
    [
        ("submitted", "returned", "received"),  # the applicant waits, and so does the trust
        ("submitted", "ended", "received"),
        ("submitted", "in_round", "ended"),
        ("returned", "prescreening", "none"),
        ("withdrawn", "in_round", "received"),
        ("rejected", "ended", "awarded"),
        ("decided", "consulting", "declined"),
        ("decided", "decided", "received"),
        ("none", "prescreening", "none"),
    ],
)
def test_a_case_in_dispute(intake: str, review: str, funding: str) -> None:
    assert not agree(intake, review, funding)
