"""A world of its own for each workflow test: a server that skips time, and every activity answered.

The server's clock is one for all that runs in it, and stands still while anything is under way, so a test
that ends in the middle would hold up the next one.
"""

from collections.abc import AsyncIterator

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from deploy.stack.install.parts import part
from tests.workflow.world import World

_SEARCH_ATTRIBUTES = {
    "ApplicationId": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "CallId": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Stage": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Organisation": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "DueAt": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "EscalationLevel": IndexedValueType.INDEXED_VALUE_TYPE_INT,
}


async def start_server() -> WorkflowEnvironment:
    """The time-skipping server, from the stack's cache of downloaded parts."""
    program = part("temporal-test-server") / "temporal-test-server"
    assert program.is_file(), f"{program} is missing: `make test` installs it"
    server = await _started(str(program))
    await server.client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=server.client.namespace, search_attributes=_SEARCH_ATTRIBUTES)
    )
    return server


async def _started(program: str) -> WorkflowEnvironment:
    """The SDK gives a server five seconds to come up, which a machine under load may exceed."""
    for _ in range(20):
        try:
            return await WorkflowEnvironment.start_time_skipping(
                test_server_existing_path=program, data_converter=pydantic_data_converter
            )
        except RuntimeError as error:
            late = error
    raise late


@pytest.fixture
async def world() -> AsyncIterator[World]:
    server = await start_server()
    try:
        async with World.opened(server) as opened:
            yield opened
    finally:
        await server.shutdown()
