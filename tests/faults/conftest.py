"""Fault tests: real processes of the whole stack, killed at a named place or at any, under load.

Each asserts that its fault really hit requests that were under way, and ends with the oracle; chance has a
printed seed.
"""

import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.stack.settings import Settings
from tests.faults.processes import Servants
from tests.support.live import Live


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/faults" in str(item.path) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))


SEED = int(os.environ.get("FAULT_SEED") or random.randrange(2**32))


def pytest_sessionstart(session: pytest.Session) -> None:
    """At the top of every run, and also of a quiet one, which has no header."""
    if reporter := session.config.pluginmanager.get_plugin("terminalreporter"):
        reporter.write_line(f"FAULT_SEED={SEED}")


@pytest.fixture
def seed() -> int:
    """FAULT_SEED repeats a run; a test that fails shows the line again."""
    print(f"FAULT_SEED={SEED}")
    return SEED


@pytest.fixture
def servants(services: Settings, tmp_path: Path) -> Iterator[Servants]:
    """The processes of the stack, all running again when the test is over."""
    made = Servants(services, tmp_path)
    yield made
    made.mend()


@pytest.fixture
async def live(services: Settings, servants: Servants) -> AsyncIterator[Live]:
    """The services and their users, with an open call of this test's own."""
    made = Live(services)
    await made.sign_in()
    await made.publish_call()
    yield made
    await made.close()
