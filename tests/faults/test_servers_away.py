"""F4, F5: the broker dead or frozen, Temporal down: applicants still submit, and the rest catches up."""

import asyncio

import pytest

from tests.faults.processes import Servants
from tests.support import oracle
from tests.support.live import Live


@pytest.mark.parametrize("program", ["kafka", "temporal"])
async def test_applicants_submit_while_a_server_is_down(live: Live, servants: Servants, program: str) -> None:
    drafts = await live.drafts(6)
    servants.stop(program)
    receipts = await asyncio.gather(*(live.submit(draft) for draft in drafts))
    assert servants.pid(program) == 0
    assert len({receipt["case_number"] for receipt in receipts}) == len(drafts)
    assert not any(draft.failures for draft in drafts), "the server's absence was felt by an applicant"
    servants.start(program)
    await oracle.judge(live, drafts)


async def test_applicants_submit_while_the_broker_is_frozen(live: Live, servants: Servants) -> None:
    drafts = await live.drafts(6)
    servants.freeze("kafka")
    await asyncio.gather(*(live.submit(draft) for draft in drafts))
    assert not any(draft.failures for draft in drafts)
    servants.thaw()
    await oracle.judge(live, drafts)
