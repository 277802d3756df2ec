"""End-to-end tests: every service running on the test stack, spans collected by the test itself."""

from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.stack.settings import Settings
from tests.support.collector import Collector
from tests.support.live import Live


@pytest.fixture(scope="session")
def collector(stack: Settings) -> Iterator[Collector]:
    """Where the services of the test stack send their spans."""
    made = Collector(int(stack["OTEL_EXPORTER_OTLP_ENDPOINT"].rpartition(":")[2]))
    yield made
    made.close()


@pytest.fixture
async def live(services: Settings) -> AsyncIterator[Live]:
    """The services and their users, with an open call of this test's own."""
    made = Live(services)
    await made.sign_in()
    await made.publish_call()
    yield made
    await made.close()
