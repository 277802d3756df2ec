"""The servers the tests run against, and Innoflyt's own processes on them.

`make test` has the servers up before pytest begins; a test run by hand brings them up itself. A server that
cannot be started fails every test that needs it: nothing is skipped.
"""

from collections.abc import Iterator

import pytest

from deploy.stack import start, supervisor
from deploy.stack.install.everything import install
from deploy.stack.programs import service_programs
from deploy.stack.settings import Settings
from tests.support.environment import STACK


@pytest.fixture(scope="session")
def stack() -> Settings:
    """The servers of the test stack, all ready. They are left running: `make test` ends what it started."""
    install("test")
    start.up(STACK, with_services=False, say=lambda _: None)
    return STACK


@pytest.fixture(scope="session")
def services(stack: Settings) -> Iterator[Settings]:
    """Every service and workflow process on the test stack, as in `make up`; stopped at the end."""
    start.up(stack, with_services=True, say=lambda _: None)
    yield stack
    supervisor.stop_together(stack, [program.name for program in service_programs(stack)])
