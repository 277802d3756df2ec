"""The frame of every API: problems, arrival, limits, health, and what routes need as dependencies."""

import base64
import binascii
import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel, ConfigDict, JsonValue, field_validator

from services.common import problems
from services.common.auth import Authenticator
from services.common.db import Connection, Database
from services.common.errors import (
    BadRequest,
    FieldError,
    Invalid,
    PreconditionRequired,
    Unavailable,
    UnsupportedMediaType,
)
from services.common.limits import Limiter
from services.common.middleware import Arrival, Outermost
from services.common.settings import Settings
from services.common.storage import Storage

__all__ = [
    "Arrival",
    "ArrivedDep",
    "Body",
    "DatabaseDep",
    "IfMatchDep",
    "MergePatchDep",
    "StorageDep",
    "arrived_at",
    "create_app",
    "decode_cursor",
    "encode_cursor",
    "etag",
    "merge_patch",
]


def create_app(
    service: str,
    title: str,
    routers: Sequence[APIRouter],
    *,
    settings: Settings,
    database: Database,
    authenticator: Authenticator,
    storage: Storage | None = None,
) -> FastAPI:
    """The API of one service. The database is closed when the application stops."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await database.close()

    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        responses=problems.RESPONSES,
        redoc_url=None,
        telemetry={"tracing": False, "logs": False, "metrics": False},
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = settings
    app.state.database = database
    app.state.authenticator = authenticator
    app.state.storage = storage
    app.state.limiter = Limiter(settings.rate_burst, settings.rate_per_second)
    problems.install(app)
    for router in routers:
        app.include_router(router)
    app.include_router(_health(service))
    app.add_middleware(Outermost, max_body_bytes=settings.max_body_bytes)
    # The last one added wraps the others: a browser may read every problem, also those of the last resort.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "If-Match",
            "Idempotency-Key",
            "X-Call-Id",
            "traceparent",
        ],
        expose_headers=["ETag", "Location", "Retry-After", "X-Call-Id"],
        max_age=600,
    )
    return app


def _health(service: str) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"service": service, "status": "alive"}

    @router.get("/readyz")
    async def readyz(database: DatabaseDep) -> dict[str, JsonValue]:
        """Ready to take requests; says too when the consumer has stopped or an event waits long."""
        async with database.read() as conn:
            halted = await conn.fetchval("select reason from halted limit 1")
            parked = await conn.fetchval("select count(*) from parked where resolved_at is null")
            age = await conn.fetchval(
                """select extract(epoch from clock_timestamp() - min(created_at))
                   from outbox where published_at is null"""
            )
        return {
            "service": service,
            "status": "ready" if halted is None else "degraded",
            "consumer": halted or "running",
            "parked": parked,
            "oldest_unsent_seconds": round(float(age), 3) if age is not None else 0,
        }

    return router


def _database(request: Request) -> Database:
    return cast(Database, request.app.state.database)


def _storage(request: Request) -> Storage:
    if request.app.state.storage is None:
        raise Unavailable("no object store is configured for this service")
    return cast(Storage, request.app.state.storage)


def _arrival(request: Request) -> Arrival:
    return cast(Arrival, request.state.arrival)


DatabaseDep = Annotated[Database, Depends(_database)]
StorageDep = Annotated[Storage, Depends(_storage)]
ArrivedDep = Annotated[Arrival, Depends(_arrival)]


async def arrived_at(conn: Connection, arrival: Arrival) -> datetime:
    """The instant at which the request reached us: the database's clock less the time since its headers."""
    elapsed = timedelta(seconds=time.monotonic() - arrival.monotonic)
    return cast(datetime, await conn.fetchval("select clock_timestamp() - $1::interval", elapsed))


class Body(BaseModel):
    """Base of every request body: unknown fields are refused, texts are stripped and can be stored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _can_be_stored(cls, value: object) -> object:
        if next(_unstorable(value, ""), None) is not None:
            raise ValueError(_UNSTORABLE)
        return value


_UNSTORABLE = "leave out NUL and half characters, which cannot be stored"


def _unstorable(value: object, path: str) -> Iterator[str]:
    """Where in this JSON a text stands that Postgres cannot hold: with a NUL, or half of a surrogate pair."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            yield path
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _unstorable(name, path)
            yield from _unstorable(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _unstorable(inner, f"{path}.{number}")


def etag(version: int) -> str:
    """The ETag header of this version of an object."""
    return f'"{version}"'


def _if_match(request: Request) -> int:
    given = request.headers.get("if-match")
    if given is None:
        raise PreconditionRequired
    found = re.fullmatch(r'"(\d{1,9})"', given.strip())
    if found is None:
        raise BadRequest(
            "If-Match must be the ETag of the version you read",
            errors=[FieldError("If-Match", given[:50], 'send the ETag as it came, such as "3"')],
        )
    return int(found[1])


IfMatchDep = Annotated[int, Depends(_if_match)]


async def _merge_patch_body(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/merge-patch+json":
        raise UnsupportedMediaType("send the change as application/merge-patch+json")
    try:
        patch = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not valid JSON") from error
    if not isinstance(patch, dict):
        raise Invalid(
            "body", errors=[FieldError("body", None, "send a JSON object with the fields to change")]
        )
    wrong = [FieldError(path, None, _UNSTORABLE) for path in _unstorable(patch, "")]
    if wrong:
        raise Invalid("; ".join(error.field for error in wrong), errors=wrong)
    return patch


MergePatchDep = Annotated[dict[str, Any], Depends(_merge_patch_body)]
"""The body of a PATCH: a JSON Merge Patch (RFC 7396), 415 for another content type."""


def merge_patch(target: JsonValue, patch: JsonValue) -> JsonValue:
    """RFC 7396: members of the patch replace those of the target, null removes them."""
    if not isinstance(patch, Mapping):
        return patch
    merged: dict[str, JsonValue] = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def encode_cursor(*values: JsonValue | datetime) -> str:
    """The sort values of a page's last row as an opaque cursor; instants keep their microseconds."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(text: str, length: int | None = None) -> list[Any]:
    """The values given to `encode_cursor`. Invalid when it is not one of ours, or has another length."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        values = None
    if (
        not isinstance(values, list)
        or (length is not None and len(values) != length)
        or any(_unstorable(values, ""))
    ):
        raise Invalid(
            "cursor", errors=[FieldError("cursor", text[:100], "use `next` of the page before, unchanged")]
        )
    return values
