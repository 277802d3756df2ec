"""A service's real application in this process, on a real database, spoken to as HTTP."""

import importlib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI

from services.common.auth import Authenticator
from services.common.db import Database
from services.common.http import create_app
from services.common.run import Service
from services.common.settings import Settings
from services.common.storage import Storage
from tests.support.tokens import Person


class Api:
    """Requests as a person (or as nobody). POSTs get a fresh Idempotency-Key unless `key` is given."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, database: Database) -> None:
        self.app = app
        self.client = client
        self.database = database

    async def get(self, person: Person | None, path: str, **more: Any) -> httpx.Response:
        return await self.request("GET", person, path, **more)

    async def delete(self, person: Person | None, path: str, **more: Any) -> httpx.Response:
        return await self.request("DELETE", person, path, **more)

    async def put(self, person: Person | None, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return await self.request("PUT", person, path, json=json, **more)

    async def patch(
        self, person: Person | None, path: str, patch: Any, version: int, **more: Any
    ) -> httpx.Response:
        """A JSON Merge Patch of this version of the object."""
        given = {"Content-Type": "application/merge-patch+json", **more.pop("headers", {})}
        return await self.request("PATCH", person, path, json=patch, version=version, headers=given, **more)

    async def post(
        self, person: Person | None, path: str, json: Any = None, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        given = {"Idempotency-Key": key or str(uuid.uuid4()), **more.pop("headers", {})}
        return await self.request(
            "POST", person, path, json={} if json is None else json, headers=given, **more
        )

    async def request(
        self,
        method: str,
        person: Person | None,
        path: str,
        *,
        version: int | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Any request; `version` becomes If-Match."""
        given = {**(person.headers if person else {}), **(headers or {})}
        if version is not None:
            given["If-Match"] = f'"{version}"'
        return await self.client.request(method, path, headers=given, **more)


@asynccontextmanager
async def serve(settings: Settings, service: str) -> AsyncIterator[Api]:
    """The API of this service as its `__main__` composes it."""
    found: Service = importlib.import_module(f"services.{service}.__main__").SERVICE
    async with serve_routers(settings, service, found.routers(), title=found.title) as api:
        yield api


@asynccontextmanager
async def serve_routers(
    settings: Settings, schema: str, routers: Sequence[APIRouter], *, title: str = "Test"
) -> AsyncIterator[Api]:
    """An API of these routers on this schema."""
    database = await Database.open(settings, schema, max_size=10)
    app = create_app(
        schema,
        title,
        routers,
        settings=settings,
        database=database,
        authenticator=Authenticator(settings),
        storage=Storage(settings),
    )
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://innoflyt.test"
        ) as client:
            yield Api(app, client, database)
    finally:
        await database.close()
