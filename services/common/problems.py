"""Every error as application/problem+json (RFC 9457), with a stable type and never anything internal."""

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import JsonValue
from starlette.exceptions import HTTPException

from services.common.errors import PROBLEM_BASE, BadRequest, FieldError, Invalid, Refused, Unauthenticated

_log = structlog.get_logger()


_TEXT = {"type": "string"}
_SCHEMA = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "stable name of the kind of problem"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "call_id": {"type": "string", "description": "by which we find the request in our logs"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "value", "remedy"],
                "properties": {
                    "field": {"type": "string", "description": "such as budget.total"},
                    "value": {"description": "what was sent"},
                    "remedy": {"type": "string", "description": "what would be right"},
                },
            },
        },
    },
}


class ProblemResponse(JSONResponse):
    """JSON with the media type of problems. What was sent may be quoted in it, so it renders anything."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        text = json.dumps(_finite(content), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")  # half a surrogate pair is no character


def _finite(content: Any) -> Any:
    """The content with NaN and infinities as text: JSON has no word for them."""
    match content:
        case dict():
            return {name: _finite(value) for name, value in content.items()}
        case list():
            return [_finite(value) for value in content]
        case float() if not math.isfinite(content):
            return str(content)
    return content


# Names that differ between Python versions, and types must not.
_TITLES = {413: "Content Too Large", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}

# Shown in every OpenAPI document.
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": _SCHEMA}},
    }
    for status in (400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429, 503)
}


def problem(
    type_uri: str,
    title: str,
    status: int,
    *,
    detail: str = "",
    errors: Sequence[FieldError] = (),
    members: Mapping[str, JsonValue] | None = None,
    headers: Mapping[str, str] | None = None,
    call_id: str | None = None,
) -> ProblemResponse:
    """One problem response; empty members are left out."""
    body: dict[str, object] = {"type": type_uri, "title": title, "status": status}
    if detail and detail != title:
        body["detail"] = detail
    if errors:
        body["errors"] = [{"field": e.field, "value": e.value, "remedy": e.remedy} for e in errors]
    if call_id:
        body["call_id"] = call_id
    return ProblemResponse({**body, **(members or {})}, status_code=status, headers=dict(headers or {}))


def refusal(refused: Refused, call_id: str | None = None) -> ProblemResponse:
    """A known refusal as a problem."""
    headers = dict(refused.headers)
    if isinstance(refused, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    # Not-found answers are byte-equal whether a thing does not exist or is not yours: no call id in them.
    return problem(
        refused.type_uri(),
        refused.title,
        refused.status,
        detail=refused.detail,
        errors=refused.errors,
        members=refused.members,
        headers=headers,
        call_id=call_id if refused.status >= 500 else None,
    )


def unavailable(call_id: str | None) -> ProblemResponse:
    """Something we depend on is away: 503, to be tried again."""
    return problem(
        PROBLEM_BASE + "unavailable",
        "The service is temporarily unavailable",
        503,
        detail="Try again in a moment. With the same Idempotency-Key nothing is done twice.",
        headers={"Retry-After": "2"},
        call_id=call_id,
    )


def internal(call_id: str | None) -> ProblemResponse:
    """A fault of ours: 500 with nothing but the id by which it is found in the logs."""
    return problem(PROBLEM_BASE + "internal-error", "Something went wrong on our side", 500, call_id=call_id)


def install(app: FastAPI) -> None:
    """Turn refusals, validation errors and the framework's own errors into problems."""

    async def on_refused(_request: Request, refused: Exception) -> ProblemResponse:
        assert isinstance(refused, Refused)
        return refusal(refused)

    async def on_invalid(_request: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, RequestValidationError)
        return refusal(from_validation(error.errors()))

    async def on_nul(_request: Request, _error: Exception) -> ProblemResponse:
        return refusal(Invalid("a text holds a NUL character, which cannot be stored; leave it out"))

    async def on_http(_request: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, HTTPException)
        phrase = _TITLES.get(error.status_code) or HTTPStatus(error.status_code).phrase
        slug = phrase.lower().replace(" ", "-").replace("'", "")
        return problem(PROBLEM_BASE + slug, phrase, error.status_code, headers=error.headers)

    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    # Postgres stores no NUL, in text or in jsonb, whatever route a text comes by: answered here once.
    app.add_exception_handler(asyncpg.CharacterNotInRepertoireError, on_nul)
    app.add_exception_handler(asyncpg.UntranslatableCharacterError, on_nul)


def from_validation(errors: Sequence[Any]) -> Refused:
    """Field, value and remedy for each thing that a model found wrong; malformed JSON is 400."""
    if any(error["type"] == "json_invalid" for error in errors):
        return BadRequest("the body is not valid JSON")
    found = [
        FieldError(_field(error["loc"]), _short(error), _remedy(error["type"], error["msg"]))
        for error in errors
    ]
    return Invalid("; ".join(sorted({error.field for error in found})), errors=found)


def _field(location: Sequence[str | int]) -> str:
    parts = [str(part) for part in location]
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] == "body" else parts)


def _short(error: Mapping[str, Any]) -> JsonValue:
    value = error.get("input")
    if error["type"] == "missing" or not isinstance(value, str | int | float | bool):
        return None
    # Half of a surrogate pair is a legal JSON escape and not a character that an answer can carry.
    return value[:200].encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def _remedy(kind: str, message: str) -> str:
    fixed = {
        "missing": "give this field a value",
        "extra_forbidden": "remove this field: it is not known here",
    }
    return fixed.get(kind, message.removeprefix("Value error, "))
