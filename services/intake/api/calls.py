"""Calls: publish, read, move the deadline."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.common.db import Connection
from services.common.errors import NotFound
from services.common.http import Body, DatabaseDep, encode_cursor
from services.common.idempotency import once
from services.intake.api.caller import Guarded, KnownCaller
from services.intake.api.cursors import instant_and_text
from services.intake.commands import calls as commands
from services.intake.events.call_definition import CallDefinition
from services.intake.events.call_fields import Moment
from services.intake.store import calls as store
from services.intake.store.calls import Call

router = APIRouter(prefix="/v1/calls", tags=["calls"], dependencies=Guarded)


class CallView(BaseModel):
    """A published call: its rules as data, and the instants that hold now."""

    id: str
    opens_at: datetime
    deadline: datetime
    closes_at: datetime
    straggler_at: datetime
    draft_warnings: list[datetime]
    published_at: datetime
    closed_at: datetime | None
    definition: CallDefinition

    @classmethod
    def of(cls, call: Call) -> "CallView":
        return cls(
            id=call.id,
            opens_at=call.opens_at,
            deadline=call.deadline,
            closes_at=call.closes_at,
            straggler_at=call.straggler_at,
            draft_warnings=call.draft_warnings,
            published_at=call.published_at,
            closed_at=call.closed_at,
            definition=call.definition,
        )


class CallLine(BaseModel):
    id: str
    title: dict[str, str]
    opens_at: datetime
    deadline: datetime
    closed_at: datetime | None


class Calls(BaseModel):
    items: list[CallLine]
    next: str | None


class NewDeadline(Body):
    deadline: Moment
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


@router.post("", status_code=201, response_model=CallView)
async def publish_call(
    body: CallDefinition, request: Request, caller: KnownCaller, database: DatabaseDep
) -> Response:
    """Publish a call. Every mistake in it is named by field, value and remedy, and nothing is published."""

    async def run(conn: Connection) -> CallView:
        return CallView.of(await commands.publish_call(conn, caller, body))

    return await once(request, caller, database, run)


@router.get("")
async def list_calls(
    _caller: KnownCaller,
    database: DatabaseDep,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Calls:
    """Every call, newest first."""
    after = instant_and_text(cursor) if cursor else None
    async with database.read() as conn:
        found = await store.page(conn, after, limit)
    items = [
        CallLine(
            id=call.id,
            title=call.definition.title.model_dump(),
            opens_at=call.opens_at,
            deadline=call.deadline,
            closed_at=call.closed_at,
        )
        for call in found
    ]
    following = encode_cursor(found[-1].published_at, found[-1].id) if len(found) == limit else None
    return Calls(items=items, next=following)


@router.get("/{call_id}")
async def get_call(call_id: str, _caller: KnownCaller, database: DatabaseDep) -> CallView:
    """One call with all its rules, forms and texts."""
    async with database.read() as conn:
        call = await store.get(conn, call_id)
    if call is None:
        raise NotFound()
    return CallView.of(call)


@router.post("/{call_id}/deadline", status_code=201, response_model=CallView)
async def move_deadline(
    call_id: str, body: NewDeadline, request: Request, caller: KnownCaller, database: DatabaseDep
) -> Response:
    """Move the deadline for everyone at once."""

    async def run(conn: Connection) -> CallView:
        return CallView.of(await commands.move_deadline(conn, caller, call_id, body.deadline, body.reason))

    return await once(request, caller, database, run)
