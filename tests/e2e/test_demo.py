"""The demo on the test stack: the whole cast, to its stated endings."""

import json
import subprocess
from typing import Any

import pytest

from deploy.demo.cast import Role, load
from deploy.stack.settings import Settings
from tests.support.collector import Collector
from tests.support.processes import python

pytestmark = pytest.mark.timeout(600)

CAST = load()


@pytest.fixture(scope="module")
def summary(services: Settings, collector: Collector) -> dict[str, Any]:
    """`summary.json` of one run. The run itself fails if an ending or doctor is not as it must be."""
    run = subprocess.run(
        python("deploy.demo", "--profile", "test"), capture_output=True, text=True, timeout=400, check=False
    )
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
    assert waited["them"] > 10
    assert waited["unit"] == "seconds"
