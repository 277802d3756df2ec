"""The demo on the test stack: the whole cast, to its stated endings."""

import json
import subprocess
from typing import Any

import pytest

from deploy.demo.cast import Role, load
from deploy.demo.client import Session, Web
from deploy.stack.settings import Settings
from tests.e2e.walk import assert_hidden, case_of, routes_that_show
from tests.support.collector import Collector
from tests.support.processes import python

pytestmark = pytest.mark.timeout(800)

CAST = load()
_PATIENCE = 30
"""seconds that the demo grants a slow machine"""
MEMBER = "product-3"
"""has the conflict on A14"""
OTHERS = ("rhf-1", "hf-stolav", "auditor", "product-2", "holder-a14")
"""who read of the case; the holder for certain also in mails, while an adviser's is withheld if the task is
done before it goes out"""
SHOWN = {
    "funding /v1/cases/{application_id}/decisions",
    "funding /v1/decision-rounds/{round_id}",
    "funding /v1/grants/{application_id}",
    "funding /v1/portfolio",
    "funding /v1/recipients",
    "intake /v1/applications",
    "intake /v1/applications/{application_id}",
    "intake /v1/applications/{application_id}/attachments/{attachment_id}/download",
    "intake /v1/applications/{application_id}/receipt",
    "intake /v1/applications/{application_id}/status",
    "notify /v1/cases/{application_id}/messages",
    "notify /v1/messages",
    "notify /v1/messages/{message_id}",
    "review /v1/cases/{application_id}",
    "review /v1/rounds/{round_id}/assessments",
    "review /v1/rounds/{round_id}/cases",
    "review /v1/rounds/{round_id}/ranking",
    "review /v1/tasks/{task_id}",
}
"""where others read of it when the letter and the report have come"""


@pytest.fixture(scope="module")
def summary(services: Settings, collector: Collector) -> dict[str, Any]:
    """`summary.json` of one run. The run itself fails if an ending or doctor is not as it must be."""
    command = python("deploy.demo", "--profile", "test", "--patience", str(_PATIENCE))
    run = subprocess.run(command, capture_output=True, text=True, timeout=400 + 2 * _PATIENCE, check=False)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    found: dict[str, Any] = json.loads(
        (services.folder / "demo" / "summary.json").read_text(encoding="utf-8")
    )
    return found


@pytest.mark.parametrize("role", CAST.applications.values(), ids=lambda role: role.ref)
def test_each_application_ends_as_the_cast_says(summary: dict[str, Any], role: Role) -> None:
    [found] = [each for each in summary["applications"] if each["ref"] == role.ref]
    assert found["outcomes"] == list(role.outcomes)
    assert set(role.seen) <= set(found["seen"])
    assert (found["organisation"], found["category"], found["amount"]) == (
        role.organisation,
        role.category,
        role.amount,
    )
    assert found["mails"] > 0
    assert found["workflow_ids"][0] == f"application:{found['id']}"


async def test_decided_or_not_the_case_does_not_exist_for_the_member_with_the_conflict(
    services: Settings, summary: dict[str, Any]
) -> None:
    [application_id] = [each["id"] for each in summary["applications"] if each["ref"] == "A14"]
    web = Web(services)
    try:
        member, *others = (Session(web, CAST.people[each]) for each in (MEMBER, *OTHERS))
        call_id = (await others[0].get("intake", f"/v1/applications/{application_id}"))["call_id"]
        case = case_of(services, application_id, call_id, CAST.applications["A14"].category)
        shown = await routes_that_show(web, case, *others)
        assert shown >= SHOWN, f"others do not see it either on {sorted(SHOWN - shown)}"
        await assert_hidden(web, case, member)
    finally:
        await web.close()


def test_the_summary_has_the_promised_shape(summary: dict[str, Any]) -> None:
    counts = ("mails", "events", "tasks", "reminders", "escalations", "seconds")
    assert set(summary) == {"applications", "urls", *counts}
    assert all(summary[name] > 0 for name in counts)
    for each in summary["applications"]:
        assert set(each) == {
            *("ref", "id", "case_number", "organisation", "category", "amount", "outcomes", "seen", "waited"),
            *("mails", "workflow_ids"),
        }
        assert set(each["waited"]) == {"us", "them", "unit"}
    assert len({each["case_number"] for each in summary["applications"]}) == len(CAST.applications)


def test_a_pause_shows_on_both_sides_of_the_wait(summary: dict[str, Any]) -> None:
    [waited] = [each["waited"] for each in summary["applications"] if each["ref"] == "A13"]
    assert waited["us"] > 0
    assert waited["them"] > 5
    assert waited["unit"] == "seconds"
