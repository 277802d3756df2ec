"""F6: workers killed at random while cases begin; nothing is stuck, nothing is done twice."""

import asyncio
import random

from tests.faults.processes import Servants
from tests.support import eventually, oracle
from tests.support.live import Live

_VICTIMS = ("review-worker", "intake-worker", "workflows-worker", "workflows-starter", "notify-worker")


async def test_workers_die_at_random(live: Live, servants: Servants, seed: int) -> None:
    chance = random.Random(seed)
    drafts = await live.drafts(10)
    killed = 0
    for draft in drafts:
        await live.submit(draft)
        victim = chance.choice(_VICTIMS)
        await eventually(lambda v=victim: servants.pid(v), 30)  # type: ignore[misc]
        killed += servants.kill(victim)
    assert killed == len(drafts)
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


async def test_a_frozen_worker_that_wakes_late_changes_nothing(live: Live, servants: Servants) -> None:
    drafts = await live.drafts(4)
    servants.freeze("review-worker")
    await asyncio.gather(*(live.submit(draft) for draft in drafts))
    servants.thaw()
    await oracle.judge(live, drafts)
    await eventually(lambda: _each_has_one_prescreening(live, [draft.id for draft in drafts]), 60, pause=0.3)
