"""F1: intake dies while applications are being sent, and the senders try again under the same key."""

import asyncio
import random

import pytest

from tests.faults.processes import Servants
from tests.support import eventually, oracle
from tests.support.live import Live


@pytest.mark.parametrize(
    "failpoint",
    ["intake.before_submission_recorded:kill:4", "once.after_commit:kill:4"],
    ids=["before the commit", "after the commit, before the answer"],
)
async def test_dies_in_the_middle_of_a_submission(live: Live, servants: Servants, failpoint: str) -> None:
    drafts = await live.drafts(12)
    armed = servants.arm("intake-api", failpoint)
    await eventually(lambda: live.sessions["rhf-1"].status("intake", "/v1/me"), 30)

    async def bring_back() -> int:
        await eventually(armed.fired, 60)
        acknowledged = sum(draft.receipt is not None for draft in drafts)
        servants.start("intake-api")
        return acknowledged

    coming_back = asyncio.create_task(bring_back())
    await asyncio.gather(*(live.submit(draft) for draft in drafts))
    acknowledged_before = await coming_back
    assert acknowledged_before < len(drafts), "nothing was under way when it died"
    assert any(draft.failures for draft in drafts), "nobody noticed that it died"
    await oracle.judge(live, drafts)


async def test_dies_again_and_again_under_load(live: Live, servants: Servants, seed: int) -> None:
    chance = random.Random(seed)
    drafts = await live.drafts(30)
    sending = asyncio.Semaphore(6)

    async def send(number: int) -> None:
        async with sending:
            await live.submit(drafts[number], patience=120)

    async def kill_now_and_then() -> int:
        killed = 0
        while killed < 3:
            waiting = sum(draft.receipt is None for draft in drafts)
            if waiting == 0:
                break
            await eventually(lambda: servants.pid("intake-api"), 30)
            before = sum(draft.receipt is not None for draft in drafts)
            target = before + chance.randrange(1, 4)
            await eventually(lambda t=target: sum(d.receipt is not None for d in drafts) >= t, 60)  # type: ignore[misc]
            killed += servants.kill("intake-api")
        return killed

    killing = asyncio.create_task(kill_now_and_then())
    await asyncio.gather(*(send(number) for number in range(len(drafts))))
    assert await killing == 3
    assert any(draft.failures for draft in drafts)
    await oracle.judge(live, drafts)
