"""F6: workers killed at random while cases begin; nothing is stuck, nothing is done twice."""

import asyncio
import random
import signal
from collections.abc import Sequence
from typing import Any

import pytest
from temporalio.client import Client

from tests.faults.processes import Servants
from tests.support import eventually, oracle
from tests.support.live import Draft, Live

_VICTIMS = ("review-worker", "intake-worker", "workflows-worker", "workflows-starter", "notify-worker")


async def test_workers_die_at_random(live: Live, servants: Servants, seed: int) -> None:
    chance = random.Random(seed)
    drafts = await live.drafts(10)
    for draft in drafts:
        await live.submit(draft)
        victim = chance.choice(_VICTIMS)
        await eventually(lambda v=victim: servants.kill(v), 30)  # type: ignore[misc]
    await oracle.judge(live, drafts)
    await eventually(lambda: _each_has_one_prescreening(live, [draft.id for draft in drafts]), 60, pause=0.3)


def _each_has_one_prescreening(live: Live, ids: list[str]) -> bool:
    rows = oracle.inspect(
        live.settings,
        """select application_id::text, count(*) from review.task
           where kind = 'prescreen' and application_id = any(%s::uuid[]) group by 1""",
        ids,
    )
    assert sorted(rows) == sorted((each, 1) for each in ids)
    return True


@pytest.mark.timeout(600)
async def test_a_worker_frozen_in_an_activity_wakes_when_another_has_done_it_and_changes_nothing(
    live: Live, servants: Servants
) -> None:
    drafts = await live.drafts(4)
    ids = [draft.id for draft in drafts]
    armed = servants.arm("review-worker", "activity.begun:freeze")
    await asyncio.gather(*(live.submit(draft) for draft in drafts))
    await eventually(armed.frozen, 60)
    servants.start("review-worker")
    await oracle.judge(live, drafts)
    await eventually(lambda: _each_has_one_prescreening(live, ids), 60, pause=0.3)
    client = await Client.connect(
        live.settings["TEMPORAL_ADDRESS"], namespace=live.settings["TEMPORAL_NAMESPACE"]
    )
    await eventually(lambda: _at_rest(live, client, drafts), 60, pause=0.5)
    assert await _tried_again(client, ids), "what the frozen worker had begun was not given to the other"
    before = _written(live, ids)
    assert armed.frozen()
    armed.process.send(signal.SIGCONT)
    # It finishes what it was at, however long it takes to part from connections that nobody holds any more.
    assert armed.process.stop(patience=60) == 0
    assert "Activity not found on completion" in armed.process.output(), "it had nothing late to report"
    await oracle.judge(live, drafts)
    assert _written(live, ids) == before


async def _at_rest(live: Live, client: Client, drafts: Sequence[Draft]) -> bool:
    """Whether nothing is under way; a fact between two services does not show in a run before it arrives."""
    ids = [draft.id for draft in drafts]
    waiting = await _all_wait_for_people(client, ids)
    return waiting and oracle.settled(live.settings, drafts) and await _all_wait_for_people(client, ids)


async def _all_wait_for_people(client: Client, ids: list[str]) -> bool:
    """Whether none of these cases has anything left to do by itself."""
    for each in ids:
        run = (await client.get_workflow_handle(f"application:{each}").describe()).raw_description
        if run.pending_activities or run.HasField("pending_workflow_task"):
            return False
    return True


async def _tried_again(client: Client, ids: list[str]) -> bool:
    """Whether an activity of these cases was begun more than once."""
    for each in ids:
        history = await client.get_workflow_handle(f"application:{each}").fetch_history()
        if any(event.activity_task_started_event_attributes.attempt > 1 for event in history.events):
            return True
    return False


def _written(live: Live, ids: list[str]) -> list[tuple[Any, ...]]:
    """The cases' tasks, and how much review has written into audit and outbox about them."""
    return oracle.inspect(
        live.settings,
        """select 'task', id::text, state from review.task where application_id = any(%s::uuid[])
           union all
           select 'audit', key, count(*)::text from review.audit where key = any(%s) group by key
           union all
           select 'outbox', key, count(*)::text from review.outbox where key = any(%s) group by key
           order by 1, 2""",
        ids,
        ids,
        ids,
    )
