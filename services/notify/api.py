"""HTTP: the log of everything sent."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from services.common.auth import CallerDep
from services.common.denials import denials_noted
from services.common.errors import FieldError, Invalid, NotFound
from services.common.http import DatabaseDep, decode_cursor, encode_cursor
from services.notify import policy
from services.notify.store import log

router = APIRouter(prefix="/v1", tags=["messages"], dependencies=[Depends(denials_noted)])

_PAGE = 100


class MessageLine(BaseModel):
    """One message of the log. `status`: unaddressed, queued, sending, sent, failed or withheld (then with
    `reason`).

    `step` and `level` are set for reminders and escalations. `message_id` is the mail's Message-ID.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "5a0c6c1e-6a7a-4f0a-9a36-0c8b8d9d3f10",
                "message_id": "<5a0c6c1e-6a7a-4f0a-9a36-0c8b8d9d3f10@helse-midt.test>",
                "template": "task-reminded",
                "event_type": "no.innoflyt.review.task-reminded.v1",
                "task_kind": "consult",
                "status": "sent",
                "address": "konsulent@hp.test",
            }
        }
    )

    id: UUID
    message_id: str
    event_id: UUID
    event_type: str
    template: str
    application_id: UUID | None
    call_id: str | None
    task_id: UUID | None
    task_kind: str | None
    step: int | None
    level: int | None
    person_id: UUID | None
    address: str | None
    language: str | None
    subject: str | None
    status: str
    reason: str | None
    attempts: int
    relay: str | None
    created_at: datetime
    ended_at: datetime | None


class MessagePage(BaseModel):
    """A page of the log, newest first; `next` is the cursor of the page after it."""

    items: list[MessageLine]
    next: str | None


class OwnMessage(BaseModel):
    """A message that the reader received about the own case."""

    id: UUID
    template: str
    subject: str | None
    status: str
    created_at: datetime
    ended_at: datetime | None


class OwnMessages(BaseModel):
    """Everything sent to the reader about one case, newest first."""

    items: list[OwnMessage]
    next: str | None


Cursor = Annotated[str | None, Query(max_length=400)]


@router.get("/messages")
async def list_messages(
    caller: CallerDep,
    database: DatabaseDep,
    application_id: UUID | None = None,
    kind: Annotated[str | None, Query(max_length=80)] = None,
    cursor: Cursor = None,
) -> MessagePage:
    """The log, for advisers, operators and auditors. `kind`: a template, or the kind of the task it is
    about."""
    policy.require_reader(caller)
    async with database.transaction() as conn:
        if application_id is not None:
            await policy.require_case(conn, caller, application_id)
        rows = await log.log_page(
            conn,
            reader=caller.person_id,
            application_id=application_id,
            kind=kind,
            person_id=None,
            before=_position(cursor),
            limit=_PAGE,
        )
    sender = database.settings.mail_from
    return MessagePage(items=[_line(row, sender) for row in rows], next=_next(rows))


@router.get("/messages/{message_id}")
async def get_message(caller: CallerDep, database: DatabaseDep, message_id: UUID) -> MessageLine:
    """One message of the log."""
    policy.require_reader(caller)
    async with database.transaction() as conn:
        row = await log.log_entry(conn, message_id)
        if row is None or not await policy.sees_message(conn, caller, row):
            raise NotFound
        if row["application_id"] is not None:
            await policy.note_read(conn, caller, row["application_id"])
    return _line(row, database.settings.mail_from)


@router.get("/cases/{application_id}/messages")
async def list_case_messages(
    caller: CallerDep, database: DatabaseDep, application_id: UUID, cursor: Cursor = None
) -> OwnMessages:
    """What was sent to the caller about this case."""
    async with database.transaction() as conn:
        await policy.require_case(conn, caller, application_id)
        rows = await log.log_page(
            conn,
            reader=caller.person_id,
            application_id=application_id,
            kind=None,
            person_id=caller.person_id,
            before=_position(cursor),
            limit=_PAGE,
        )
    items = [OwnMessage(**{name: row[name] for name in OwnMessage.model_fields}) for row in rows]
    return OwnMessages(items=items, next=_next(rows))


def _line(row: Any, mail_from: str) -> MessageLine:
    domain = mail_from.rpartition("@")[2]
    return MessageLine(**dict(row), message_id=f"<{row['id']}@{domain}>")


def _next(rows: list[Any]) -> str | None:
    return encode_cursor(rows[-1]["created_at"], str(rows[-1]["id"])) if len(rows) == _PAGE else None


def _position(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    try:
        created_at, message_id = decode_cursor(cursor, 2)
        instant = datetime.fromisoformat(created_at)
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC), UUID(message_id)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        wrong = FieldError("cursor", cursor[:100], "use `next` of the page before, unchanged")
        raise Invalid("cursor", errors=[wrong]) from error
