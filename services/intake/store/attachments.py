"""Attachments: announced, verified, cleaned or refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.intake.domain.rules import AttachmentFacts


@dataclass(frozen=True)
class Attachment:
    """One file. `state`: uploading, verified (whole and as announced), clean (may be downloaded) or
    refused."""

    id: UUID
    application_id: UUID
    kind: str
    filename: str
    content_type: str
    size: int
    sha256: str
    object_key: str
    state: str
    reason: str | None
    pages: int | None
    created_at: datetime
    deleted: bool

    @property
    def facts(self) -> AttachmentFacts:
        return AttachmentFacts(self.kind, self.state, self.content_type, self.size, self.pages, self.reason)


def _attachment(row: Any) -> Attachment:
    return Attachment(
        id=row["id"],
        application_id=row["application_id"],
        kind=row["kind"],
        filename=row["filename"],
        content_type=row["content_type"],
        size=row["size"],
        sha256=row["sha256"],
        object_key=row["object_key"],
        state=row["state"],
        reason=row["reason"],
        pages=row["pages"],
        created_at=row["created_at"],
        deleted=row["deleted_at"] is not None,
    )


async def insert(
    conn: Connection,
    attachment_id: UUID,
    application_id: UUID,
    *,
    kind: str,
    filename: str,
    content_type: str,
    size: int,
    sha256: str,
    object_key: str,
    uploaded_by: UUID,
) -> Attachment:
    row = await conn.fetchrow(
        """insert into attachment (id, application_id, kind, filename, content_type, size, sha256, object_key,
        state,
                                   uploaded_by)
           values ($1, $2, $3, $4, $5, $6, $7, $8, 'uploading', $9) returning *""",
        attachment_id,
        application_id,
        kind,
        filename,
        content_type,
        size,
        sha256,
        object_key,
        uploaded_by,
    )
    return _attachment(row)


async def get(conn: Connection, application_id: UUID, attachment_id: UUID) -> Attachment | None:
    """Only by way of its own application: somebody else's attachment id finds nothing."""
    row = await conn.fetchrow(
        "select * from attachment where id = $2 and application_id = $1", application_id, attachment_id
    )
    return _attachment(row) if row else None


async def lock(conn: Connection, attachment_id: UUID) -> Attachment | None:
    row = await conn.fetchrow("select * from attachment where id = $1 for update", attachment_id)
    return _attachment(row) if row else None


async def of_application(conn: Connection, application_id: UUID) -> list[Attachment]:
    """Those that are not deleted, oldest first."""
    rows = await conn.fetch(
        "select * from attachment where application_id = $1 and deleted_at is null order by created_at, id",
        application_id,
    )
    return [_attachment(row) for row in rows]


async def of_version(conn: Connection, application_id: UUID, version: int) -> list[Attachment]:
    """Those that a submitted version holds."""
    rows = await conn.fetch(
        """select a.* from attachment a join submission s on a.id = any(s.attachment_ids)
           where s.application_id = $1 and s.version = $2 order by a.created_at, a.id""",
        application_id,
        version,
    )
    return [_attachment(row) for row in rows]


async def mark_verified(conn: Connection, attachment_id: UUID) -> Attachment:
    row = await conn.fetchrow(
        "update attachment set state = 'verified', verified_at = clock_timestamp() where id = $1 returning *",
        attachment_id,
    )
    return _attachment(row)


async def mark_deleted(conn: Connection, attachment_id: UUID) -> None:
    await conn.execute(
        "update attachment set deleted_at = clock_timestamp() where id = $1 and deleted_at is null",
        attachment_id,
    )


async def lease_next(conn: Connection, lease: timedelta) -> Attachment | None:
    """The attachment that has waited longest to be cleaned, kept from other cleaners for the lease. Those
    that a cleaner gave up stand behind those that none has seen."""
    row = await conn.fetchrow(
        """update attachment set lease_until = clock_timestamp() + $1
           where id = (select id from attachment
                       where state = 'verified' and deleted_at is null
                         and (lease_until is null or lease_until < clock_timestamp())
                       order by lease_until nulls first, verified_at limit 1 for update skip locked)
           returning *""",
        lease,
    )
    return _attachment(row) if row else None


async def renew(conn: Connection, attachment_id: UUID, lease: timedelta) -> None:
    """Keep it for another lease, unless it has been judged meanwhile."""
    await conn.execute(
        """update attachment set lease_until = clock_timestamp() + $2
           where id = $1 and state = 'verified' and lease_until is not null""",
        attachment_id,
        lease,
    )


async def release(conn: Connection, attachment_id: UUID) -> None:
    await conn.execute("update attachment set lease_until = null where id = $1", attachment_id)


async def mark_clean(
    conn: Connection, attachment_id: UUID, pages: int | None, object_version: str | None
) -> None:
    await conn.execute(
        """update attachment set state = 'clean', pages = $2, object_version = $3, cleaned_at =
        clock_timestamp(),
                  lease_until = null where id = $1""",
        attachment_id,
        pages,
        object_version,
    )


async def mark_refused(conn: Connection, attachment_id: UUID, reason: str) -> None:
    await conn.execute(
        """update attachment set state = 'refused', reason = $2, cleaned_at = clock_timestamp(), lease_until =
        null
           where id = $1""",
        attachment_id,
        reason,
    )
