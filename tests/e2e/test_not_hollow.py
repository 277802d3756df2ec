"""What a workflow orders does not happen by itself: without its worker no task opens and no stage moves."""

from pathlib import Path

import pytest

from tests.faults.processes import Servants
from tests.support import eventually, oracle
from tests.support.live import Draft, Live

pytestmark = pytest.mark.timeout(240)

_RECEIPT = "notify.message where template = 'receipt' and status = 'sent' and"


async def test_without_the_workflow_worker_nothing_moves_and_with_it_the_case_goes_on(
    live: Live, tmp_path: Path
) -> None:
    servants = Servants(live.settings, tmp_path)
    servants.stop("workflows-worker")
    try:
        [draft, later] = await live.drafts(2)
        await live.submit(draft)
        await eventually(
            lambda: _count(live, draft, "notify.message where template = 'receipt' and status = 'sent' and"),
            60,
        )
        status = await draft.session.get("intake", f"/v1/applications/{draft.id}/status")
        assert status["timeline"], "the applicant sees that it was received"
        # Everything a service does by itself has been done once a later submission has gone the same way.
        await live.submit(later)
        await eventually(lambda: _count(live, later, "review.inbox where key ="), 60)
        await eventually(
            lambda: _count(live, later, "notify.message where template = 'receipt' and status = 'sent' and"),
            60,
        )
        assert _count(live, draft, "review.task where") == 0
        assert _count(live, draft, "intake.formal_check where") == 0
        again = await draft.session.get("intake", f"/v1/applications/{draft.id}/status")
        assert (again["stage"], again["owner"]) == (status["stage"], status["owner"])
    finally:
        servants.start("workflows-worker")
    await eventually(
        lambda: _count(live, draft, "review.task where kind = 'prescreen' and") == 1, 90, pause=0.2
    )
    await eventually(lambda: _count(live, draft, "intake.formal_check where") == 1, 60, pause=0.2)
    await eventually(lambda: _moved(live, draft, status["stage"]), 60, pause=0.3)


def _count(live: Live, draft: Draft, rows: str) -> int:
    column = " %s" if rows.endswith("key =") else " application_id = %s"
    found: int = oracle.inspect(live.settings, f"select count(*) from {rows}{column}", draft.id)[0][0]  # type: ignore[arg-type]
    return found


async def _moved(live: Live, draft: Draft, before: str) -> bool:
    status = await draft.session.get("intake", f"/v1/applications/{draft.id}/status")
    return bool(status["stage"] != before)
