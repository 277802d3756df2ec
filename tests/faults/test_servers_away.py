"""F4, F5: the broker dead or frozen, Temporal dead, all of them: people still act, and the rest catches up.

A server is brought back only when its absence has been felt by what waits for it.
"""

import asyncio
from collections.abc import Sequence

import pytest

from tests.faults.processes import Servants
from tests.support import eventually, oracle
from tests.support.live import Draft, Live

pytestmark = pytest.mark.timeout(600)

_STARTER = "workflows-starter"
_SERVERS = ("kafka", "temporal", "clamd", "maildev")


@pytest.mark.parametrize("fault", ["dead", "frozen"])
async def test_applicants_submit_while_the_broker_is_away(live: Live, servants: Servants, fault: str) -> None:
    drafts = await live.drafts(6)
    if fault == "dead":
        servants.take_away("kafka")
    else:
        servants.freeze("kafka")
    await _all_submit_undisturbed(live, drafts)
    await eventually(lambda: _the_relay_has_tried(live, drafts), 40, pause=0.3)
    await servants.all_back()
    await oracle.judge(live, drafts)


async def test_applicants_submit_while_temporal_is_dead(live: Live, servants: Servants) -> None:
    drafts = await live.drafts(6)
    servants.take_away("temporal")
    said_before = len(servants.said(_STARTER))
    await _all_submit_undisturbed(live, drafts)
    await eventually(lambda: "event waits" in servants.said(_STARTER)[said_before:], 40, pause=0.3)
    assert _runs(live, drafts) == 0
    await servants.all_back()
    await oracle.judge(live, drafts)


async def test_with_everything_away_but_the_database_people_still_submit_and_act(
    live: Live, servants: Servants
) -> None:
    drafts = await live.drafts(4)
    waiting = drafts.pop()
    await live.submit(waiting)
    case = f"/v1/cases/{waiting.id}"
    adviser = live.sessions[f"hf-{(waiting.session.person.org or 'HNT').lower()}"]
    await eventually(lambda: _asked(live, waiting), 60, pause=0.2)
    # What the sink has taken and not written down would die with it.
    await eventually(lambda: oracle.settled(live.settings, [waiting]), 60, pause=0.3)
    await oracle.one_receipt_each(live.settings, [waiting.id])
    for server in _SERVERS:
        servants.take_away(server)
    await _all_submit_undisturbed(live, drafts)
    verdict = {"version": 1, "outcome": "recommended", "reason": "Godt forankret."}
    await adviser.post("review", f"{case}/prescreening", verdict)
    assert not _asked(live, waiting), "the task is done as soon as it is acted on"
    await servants.all_back()
    await oracle.judge(live, [waiting, *drafts])


def _asked(live: Live, draft: Draft) -> bool:
    rows = oracle.inspect(
        live.settings,
        "select 1 from review.task where application_id = %s and kind = 'prescreen' and closed_at is null",
        draft.id,
    )
    return bool(rows)


async def _all_submit_undisturbed(live: Live, drafts: Sequence[Draft]) -> None:
    receipts = await asyncio.gather(*(live.submit(draft) for draft in drafts))
    assert len({receipt["case_number"] for receipt in receipts}) == len(drafts)
    assert not any(draft.failures for draft in drafts), "the server's absence was felt by an applicant"


def _the_relay_has_tried(live: Live, drafts: Sequence[Draft]) -> bool:
    """Every submission lies there, and the relay has waited in vain for an answer to one at least."""
    [(unsent, tries)] = oracle.inspect(
        live.settings,
        """select count(distinct key), sum(attempts) from intake.outbox
           where published_at is null and key = any(%s)""",
        [draft.id for draft in drafts],
    )
    return bool(unsent == len(drafts) and tries > 0)


def _runs(live: Live, drafts: Sequence[Draft]) -> int:
    ids = [f"application:{draft.id}" for draft in drafts]
    rows = oracle.inspect(
        live.settings, "select count(*) from workflows.run where workflow_id = any(%s)", ids
    )
    return int(rows[0][0])
