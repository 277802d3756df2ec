"""Requests with an Idempotency-Key: done once, answered alike however often they are sent."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from fastapi import Request, Response
from pydantic import BaseModel

from services.common.auth import Caller
from services.common.db import Connection, Database
from services.common.errors import BadRequest, Refused
from services.common.failpoints import failpoint

_KEY = re.compile(r"[\x21-\x7e]{1,200}")

Answer = TypeVar("Answer", bound=BaseModel)


class IdempotencyKeyMissing(BadRequest):
    """An Idempotency-Key header is required."""


class RequestInProgress(Refused):
    """The same request is being worked on; ask again in a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.headers = {"Retry-After": "1"}


class IdempotencyKeyReused(Refused):
    """This Idempotency-Key was used for another request."""

    status = 422


async def once(
    request: Request,
    caller: Caller,
    database: Database,
    run: Callable[[Connection], Awaitable[Answer]],
    *,
    status: int = 201,
    headers: Mapping[str, str] | Callable[[Answer], Mapping[str, str]] | None = None,
) -> Response:
    """Run the command in one transaction with the note of its answer, unless it was done before.

    The same person, route and key again: the first answer, with `Idempotent-Replay: true`. Another body:
    422. Still in progress: 409 with Retry-After. No key: 400. A refusal is not remembered: it may be mended.
    """
    key = request.headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyMissing(
            "send an Idempotency-Key of 1 to 200 visible characters, such as a new UUID"
        )
    route = f"{request.method} {getattr(request.scope.get('route'), 'path', request.url.path)}"
    fingerprint = _fingerprint(request.url.path, await request.body())
    async with database.transaction() as conn:
        found = await conn.fetchrow("select * from begin_once($1, $2, $3)", caller.person_id, route, key)
        if not found["free"]:
            raise RequestInProgress
        if found["fingerprint"] is not None:
            if found["fingerprint"] != fingerprint:
                raise IdempotencyKeyReused("use a new key for a new request")
            kept = {**found["headers"], "Idempotent-Replay": "true"}
            return _response(found["response"], found["status"], kept)
        answer = await run(conn)
        text = answer.model_dump_json(by_alias=True)
        given = dict(headers(answer) if callable(headers) else headers or {})
        await conn.execute(
            """insert into idempotency (person_id, route, key, fingerprint, status, headers, response)
               values ($1, $2, $3, $4, $5, $6, $7)""",
            caller.person_id,
            route,
            key,
            fingerprint,
            status,
            given,
            text,
        )
    failpoint("once.after_commit")
    return _response(text, status, given)


def _fingerprint(path: str, body: bytes) -> str:
    """The same for bodies that are equal as JSON; the path is in it since a key is kept per route."""
    try:
        meaning = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        meaning = body
    return hashlib.sha256(path.encode() + b"\n" + meaning).hexdigest()


def _response(text: str, status: int, headers: Mapping[str, str]) -> Response:
    return Response(text, status_code=status, media_type="application/json", headers=dict(headers))
