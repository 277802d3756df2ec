"""Fixtures for every test. They are lazy: a unit test that asks for none touches no server."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import hypothesis
import pytest
import structlog

from services.common.db import Connection, Database, connect
from services.common.settings import SCHEMAS, Settings
from tests.support import postgres
from tests.support.api import Api, serve
from tests.support.spans import Spans
from tests.support.stack import services as services
from tests.support.stack import stack as stack
from tests.support.tokens import Person, TokenIssuer

_subjects = itertools.count(1)

# A first example may load a year of holidays: what is tested are properties, not times.
hypothesis.settings.register_profile("innoflyt", deadline=None)
hypothesis.settings.load_profile("innoflyt")

# In-process, log lines go to pytest; the renderer that structlog brings takes seconds per exception.
structlog.configure(
    processors=[structlog.stdlib.render_to_log_kwargs], logger_factory=structlog.stdlib.LoggerFactory()
)


@pytest.fixture(scope="session")
def issuer() -> Iterator[TokenIssuer]:
    """An issuer of the tests' own; the only one that `settings` accepts."""
    made = TokenIssuer()
    yield made
    made.close()


@pytest.fixture
def migrated(request: pytest.FixtureRequest) -> frozenset[str]:
    """The schemas whose service tables this test needs: of the service it lies under, or all of them.

    Tests of the kernel need none, and so do not depend on the tables of any service.
    """
    if "kernel" in request.path.name or request.path.parent.name == "messaging":
        return frozenset()
    return frozenset(SCHEMAS) & set(request.path.parts) or frozenset(SCHEMAS)


@pytest.fixture
def brand_new() -> bool:
    """Whether the database must never have been used by another test; see `fresh_database`."""
    return False


@pytest.fixture
def settings(migrated: frozenset[str], brand_new: bool, issuer: TokenIssuer) -> Iterator[Settings]:
    """Settings of the test stack with a fresh, migrated database of this test's own."""
    with postgres.fresh_database(postgres.template(migrated), brand_new=brand_new) as fresh:
        yield fresh.model_copy(update={"oidc_issuers": (issuer.settings(),), "rate_burst": 100_000})


@pytest.fixture
async def open_database(settings: Settings) -> AsyncIterator[Callable[[str], Awaitable[Database]]]:
    """`await open_database("intake")`: the pool of a schema as its app role, closed afterwards."""
    async with AsyncExitStack() as stack:

        async def open_one(schema: str) -> Database:
            database = await Database.open(settings, schema, max_size=20)
            stack.push_async_callback(database.close)
            return database

        yield open_one


@pytest.fixture
async def as_role(settings: Settings) -> AsyncIterator[Callable[..., Awaitable[Connection]]]:
    """`await as_role("intake", "owner" | "app" | "inspector")`: one connection in that role."""
    async with AsyncExitStack() as stack:

        async def open_one(schema: str, role: Any = "owner") -> Connection:
            conn = await connect(settings, schema, role, purpose="test")
            stack.push_async_callback(conn.close)
            return conn

        yield open_one


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Callable[[str], Awaitable[Api]]]:
    """`intake = await api("intake")`: the real application of a service on this test's database."""
    async with AsyncExitStack() as stack:

        async def open_one(service: str) -> Api:
            return await stack.enter_async_context(serve(settings, service))

        yield open_one


@pytest.fixture
def person(issuer: TokenIssuer) -> Callable[..., Person]:
    """`person("hf_adviser", organisation="STOLAV")`: somebody new with these token roles."""

    def make(*roles: str, organisation: str | None = None, subject: str | None = None, **more: Any) -> Person:
        return Person(issuer, subject or f"person-{next(_subjects)}", roles, organisation, **more)

    return make


@pytest.fixture
def spans() -> Spans:
    """The spans that end in this process during the test."""
    return Spans()
