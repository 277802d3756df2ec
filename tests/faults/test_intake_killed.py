"""F1: intake dies while applications are being sent, and the senders try again under the same key."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from tests.faults.processes import Servants
from tests.support import eventually, oracle
from tests.support.live import Draft, Live

_BEFORE_COMMIT = "intake.before_submission_recorded"
_AFTER_COMMIT = "once.after_commit"


@pytest.mark.parametrize(
    "failpoint",
    [_BEFORE_COMMIT, _AFTER_COMMIT],
    ids=["before the commit", "after the commit, before the answer"],
)
async def test_dies_in_the_middle_of_a_submission(live: Live, servants: Servants, failpoint: str) -> None:
    drafts = await live.drafts(12)
    armed = servants.arm("intake-api", f"{failpoint}:kill:4")
    await eventually(lambda: live.sessions["rhf-1"].status("intake", "/v1/me"), 30)
    for draft in drafts[:3]:
        await live.submit(draft)

    async def bring_back() -> tuple[int, int]:
        await eventually(armed.fired, 60)
        at_death = _acknowledged(drafts), _committed_unanswered(live, drafts)
        servants.start("intake-api")
        return at_death

    coming_back = asyncio.create_task(bring_back())
    await asyncio.gather(*(live.submit(draft) for draft in drafts[3:]))
    acknowledged, unanswered = await coming_back
    assert 0 < acknowledged < len(drafts), "it did not die in the middle"
    assert unanswered > 0 or failpoint == _BEFORE_COMMIT, "no answer was lost"
    assert any(draft.failures for draft in drafts), "nobody noticed that it died"
    await oracle.judge(live, drafts)


def _acknowledged(drafts: Sequence[Draft]) -> int:
    return sum(draft.receipt is not None for draft in drafts)


def _committed_unanswered(live: Live, drafts: Sequence[Draft]) -> int:
    """Submissions that lie there, and whose senders do not know it."""
    ids = [draft.id for draft in drafts if draft.receipt is None]
    rows = oracle.inspect(
        live.settings,
        "select count(*) from intake.submission where application_id = any(%s::uuid[])",
        ids,
    )
    return int(rows[0][0])


async def test_dies_again_and_again_under_load(live: Live, servants: Servants, seed: int) -> None:
    chance = random.Random(seed)
    drafts = await live.drafts(45)
    sending = asyncio.Semaphore(6)

    async def send(number: int) -> None:
        async with sending:
            await live.submit(drafts[number], patience=120)

    async def kill_now_and_then() -> int:
        killed = 0
        while killed < 3:
            if _acknowledged(drafts) == len(drafts):
                break
            await eventually(lambda: servants.pid("intake-api"), 30)
            target = min(_acknowledged(drafts) + chance.randrange(1, 4), len(drafts))
            await eventually(lambda t=target: _acknowledged(drafts) >= t, 60)  # type: ignore[misc]
            killed += servants.kill("intake-api")
        return killed

    killing = asyncio.create_task(kill_now_and_then())
    await asyncio.gather(*(send(number) for number in range(len(drafts))))
    assert await killing == 3
    assert any(draft.failures for draft in drafts)
    await oracle.judge(live, drafts)
