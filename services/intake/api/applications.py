"""Applications: draft, autosave, list, read, co-editors."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.common.auth import Caller
from services.common.db import Connection
from services.common.http import (
    ArrivedDep,
    Body,
    DatabaseDep,
    IfMatchDep,
    MergePatchDep,
    arrived_at,
    encode_cursor,
    etag,
)
from services.common.idempotency import once
from services.intake.api.caller import Guarded, KnownCaller
from services.intake.api.content import Content, patched
from services.intake.api.cursors import instant_and_id
from services.intake.api.people import Email
from services.intake.commands import drafts
from services.intake.commands.access import read_content, read_for
from services.intake.commands.listing import visible_page
from services.intake.policy import Act
from services.intake.store import applications
from services.intake.store.applications import Application
from services.intake.store.relations import ListFilter

router = APIRouter(prefix="/v1/applications", tags=["applications"], dependencies=Guarded)


class NewApplication(Body):
    call_id: Annotated[str, Field(max_length=100)]
    category: Annotated[str, Field(max_length=60)]
    organisation: Annotated[str, Field(max_length=40)]


class ApplicationView(Content):
    """One application with its content. `revision` is also the ETag."""

    id: UUID
    call_id: str
    category: str
    organisation: str
    holder_id: UUID
    state: str
    version: int
    revision: int
    case_number: str | None
    submitted_at: datetime | None
    after_internal_deadline: bool
    saved_at: datetime

    @classmethod
    def of_application(cls, application: Application) -> "ApplicationView":
        return cls(
            **Content.of(application.content).model_dump(),
            id=application.id,
            call_id=application.call_id,
            category=application.content.category,
            organisation=application.organisation,
            holder_id=application.holder_id,
            state=application.state.value,
            version=application.version,
            revision=application.revision,
            case_number=application.case_number,
            submitted_at=application.submitted_at,
            after_internal_deadline=application.after_internal_deadline,
            saved_at=application.saved_at,
        )


class ApplicationLine(BaseModel):
    id: UUID
    call_id: str
    case_number: str | None
    title: str
    category: str
    organisation: str
    holder_id: UUID
    state: str
    stage: str
    applied_amount: int
    created_at: datetime


class Applications(BaseModel):
    items: list[ApplicationLine]
    next: str | None


class NewEditor(Body):
    email: Email


class EditorView(BaseModel):
    """`invited`: not known here yet; an invitation has been sent."""

    person_id: UUID
    invited: bool


class Editors(BaseModel):
    items: list[EditorView]


@router.post("", status_code=201, response_model=ApplicationView)
async def create_application(
    body: NewApplication, request: Request, caller: KnownCaller, database: DatabaseDep, arrival: ArrivedDep
) -> Response:
    """Begin a draft in an open call."""

    async def run(conn: Connection) -> ApplicationView:
        at = await arrived_at(conn, arrival)
        draft = await drafts.create_draft(conn, caller, body.call_id, body.category, body.organisation, at)
        return ApplicationView.of_application(draft)

    return await once(request, caller, database, run, headers=_etag)


@router.get("")
async def list_applications(
    caller: KnownCaller,
    database: DatabaseDep,
    call_id: Annotated[str | None, Query(max_length=100)] = None,
    state: Annotated[
        Literal[
            "draft",
            "submitted",
            "returned",
            "withdrawn",
            "rejected",
            "not_recommended",
            "expired",
            "decided",
        ]
        | None,
        Query(),
    ] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Applications:
    """The applications I may see, newest first."""
    after = instant_and_id(cursor) if cursor else None
    async with database.read() as conn:
        found, more = await visible_page(conn, caller, ListFilter(call_id, state), after, limit)
    following = encode_cursor(found[-1].created_at, str(found[-1].id)) if more else None
    return Applications(items=[_line(application) for application in found], next=following)


@router.get("/{application_id}")
async def get_application(
    application_id: UUID, response: Response, caller: KnownCaller, database: DatabaseDep
) -> ApplicationView:
    """One application: to those who write it as it is now, to all others as it was last submitted."""
    async with database.transaction() as conn:
        application = (await read_content(conn, caller, application_id)).application
    response.headers["ETag"] = etag(application.revision)
    return ApplicationView.of_application(application)


@router.patch("/{application_id}")
async def save_application(
    application_id: UUID,
    patch: MergePatchDep,
    version: IfMatchDep,
    response: Response,
    caller: KnownCaller,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> ApplicationView:
    """Save what has changed (JSON Merge Patch); the answer carries the new ETag."""
    saved = await _save(database, caller, application_id, patch, version, arrival)
    response.headers["ETag"] = etag(saved.revision)
    return ApplicationView.of_application(saved)


async def _save(
    database: DatabaseDep,
    caller: Caller,
    application_id: UUID,
    patch: MergePatchDep,
    version: int,
    arrival: ArrivedDep,
) -> Application:
    async with database.transaction() as conn:
        at = await arrived_at(conn, arrival)
        before = await read_for(conn, caller, application_id, Act.EDIT)
        content = patched(before.content, patch)
        # If somebody saved between the two reads, the revision no longer matches and nothing is written.
        return await drafts.save_draft(
            conn, caller, application_id, min(version, before.revision), content, at
        )


@router.post("/{application_id}/editors", status_code=201, response_model=EditorView)
async def invite_editor(
    application_id: UUID,
    body: NewEditor,
    request: Request,
    caller: KnownCaller,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Let a colleague write on the draft."""

    async def run(conn: Connection) -> EditorView:
        at = await arrived_at(conn, arrival)
        return EditorView(**await drafts.invite_editor(conn, caller, application_id, body.email, at))

    return await once(request, caller, database, run)


@router.get("/{application_id}/editors")
async def list_editors(application_id: UUID, caller: KnownCaller, database: DatabaseDep) -> Editors:
    """Who may write on the draft besides its holder, by id."""
    async with database.transaction() as conn:
        await read_for(conn, caller, application_id, Act.EDIT)
        writing = dict.fromkeys(await applications.editors(conn, application_id), False)
        invited = dict.fromkeys(await applications.invited_editors(conn, application_id), True)
    items = sorted((invited | writing).items())
    return Editors(items=[EditorView(person_id=person, invited=waits) for person, waits in items])


@router.delete("/{application_id}/editors/{person_id}", status_code=204)
async def remove_editor(
    application_id: UUID, person_id: UUID, caller: KnownCaller, database: DatabaseDep
) -> None:
    """Let a colleague write no longer; also an invitation is taken back."""
    async with database.transaction() as conn:
        await drafts.remove_editor(conn, caller, application_id, person_id)


def _line(application: Application) -> ApplicationLine:
    return ApplicationLine(
        id=application.id,
        call_id=application.call_id,
        case_number=application.case_number,
        title=application.content.title,
        category=application.content.category,
        organisation=application.organisation,
        holder_id=application.holder_id,
        state=application.state.value,
        stage=application.stage,
        applied_amount=application.content.budget.applied_amount,
        created_at=application.created_at,
    )


def _etag(view: ApplicationView) -> dict[str, str]:
    return {"ETag": etag(view.revision), "Location": f"/v1/applications/{view.id}"}
