"""The world of intake's service tests: a fresh database with one open call."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

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

    def with_address(*roles: str, **more: Any) -> Person:
        address = f"{uuid.uuid4().hex[:12]}@folk.test"
        return person(*roles, **({"name": "Prøve Person", "email": address} | more))

    adviser = with_address("rhf_adviser", organisation="HMN")
    made = World(intake, intake.database, settings, with_address, call, adviser)
    await made.publish(call)
    return made
