"""Every refusal that a caller may see, and the two failures that are not refusals.

`Refused` is a known "no": an HTTP problem for a person, a parked event for a consumer, a non-retryable
`ApplicationError` for an activity. Services derive their own classes beside the rule they state; the class
name becomes the stable problem type, the first line of its docstring the title.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import JsonValue

PROBLEM_BASE = "https://innoflyt.test/problems/"


@dataclass(frozen=True)
class FieldError:
    """One thing wrong in the input: where (`budget.total`), what was sent, and what would be right."""

    field: str
    value: JsonValue
    remedy: str


class Refused(Exception):
    """The request cannot be done."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "The request cannot be done"
    headers: Mapping[str, str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "title" not in cls.__dict__ and cls.__doc__:
            cls.title = cls.__doc__.strip().splitlines()[0].rstrip(".")

    def __init__(self, detail: str = "", *, errors: Sequence[FieldError] = (), **members: JsonValue) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.members = members
        self.headers = {}

    @classmethod
    def type_uri(cls) -> str:
        """`DeadlinePassed` -> `https://innoflyt.test/problems/deadline-passed`."""
        return PROBLEM_BASE + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()


class BadRequest(Refused):
    """The request cannot be understood."""

    status = 400


class Unauthenticated(Refused):
    """A valid access token is required."""

    status = 401


class Forbidden(Refused):
    """Your role does not permit this."""

    status = 403


class NotFound(Refused):
    """There is nothing here for you."""

    status = 404


class StepOutOfOrder(Refused):
    """This step is not possible in the present state."""


class PreconditionFailed(Refused):
    """The object has been changed since you read it."""

    status = 412


class UnsupportedMediaType(Refused):
    """The content type is not supported here."""

    status = 415


class Invalid(Refused):
    """Some of the fields are not valid."""

    status = 422


class Malformed(Refused):
    """The event does not have the shape that its type promises."""

    status = 422


class PreconditionRequired(Refused):
    """An If-Match header with the version you read is required."""

    status = 428


class TooManyRequests(Refused):
    """Too many requests from you; wait a little."""

    status = 429

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.headers = {"Retry-After": str(retry_after)}


class Unavailable(Refused):
    """The service is temporarily unavailable; nothing was changed that you have not been told of."""

    status = 503
    title = "The service is temporarily unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 2) -> None:
        super().__init__(detail)
        self.headers = {"Retry-After": str(retry_after)}


class InfrastructureDown(Exception):
    """Something we depend on does not answer: nobody's fault, waited out and tried again for ever."""


class NotYet(InfrastructureDown):
    """A fact that this one builds on is still on its way, on another topic or key: tried again.

    A consumer parks what is still without it after a minute, lest what it waits for stand behind it.
    """


class SettingsError(Exception):
    """A setting is missing or wrong; the text names the variable and the remedy."""
