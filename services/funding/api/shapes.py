"""Shapes that several resources share."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field, StringConstraints

Text: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
"""Something a person writes: never blank."""

Nok: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000_000)]
"""Whole NOK."""

Number: TypeAlias = Annotated[int, Path(ge=1, le=1_000_000)]
LanguageQuery: TypeAlias = Annotated[Literal["nb", "nn", "en"], Query(description="nb, nn or en")]


EXAMPLE_ID = "0f6d3b5e-1c1f-4f0e-9a44-2f3d0a7f5b10"
"""An application or person in the examples of the documentation."""


class Done(BaseModel):
    """What was done, and the state that it led to."""

    application_id: UUID
    state: str
    n: int | None = None
    due_at: datetime | None = None


def pdf(document: bytes, filename: str) -> Response:
    """A document to be shown by the reader's own program."""
    return Response(
        document,
        media_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{filename}"'},
    )
