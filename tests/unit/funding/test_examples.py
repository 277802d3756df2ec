"""The examples that the API's documentation shows are requests that it takes."""

import pytest

from services.common.http import Body
from services.funding.api import cases, complaints, grants, reports, requests, rounds

BODIES = [
    cases.MoveDecision,
    complaints.ComplaintBody,
    complaints.ComplaintAnswer,
    grants.Acceptance,
    grants.PlanBody,
    grants.PlanJudgement,
    grants.StartBody,
    grants.LossDecision,
    reports.ReportBody,
    reports.Judgement,
    requests.ExtensionBody,
    requests.Answer,
    requests.ChangeBody,
    requests.InvoiceBody,
    rounds.Preparation,
    rounds.LeaderDecision,
]


@pytest.mark.parametrize("body", BODIES)
def test_every_example_is_a_sound_request(body: type[Body]) -> None:
    examples = body.model_json_schema()["examples"]
    assert examples
    for example in examples:
        assert body.model_validate(example)
