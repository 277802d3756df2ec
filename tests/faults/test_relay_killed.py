"""F3: the relay dies on either side of the broker's acknowledgement; a fact that comes twice counts once."""

import asyncio

import pytest

from tests.faults.processes import Servants
from tests.support import eventually, oracle
from tests.support.live import Live


@pytest.mark.parametrize("failpoint", ["relay.before_send:kill:3", "relay.after_ack:kill:3"])
async def test_dies_around_the_acknowledgement(live: Live, servants: Servants, failpoint: str) -> None:
    drafts = await live.drafts(6)
    armed = servants.arm("intake-worker", failpoint)
    await asyncio.gather(*(live.submit(draft) for draft in drafts))
    await eventually(armed.fired, 60)
    servants.start("intake-worker")
    await oracle.judge(live, drafts)


@pytest.mark.parametrize("failpoint", ["consumer.before_commit:kill:3", "consumer.after_commit:kill:3"])
@pytest.mark.parametrize("worker", ["review-worker", "workflows-starter"])
async def test_a_consumer_dies_around_its_commit(
    live: Live, servants: Servants, worker: str, failpoint: str
) -> None:
    drafts = await live.drafts(4)
    armed = servants.arm(worker, failpoint)
    await asyncio.gather(*(live.submit(draft) for draft in drafts))
    await eventually(armed.fired, 60)
    servants.start(worker)
    await oracle.judge(live, drafts)
