"""The world of intake's service tests: a fresh database with one open call."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from services.common.settings import Settings
from tests.service.intake.world import World, call_for_tests
from tests.support.api import Api
from tests.support.tokens import Person


@pytest.fixture
async def world(
    api: Callable[[str], Awaitable[Api]], person: Callable[..., Person], settings: Settings
) -> World:
    intake = await api("intake")
    call = call_for_tests(opened=timedelta(minutes=5), deadline=timedelta(hours=1))
    made = World(intake, intake.database, settings, person, call, person("rhf_adviser", organisation="HMN"))
    await made.publish(call)
    return made
