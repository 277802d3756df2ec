"""Cursors of intake's lists, checked on the way in."""

from datetime import UTC, datetime
from uuid import UUID

from services.common.errors import FieldError, Invalid
from services.common.http import decode_cursor


def instant_and_text(cursor: str) -> tuple[datetime, str]:
    """Invalid when the cursor is not one that such a list has given."""
    moment, text = decode_cursor(cursor, 2)
    try:
        instant = datetime.fromisoformat(moment)
        if instant.tzinfo is None or not isinstance(text, str) or "\x00" in text:
            raise ValueError
        return instant.astimezone(UTC), text
    except (OverflowError, TypeError, ValueError):
        raise _mistake(cursor) from None


def instant_and_id(cursor: str) -> tuple[datetime, UUID]:
    """As above, for rows with a UUID."""
    instant, text = instant_and_text(cursor)
    return instant, as_id(text, cursor)


def as_id(text: object, cursor: str) -> UUID:
    try:
        return UUID(text if isinstance(text, str) else "")
    except ValueError:
        raise _mistake(cursor) from None


def _mistake(cursor: str) -> Invalid:
    return Invalid(
        "cursor", errors=[FieldError("cursor", cursor[:100], "use `next` of the page before, unchanged")]
    )
