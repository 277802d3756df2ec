"""New code must carry on the runs that are under way: every recorded history replays, and a reorder does not.

After a change of the workflows that is meant to begin a new version: `python -m tests.workflow.record`.
"""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from services.common.temporal import CauseInterceptor
from tests.support.histories import text_of
from tests.workflow.conftest import start_server
from tests.workflow.events import CANARY, NOK
from tests.workflow.record import HISTORIES, paths
from tests.workflow.reordered import Reordered
from tests.workflow.world import WORKFLOWS, World

FILES = sorted(HISTORIES.glob("*.json"))


def history(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(file.stem, file.read_text(encoding="utf-8"))


def replayer(*workflows: type) -> Replayer:
    return Replayer(
        workflows=workflows, data_converter=pydantic_data_converter, interceptors=[CauseInterceptor()]
    )


def test_every_path_has_a_recorded_history() -> None:
    recorded = {file.name.split(".")[0] for file in FILES}
    assert recorded == {name for name, _ in paths()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_recorded_history_replays(file: Path) -> None:
    await replayer(*WORKFLOWS).replay_workflow(history(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_recorded_history_is_compared_and_short(file: Path) -> None:
    """Without these flags the SDK compares neither the types nor the ids of activities."""
    events = json.loads(file.read_text())["events"]
    flags = [
        each["workflowTaskCompletedEventAttributes"].get("sdkMetadata", {}).get("coreUsedFlags", [])
        for each in events
        if "workflowTaskCompletedEventAttributes" in each
    ]
    assert {1, 2, 3} <= set(flags[0])
    assert len(events) < 1000


async def test_reordered_steps_without_a_patch_fail_the_replay() -> None:
    file = HISTORIES / "application-declined_case_is_closed_when_its_complaint_window_is_over.json"
    await replayer(*WORKFLOWS).replay_workflow(history(file))
    with pytest.raises(NondeterminismError):
        await replayer(Reordered).replay_workflow(history(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_history_holds_a_text_or_an_amount(file: Path) -> None:
    text = text_of(history(file))
    assert '"event_id"' in text, "no payload was decoded: the test proves nothing"
    assert CANARY not in text
    assert str(NOK) not in text


WHOLE_LIVES = (
    "application-upheld_complaint_is_assessed_again_by_others_and_decided_anew",
    "application-withdrawal_that_is_undone_goes_on_where_it_was",
    "call-conflict_declared_after_the_scores_lets_the_panel_meet_again",
    "grant-three_years_from_acceptance_to_the_final_report",
    "human_task-paused_clock_stands_still_until_it_gets_another",
)


@pytest.mark.parametrize("name", WHOLE_LIVES)
async def test_worker_that_forgets_everything_between_two_tasks_plays_the_same(name: str) -> None:
    server = await start_server()
    try:
        async with World.opened(server, cached=0) as world:
            await dict(paths())[name](world)
    finally:
        await server.shutdown()
