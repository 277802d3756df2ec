"""The kinds of value that a call file holds, each with what it may be."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from services.common.calendar import due, parse_rule

_YEARS = range(2000, 2101)


def _is_of_our_time(instant: datetime) -> datetime:
    if instant.year not in _YEARS:
        raise ValueError(f"choose a year from {_YEARS[0]} to {_YEARS[-1]}")
    return instant


Moment = Annotated[AwareDatetime, AfterValidator(_is_of_our_time)]
"""An instant from which every rule of a call gives another one."""


def _is_time_rule(rule: dict[str, Any]) -> dict[str, Any]:
    parsed = parse_rule(rule)
    try:
        _is_of_our_time(due(parsed, datetime(2050, 1, 1, tzinfo=UTC), "continuous"))
    except (OverflowError, ValueError):
        raise ValueError("stay within fifty years, and within this century") from None
    return rule


def _can_be_stored(data: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(data, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise ValueError("leave out half characters, which cannot be stored") from None
    return data


TimeRule = Annotated[dict[str, Any], AfterValidator(_is_time_rule)]
"""A time rule as written, e.g. `{workdays: 10, at: "15:00"}`; see services/common/calendar.py."""

Json = Annotated[dict[str, Any], AfterValidator(_can_be_stored)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Kroner = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
"""Whole NOK."""
Percent = Annotated[int, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
ADDRESS = (
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
)
"""Plain, without quoting or comments that a relay might read otherwise; notify sends to no other."""
Address = Annotated[str, Field(pattern=ADDRESS, max_length=254)]
"""A mail address and nothing else: no name, no second address, no header of its own."""
Recipient = Literal[
    "audience", "holder", "hf_adviser", "lead", "rhf_adviser", "second_adviser", "chair", "leader", "asker"
]


class Part(BaseModel):
    """A part of the call file: unknown fields are mistakes, and nothing changes it after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Part):
    """One text in the three languages people may choose."""

    nb: str
    nn: str
    en: str
