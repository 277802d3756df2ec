"""Attachments: announce, upload straight to the store, confirm; cleaned or refused by the worker."""

import hashlib
import uuid
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.auth import Caller
from services.common.db import Connection, now
from services.common.errors import FieldError, Invalid, NotFound, Refused
from services.common.record import Actor, Fact, record
from services.common.storage import Bucket, Storage
from services.intake.commands.access import lock_for, read_content, read_for, require_open
from services.intake.commands.checking import files_of
from services.intake.commands.drafts import require_editable
from services.intake.domain.states import EDITABLE, Action, State, move
from services.intake.events import ApplicationReturned, AttachmentCleaned, AttachmentRefused
from services.intake.policy import Act
from services.intake.store import applications, attachments, calls, status, submissions
from services.intake.store.applications import Application
from services.intake.store.attachments import Attachment

_MOST_ATTACHMENTS = 20
_DOWNLOAD_SECONDS = 60

_MAGIC = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
}
_ZIP_MAGIC = (b"PK\x03\x04",)


class UploadIncomplete(Refused):
    """The file is not in the store yet."""


class UploadMismatch(Refused):
    """The uploaded file is not the one that was announced."""

    status = 422


class NotYetClean(Refused):
    """The file has not been found clean; it cannot be downloaded."""


async def announce(
    conn: Connection,
    caller: Caller,
    application_id: UUID,
    *,
    kind: str,
    filename: str,
    content_type: str,
    size: int,
    sha256: str,
    arrived_at: datetime,
) -> Attachment:
    """Note a file that is about to be uploaded. Type and size must be what the call allows for the kind
    (X10)."""
    call, application = await lock_for(conn, caller, application_id, Act.EDIT)
    require_editable(application)
    require_open(call, arrived_at)
    kinds = {each.code: each for each in call.definition.attachment_kinds}
    if kind not in kinds:
        raise Invalid("kind", errors=[FieldError("kind", kind, f"choose among {', '.join(kinds)}")])
    errors = []
    if content_type not in kinds[kind].content_types:
        remedy = f"the call takes {', '.join(kinds[kind].content_types)} (X10)"
        errors.append(FieldError("content_type", content_type, remedy))
    if size > kinds[kind].max_bytes:
        errors.append(FieldError("size", size, f"at most {kinds[kind].max_bytes} bytes (X10)"))
    if errors:
        raise Invalid(", ".join(error.field for error in errors), errors=errors)
    if len(await attachments.of_application(conn, application_id)) >= _MOST_ATTACHMENTS:
        remedy = f"at most {_MOST_ATTACHMENTS} attachments; delete one first"
        raise Invalid("kind", errors=[FieldError("kind", kind, remedy)])
    attachment_id = uuid.uuid4()
    # The key is ours alone: no name or path of the client's ever reaches the store.
    attachment = await attachments.insert(
        conn,
        attachment_id,
        application_id,
        kind=kind,
        filename=filename,
        content_type=content_type,
        size=size,
        sha256=sha256,
        object_key=f"{application_id}/{attachment_id}",
        uploaded_by=caller.person_id,
    )
    body: dict[str, JsonValue] = {
        "attachment_id": str(attachment_id),
        "kind": kind,
        "size": size,
        "sha256": sha256,
    }
    await record(conn, key=str(application_id), actor=caller.actor, action="attachment.announced", body=body)
    return attachment


async def inspect_upload(bucket: Bucket, attachment: Attachment) -> None:
    """Read the object once: it must have the announced size, hash and the first bytes of its type.

    UploadIncomplete when it is not there, UploadMismatch names what differs. Outside any transaction.
    """
    if await bucket.stat(attachment.object_key) is None:
        raise UploadIncomplete("Upload the file with the form you were given, then confirm it.")
    digest, size, head = hashlib.sha256(), 0, b""
    async for chunk in bucket.stream(attachment.object_key):
        digest.update(chunk)
        size += len(chunk)
        head = head or chunk[:16]
        if size > attachment.size:
            break
    errors = []
    if size != attachment.size:
        errors.append(FieldError("size", size, f"announced were {attachment.size} bytes; upload that file"))
    elif digest.hexdigest() != attachment.sha256:
        errors.append(FieldError("sha256", digest.hexdigest(), "the content differs; upload that file"))
    elif not head.startswith(_MAGIC.get(attachment.content_type, _ZIP_MAGIC)):
        errors.append(
            FieldError("content_type", attachment.content_type, "the content is of another type (X10)")
        )
    if errors:
        raise UploadMismatch(", ".join(error.field for error in errors), errors=errors)


async def to_inspect(
    conn: Connection, caller: Caller, application_id: UUID, attachment_id: UUID
) -> Attachment | None:
    """The attachment whose upload must be inspected first; None where `confirm` alone has the answer."""
    application = await read_for(conn, caller, application_id, Act.EDIT)
    attachment = await attachments.get(conn, application_id, attachment_id)
    if attachment is None or attachment.deleted or attachment.state != "uploading":
        return None
    return attachment if application.state in EDITABLE else None


