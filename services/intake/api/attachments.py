"""Attachments: announce, confirm, list, delete, download."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.common.db import Connection
from services.common.http import ArrivedDep, Body, DatabaseDep, StorageDep, arrived_at
from services.common.idempotency import once
from services.intake.api.caller import Guarded, KnownCaller
from services.intake.commands import attachments as commands
from services.intake.commands.access import read_content
from services.intake.commands.checking import files_of
from services.intake.store.attachments import Attachment

router = APIRouter(
    prefix="/v1/applications/{application_id}/attachments", tags=["attachments"], dependencies=Guarded
)

_UPLOAD_SECONDS = 300


class NewAttachment(Body):
    """The file as it will be uploaded; `sha256` in hexadecimal."""

    kind: Annotated[str, Field(max_length=60)]
    filename: Annotated[str, Field(min_length=1, max_length=200)]
    content_type: Annotated[str, Field(max_length=100)]
    size: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class AttachmentView(BaseModel):
    """`state`: uploading, verified, clean or refused (then `reason` is a code)."""

    id: UUID
    kind: str
    filename: str
    content_type: str
    size: int
    sha256: str
    state: str
    reason: str | None
    pages: int | None
    created_at: datetime

    @classmethod
    def of(cls, attachment: Attachment) -> "AttachmentView":
        return cls(
            id=attachment.id,
            kind=attachment.kind,
            filename=attachment.filename,
            content_type=attachment.content_type,
            size=attachment.size,
            sha256=attachment.sha256,
            state=attachment.state,
            reason=attachment.reason,
            pages=attachment.pages,
            created_at=attachment.created_at,
        )


class UploadForm(BaseModel):
    """Post these fields as multipart/form-data to `url`, the file last in the field `file`."""

    url: str
    fields: dict[str, str]


class Announced(AttachmentView):
    upload: UploadForm


class Attachments(BaseModel):
    items: list[AttachmentView]


class Download(BaseModel):
    """A link that works for one minute."""

    url: str


@router.post("", status_code=201, response_model=Announced)
async def announce_attachment(
    application_id: UUID,
    body: NewAttachment,
    request: Request,
    caller: KnownCaller,
    database: DatabaseDep,
    storage: StorageDep,
    arrival: ArrivedDep,
) -> Response:
    """Announce a file and get the form with which it goes straight to the store."""
    filename = commands.require_downloadable_name(body.filename)

    async def run(conn: Connection) -> Announced:
        at = await arrived_at(conn, arrival)
        attachment = await commands.announce(
            conn, caller, application_id, **(body.model_dump() | {"filename": filename}), arrived_at=at
        )
        form = storage.quarantine.presigned_post(
            attachment.object_key, attachment.content_type, attachment.size, _UPLOAD_SECONDS
        )
        view = AttachmentView.of(attachment).model_dump()
        return Announced(**view, upload=UploadForm(url=form.url, fields=form.fields))

    return await once(request, caller, database, run)


@router.post("/{attachment_id}/confirmation", status_code=201, response_model=AttachmentView)
async def confirm_attachment(
    application_id: UUID,
    attachment_id: UUID,
    request: Request,
    caller: KnownCaller,
    database: DatabaseDep,
    storage: StorageDep,
) -> Response:
    """Say that the upload is done: the file is read once and must be what was announced."""
    async with database.read() as conn:
        attachment = await commands.to_inspect(conn, caller, application_id, attachment_id)
    if attachment is not None:
        await commands.inspect_upload(storage.quarantine, attachment)

    async def run(conn: Connection) -> AttachmentView:
        return AttachmentView.of(await commands.confirm(conn, caller, application_id, attachment_id))

    return await once(request, caller, database, run)


@router.get("")
async def list_attachments(application_id: UUID, caller: KnownCaller, database: DatabaseDep) -> Attachments:
    """The attachments of an application I may read."""
    async with database.transaction() as conn:
        found = await files_of(conn, await read_content(conn, caller, application_id))
    return Attachments(items=[AttachmentView.of(attachment) for attachment in found])


@router.delete("/{attachment_id}", status_code=204)
async def delete_attachment(
    application_id: UUID, attachment_id: UUID, caller: KnownCaller, database: DatabaseDep
) -> None:
    """Take a file out of my draft."""
    async with database.transaction() as conn:
        await commands.delete(conn, caller, application_id, attachment_id)


@router.get("/{attachment_id}/download")
async def download_attachment(
    application_id: UUID,
    attachment_id: UUID,
    caller: KnownCaller,
    database: DatabaseDep,
    storage: StorageDep,
) -> Download:
    """A short-lived link; only once the file has been found clean."""
    async with database.transaction() as conn:
        url = await commands.download_url(conn, storage, caller, application_id, attachment_id)
    return Download(url=url)
