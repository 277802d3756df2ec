"""One case's world: review's own API and consumers on a fresh database."""

import uuid
from collections.abc import Awaitable, Callable

import pytest

from services.common.db import Connection, Database
from services.intake.events import ContactChanged
from tests.service.review.case_play import CasePlay
from tests.service.review.panel_play import PanelPlay
from tests.support.api import Api
from tests.support.tokens import Person


@pytest.fixture
async def play(
    open_database: Callable[[str], Awaitable[Database]],
    api: Callable[[str], Awaitable[Api]],
    as_role: Callable[..., Awaitable[Connection]],
    person: Callable[..., Person],
) -> CasePlay:
    made = CasePlay(await open_database("review"), await api("review"), person("rhf_adviser"))
    made.owner = await as_role("review", "owner")
    return made


@pytest.fixture
def known(play: CasePlay, person: Callable[..., Person]) -> Callable[..., Awaitable[Person]]:
    """`await known("hf_adviser", organisation="STOLAV")`: somebody whom the directory has published."""

    async def make(*roles: str, organisation: str | None = None, deputy: uuid.UUID | None = None) -> Person:
        made = person(*roles, organisation=organisation)
        fact = ContactChanged(
            person_id=made.id,
            kind="person",
            name="Somebody",
            email="somebody@example.test",
            language="nb",
            organisation=organisation,
            roles=list(roles),
            deputy_id=deputy,
        )
        await play.deliver(fact, str(made.id))
        return made

    return make


@pytest.fixture
async def panel(
    api: Callable[[str], Awaitable[Api]],
    open_database: Callable[[str], Awaitable[Database]],
    person: Callable[..., Person],
) -> PanelPlay:
    """A published call, whose panels' rounds are to be played."""
    made = PanelPlay(await open_database("review"), await api("review"), person("rhf_adviser"))
    await made.publish()
    return made


@pytest.fixture
def members(person: Callable[..., Person]) -> list[Person]:
    """Chair, two members and a user representative."""
    return [person() for _ in range(4)]


@pytest.fixture
def adviser(person: Callable[..., Person]) -> Person:
    return person("hf_adviser", organisation="STOLAV")


@pytest.fixture
def consultant(person: Callable[..., Person]) -> Person:
    return person("consultant", organisation="HP")
