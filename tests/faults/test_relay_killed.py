"""F3: the relay dies on either side of the broker's acknowledgement; a fact that comes twice counts once."""

import asyncio
from collections.abc import Sequence

import pytest

from deploy.stack import deliveries
from tests.faults.processes import Servants
from tests.support import eventually, oracle
from tests.support.broker_reading import count_events
from tests.support.live import Draft, Live


@pytest.mark.parametrize("failpoint", ["relay.before_send", "relay.after_ack"])
async def test_dies_around_the_acknowledgement(live: Live, servants: Servants, failpoint: str) -> None:
    drafts = await live.drafts(6)
    armed = servants.arm("intake-worker", f"{failpoint}:kill:3")
    await asyncio.gather(*(live.submit(draft) for draft in drafts))
    await eventually(armed.fired, 60)
    unsent = _unsent(live, drafts)
    assert unsent, "it died when everything acknowledged had been sent"
    servants.start("intake-worker")
    await oracle.judge(live, drafts)
    copies = await count_events(live.settings, "intake.events")
    if failpoint == "relay.after_ack":
        assert max(copies[each] for each in unsent) == 2, "the broker had one that was not marked"


@pytest.mark.parametrize("failpoint", ["consumer.before_commit", "consumer.after_commit"])
@pytest.mark.parametrize("worker", ["review-worker", "workflows-starter"])
async def test_a_consumer_dies_around_its_commit(
    live: Live, servants: Servants, worker: str, failpoint: str
) -> None:
    drafts = await live.drafts(8)  # more than are under way at once
    armed = servants.arm(worker, f"{failpoint}:kill:3")
    await asyncio.gather(*(live.submit(draft) for draft in drafts))
    await eventually(armed.fired, 60)
    await eventually(lambda: not _unsent(live, drafts), 30)
    consumer = worker.partition("-")[0]
    missing = deliveries.missing(live.settings, patience=0)
    assert any(draft.id in line and line.endswith(consumer) for draft in drafts for line in missing), (
        "it died when everything acknowledged had arrived"
    )
    servants.start(worker)
    await oracle.judge(live, drafts)


def _unsent(live: Live, drafts: Sequence[Draft]) -> list[str]:
    """Ids of the events of these drafts that the relay has not marked as sent."""
    rows = oracle.inspect(
        live.settings,
        "select id::text from intake.outbox where published_at is null and key = any(%s)",
        [draft.id for draft in drafts],
    )
    return [each for (each,) in rows]
