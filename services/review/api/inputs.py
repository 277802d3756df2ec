"""Texts that people send: never blank, never endless, and without the one character Postgres cannot keep."""

from typing import Annotated

from pydantic import Field

Text = Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]