async def confirm(conn: Connection, caller: Caller, application_id: UUID, attachment_id: UUID) -> Attachment:
    """The inspected upload is verified: it counts for a submission, and waits to be cleaned. Again: changes
    nothing."""
    _, application = await lock_for(conn, caller, application_id, Act.EDIT)
    require_editable(application)
    attachment = await attachments.lock(conn, attachment_id)
    if attachment is None or attachment.application_id != application_id or attachment.deleted:
        raise NotFound()
    if attachment.state != "uploading":
        return attachment
    verified = await attachments.mark_verified(conn, attachment_id)
    body: dict[str, JsonValue] = {"attachment_id": str(attachment_id), "kind": attachment.kind}
    await record(conn, key=str(application_id), actor=caller.actor, action="attachment.verified", body=body)
    return verified


async def delete(conn: Connection, caller: Caller, application_id: UUID, attachment_id: UUID) -> None:
    """Take the file out of the draft; what a submitted version holds is kept with that version."""
    _, application = await lock_for(conn, caller, application_id, Act.EDIT)
    require_editable(application)
    attachment = await attachments.lock(conn, attachment_id)
    if attachment is None or attachment.application_id != application_id or attachment.deleted:
        raise NotFound()
    await attachments.mark_deleted(conn, attachment_id)
    body: dict[str, JsonValue] = {"attachment_id": str(attachment_id), "kind": attachment.kind}
    await record(conn, key=str(application_id), actor=caller.actor, action="attachment.deleted", body=body)


async def download_url(
    conn: Connection, storage: Storage, caller: Caller, application_id: UUID, attachment_id: UUID
) -> str:
    """A link that works for a minute. Only for clean files, and only to those who may read the
    application."""
    read = await read_content(conn, caller, application_id)
    attachment = next((each for each in await files_of(conn, read) if each.id == attachment_id), None)
    if attachment is None:
        raise NotFound()
    if attachment.state != "clean":
        raise NotYetClean(f"It is {attachment.state}.", state=attachment.state, reason=attachment.reason)
    return storage.documents.presigned_get(attachment.object_key, attachment.filename, _DOWNLOAD_SECONDS)


async def mark_clean(
    conn: Connection, attachment_id: UUID, pages: int | None, object_version: str | None, actor: Actor
) -> None:
    """The file passed everything and lies in the documents bucket. Once; nothing for one deleted
    meanwhile."""
    attachment = await attachments.lock(conn, attachment_id)
    if attachment is None or attachment.deleted or attachment.state != "verified":
        return
    application = await applications.get(conn, attachment.application_id)
    assert application is not None
    await attachments.mark_clean(conn, attachment_id, pages, object_version)
    cleaned = AttachmentCleaned(
        application_id=application.id,
        call_id=application.call_id,
        attachment_id=attachment_id,
        kind=attachment.kind,
    )
    body: dict[str, JsonValue] = {"attachment_id": str(attachment_id), "pages": pages}
    await record(
        conn,
        key=str(application.id),
        actor=actor,
        action="attachment.cleaned",
        body=body,
        events=[cleaned],
    )


async def mark_refused(
    conn: Connection, application_id: UUID, attachment_id: UUID, reason: str, actor: Actor
) -> None:
    """The file is refused; nothing for one deleted meanwhile. One that a submitted version holds sends the
    case back to its holder before the deadline.

    After the deadline the formal check meets the refusal as X09, and an adviser confirms what follows.
    """
    found = await applications.get(conn, application_id)
    assert found is not None
    call = await calls.get_shared(conn, found.call_id)
    application = await applications.lock(conn, application_id)
    attachment = await attachments.lock(conn, attachment_id)
    if application is None or attachment is None or attachment.deleted or attachment.state != "verified":
        return
    await attachments.mark_refused(conn, attachment_id, reason)
    await status.happened(conn, application_id, "attachment_refused", kind=attachment.kind, reason=reason)
    events: list[Fact] = [
        AttachmentRefused(
            application_id=application_id,
            call_id=call.id,
            attachment_id=attachment_id,
            kind=attachment.kind,
            reason=reason,
            holder_id=application.holder_id,
        )
    ]
    if await now(conn) <= call.deadline and await _holds(conn, application, attachment_id):
        events.append(await _hand_back(conn, application, actor))
    body: dict[str, JsonValue] = {
        "attachment_id": str(attachment_id),
        "reason": reason,
        "returned": len(events) > 1,
    }
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="attachment.refused",
        body=body,
        events=events,
    )


async def _holds(conn: Connection, application: Application, attachment_id: UUID) -> bool:
    if application.state is not State.SUBMITTED:
        return False
    submission = await submissions.get(conn, application.id, application.version)
    return submission is not None and attachment_id in submission.attachment_ids


async def _hand_back(conn: Connection, application: Application, actor: Actor) -> ApplicationReturned:
    after = move(application.state, Action.RETURN)
    await applications.enter_state(conn, application, Action.RETURN, after, actor)
    await status.happened(conn, application.id, "returned", cause="attachment_refused")
    return ApplicationReturned(
        application_id=application.id,
        call_id=application.call_id,
        version=application.version,
        cause="attachment_refused",
    )


def require_downloadable_name(filename: str) -> str:
    """The file's own name, without any path. Invalid when nothing is left of it."""
    name = filename.replace("\\", "/").rpartition("/")[2].strip()
    if not name or name in (".", ".."):
        raise Invalid("filename", errors=[FieldError("filename", filename, "give the file a name")])
    return name
