"""Funding's API, consumer and activities on a database of the test's own."""

from collections.abc import Awaitable, Callable

import pytest

from services.common.db import Database
from tests.service.funding.play import Play
from tests.support.api import Api
from tests.support.tokens import Person


@pytest.fixture
async def play(
    api: Callable[[str], Awaitable[Api]],
    open_database: Callable[[str], Awaitable[Database]],
    person: Callable[..., Person],
) -> Play:
    return Play(await api("funding"), await open_database("funding"), person, "call-a")


@pytest.fixture
async def other_play(
    play: Play,
    person: Callable[..., Person],
) -> Play:
    """A second call in the same database, seen through the same API."""
    return Play(play.api, play.database, person, "call-b")
