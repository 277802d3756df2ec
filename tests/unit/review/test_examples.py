"""The examples that the API's documentation shows are requests that it takes."""

import pytest

from services.common.http import Body
from services.review.api import cases, meetings, panels, questions, rounds, tasks

BODIES = [
    cases.PrescreeningBody,
    cases.ConsultationBody,
    cases.WaiverBody,
    questions.QuestionBody,
    questions.AnswerBody,
    tasks.PassOn,
    tasks.Handled,
    panels.Members,
    panels.StandDown,
    rounds.Declarations,
    rounds.Scores,
    meetings.Meeting,
]


@pytest.mark.parametrize("body", BODIES)
def test_every_example_is_a_sound_request(body: type[Body]) -> None:
    examples = body.model_json_schema()["examples"]
    assert examples
    for example in examples:
        assert body.model_validate(example)
