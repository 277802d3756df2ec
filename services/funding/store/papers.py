"""Letters, and the documents archived as they were sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection


@dataclass(frozen=True)
class Letter:
    application_id: UUID
    version: int
    sent_at: datetime
    complaint_until: datetime
    reserve_until: datetime | None
    contents: dict[str, Any]


async def letters_are_due(conn: Connection, application_id: UUID, version: int) -> bool:
    """Whether the letter of this decision may go out: those of a call wait for the leader meeting (X26)."""
    found: bool = await conn.fetchval(
        """select r.application_id is not null or r.presented_at is not null
           from decision d join decision_round r on r.id = d.decision_round_id
           where d.application_id = $1 and d.version = $2""",
        application_id,
        version,
    )
    return found


async def add_letter(conn: Connection, letter: Letter) -> None:
    await conn.execute(
        """insert into letter (application_id, version, sent_at, complaint_until, reserve_until, contents)
           values ($1, $2, $3, $4, $5, $6)""",
        letter.application_id,
        letter.version,
        letter.sent_at,
        letter.complaint_until,
        letter.reserve_until,
        letter.contents,
    )


async def find_letter(conn: Connection, application_id: UUID, version: int) -> Letter | None:
    row = await conn.fetchrow(
        """select application_id, version, sent_at, complaint_until, reserve_until, contents from letter
           where application_id = $1 and version = $2""",
        application_id,
        version,
    )
    return Letter(**dict(row)) if row else None


async def letters_of_case(conn: Connection, application_id: UUID) -> list[Letter]:
    rows = await conn.fetch(
        """select application_id, version, sent_at, complaint_until, reserve_until, contents from letter
           where application_id = $1 order by version""",
        application_id,
    )
    return [Letter(**dict(row)) for row in rows]


async def find_document(conn: Connection, subject: str, kind: str, language: str) -> bytes | None:
    found: bytes | None = await conn.fetchval(
        "select pdf from document where subject = $1 and kind = $2 and language = $3", subject, kind, language
    )
    return found


async def add_document(
    conn: Connection, subject: str, kind: str, language: str, pdf: bytes, sha256: str, at: datetime
) -> None:
    """Archive the document; one that is there already stays."""
    await conn.execute(
        """insert into document (subject, kind, language, pdf, sha256, made_at)
           values ($1, $2, $3, $4, $5, $6) on conflict do nothing""",
        subject,
        kind,
        language,
        pdf,
        sha256,
        at,
    )
