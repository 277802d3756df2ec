"""Each check of doctor finds the fault it is there for, and names the case."""

import uuid
from collections.abc import Awaitable, Callable, Mapping

import pytest

from services.common.db import Connection
from services.common.doctor import examine
from services.review.checks import CHECKS
from tests.service.review.case_play import CasePlay
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds

FAULTS: Mapping[str, str] = {
    "review.open_task_of_ended_case": (
        "update cases set state = 'ended', ended_as = 'expired', ended_from = 'prescreening',"
        " ended_at = now() where id = '{case}'"
    ),
    "review.endorsement_of_closed_call": (
        "update task set kind = 'endorse_draft' where id = '{running}'; update call set closed_at = now()"
    ),
    "review.task_closed_by_nobody": "update task set closed_by = '' where id = '{closed}'",
    "review.step_before_its_instant": (
        "update ladder_step set taken_at = at - interval '1 second' where task_id = '{running}' and n = 4"
    ),
    "review.step_of_stopped_clock": (
        "update ladder_step set at = now() - interval '2 minutes', taken_at = now() + interval '1 minute'"
        " where task_id = '{paused}' and n = 3"
    ),
    "review.step_not_taken": (
        "update ladder_step set at = now() - interval '6 minutes' where task_id = '{running}' and n = 2"
    ),
    "review.overlapping_pauses": (
        "insert into pause (task_id, n, cause, paused_at, resumed_at)"
        " select task_id, 9, 'extension:1', paused_at - interval '1 hour', paused_at + interval '1 hour'"
        " from pause where task_id = '{paused}'"
    ),
    "review.pause_without_state": "update task set state = 'open' where id = '{paused}'",
    "review.paused_without_question": (
        "update question set answered_at = now(), answered_by = id, answer = 'x' where id = '{question}'"
    ),
    "review.ended_without_cause": (
        "update cases set state = 'ended', ended_as = 'not_recommended', ended_from = 'prescreening',"
        " ended_at = now() where id = '{case}'"
    ),
    "review.case_beyond_prescreening": "update cases set state = 'consulting' where id = '{case}'",
    "review.unanswered_question_without_task": (
        "update task set state = 'done', closed_at = now(), closed_by = 'x'"
        " where kind = 'answer_question' and n = '{question}'"
    ),
}


def test_every_check_has_its_fault() -> None:
    assert {check.name for check in CHECKS} == FAULTS.keys()


@pytest.mark.parametrize("name", list(FAULTS))
async def test_a_planted_fault_is_found_and_its_case_named(
    play: CasePlay,
    person: Callable[..., Person],
    as_role: Callable[..., Awaitable[Connection]],
    name: str,
) -> None:
    await play.begin()
    case, healthy = await play.submit("a", touches=["HP"]), await play.submit("b")
    adviser = person("hf_adviser", organisation="STOLAV")
    running = await play.open(kinds.CONSULT, case, role="consultant", organisation="HP")
    paused = await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    question = await play.ask(adviser, case, paused)
    closed = await play.open(kinds.CONFIRM_MOVE, case)
    await play.api.post(play.adviser, f"/v1/tasks/{closed}/claim")
    await play.owner.execute(
        "update task set state = 'done', closed_at = now(), closed_by = 'review' where id = $1", closed
    )
    await play.prescreen(adviser, healthy)
    inspector = await as_role("review", "inspector")
    assert await examine(inspector, CHECKS) == []
    ids: dict[str, uuid.UUID] = {
        "case": case,
        "running": running,
        "paused": paused,
        "question": question,
        "closed": closed,
    }
    await play.owner.execute(FAULTS[name].format(**ids))
    found = await examine(inspector, CHECKS)
    assert (name, str(case)) in {(finding.check.name, finding.key) for finding in found}
    assert {finding.key for finding in found} == {str(case)}, "the other case is not accused"
