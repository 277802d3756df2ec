"""Documents as they were issued: kept for ever, in the language in which they were issued."""

import hashlib
from datetime import datetime

from services.common.db import Connection
from services.funding.documents.render import letter_pdf
from services.funding.documents.texts import Language
from services.funding.store import papers

ARCHIVED: Language = "nb"
"""The language of the archived document; the others are made from the same frozen contents when asked for."""


async def archive(
    conn: Connection, subject: str, kind: str, language: Language, pdf: bytes, at: datetime
) -> None:
    """Keep the document. One that is there already stays."""
    await papers.add_document(conn, subject, kind, language, pdf, hashlib.sha256(pdf).hexdigest(), at)


async def archive_letter(conn: Connection, letter: papers.Letter) -> None:
    """Make the letter's document and keep it."""
    pdf = await letter_pdf(letter.contents, ARCHIVED)
    await archive(conn, _subject(letter), "letter", ARCHIVED, pdf, letter.sent_at)


async def letter_document(conn: Connection, letter: papers.Letter, language: Language) -> bytes:
    """The letter in this language, made from the contents that were frozen when it was sent."""
    kept = await papers.find_document(conn, _subject(letter), "letter", language)
    return kept if kept is not None else await letter_pdf(letter.contents, language)


def _subject(letter: papers.Letter) -> str:
    return f"{letter.application_id}.{letter.version}"
