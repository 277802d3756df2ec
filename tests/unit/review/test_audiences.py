"""Whom a ladder writes to, and where a task is done."""

import uuid

import pytest

from services.intake.events.call_definition import Recipient
from services.review.domain.act_paths import act_path
from services.review.domain.audiences import Audience, Surroundings, recipients
from workflows.contracts import tasks

HOLDER, CHAIR, ASKER, CASE = (uuid.uuid4() for _ in range(4))
CONSULT = Surroundings(
    audience=Audience("consultant", "HP"), holder_id=HOLDER, applicant="HMR", chair_id=CHAIR, asker_id=ASKER
)


@pytest.mark.parametrize(
    ("code", "audience"),
    [
        ("audience", Audience("consultant", "HP")),
        ("holder", Audience("holder", person_id=HOLDER)),
        ("hf_adviser", Audience("hf_adviser", "HMR")),
        ("lead", Audience("lead", "HP")),
        ("rhf_adviser", Audience("rhf_adviser")),
        ("second_adviser", Audience("rhf_adviser")),
        ("leader", Audience("leader")),
        ("chair", Audience("chair", person_id=CHAIR)),
        ("asker", Audience("asker", person_id=ASKER)),
    ],
)
def test_every_recipient_that_a_call_may_name_is_resolved(code: str, audience: Audience) -> None:
    assert recipients((code,), CONSULT) == [audience]


def test_no_recipient_of_the_call_is_forgotten_here() -> None:
    for code in Recipient.__args__:  # type: ignore[attr-defined]
        assert recipients((code,), CONSULT)


def test_the_lead_of_an_applicants_task_is_the_applicants() -> None:
    around = Surroundings(audience=Audience("holder", person_id=HOLDER), applicant="STOLAV")
    assert recipients(("lead",), around) == [Audience("lead", "STOLAV")]


def test_an_escalation_that_names_nobody_here_goes_to_the_advisers() -> None:
    round_task = Surroundings(audience=Audience("leader"))
    assert recipients(("holder", "hf_adviser", "chair"), round_task) == [Audience("rhf_adviser")]


def test_nobody_is_told_twice() -> None:
    assert recipients(("second_adviser", "rhf_adviser"), CONSULT) == [Audience("rhf_adviser")]


@pytest.mark.parametrize("kind", tasks.KINDS)
def test_every_kind_of_task_says_where_it_is_done(kind: str) -> None:
    path = act_path(kind, str(CASE), "yearly:2.1", task_id=CHAIR, application_id=CASE, act_id=HOLDER)
    method, service, route = path.split(" ")
    assert method in ("POST", "PUT")
    assert service in ("intake", "review", "funding")
    assert route.startswith("/v1/")
    assert "{" not in path
    assert "None" not in path


def test_the_path_of_a_report_counts_reports_and_not_attempts() -> None:
    judged = act_path(
        tasks.JUDGE_REPORT, str(CASE), "yearly:2.3", task_id=CHAIR, application_id=CASE, act_id=None
    )
    assert judged == f"POST funding /v1/grants/{CASE}/reports/yearly/2/judgement"
    asked = act_path(tasks.FINAL_REPORT, str(CASE), "1.2", task_id=CHAIR, application_id=CASE, act_id=None)
    assert asked == f"POST funding /v1/grants/{CASE}/reports/final/1"


def test_a_members_task_points_at_the_round() -> None:
    path = act_path(
        tasks.DECLARE_CONFLICTS, f"call.product/{CHAIR}", "1", task_id=CASE, application_id=None, act_id=None
    )
    assert path == "POST review /v1/rounds/call.product/conflicts"
