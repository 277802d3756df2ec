"""Who is calling, entered into the person directory by their first request; and what every route does."""

import json
from collections import OrderedDict
from math import isfinite
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from services.common.auth import Caller, CallerDep
from services.common.db import Connection, Database
from services.common.denials import denials_noted
from services.common.errors import BadRequest, FieldError, Invalid
from services.common.http import DatabaseDep
from services.intake.commands.people import enter_caller
from services.intake.store import people

_REMEMBERED = 10_000
_DEEPEST = 30


async def _known(request: Request, caller: CallerDep, database: DatabaseDep) -> Caller:
    seen: OrderedDict[UUID, Caller] = _seen(request)
    if seen.get(caller.person_id) != caller or not await _still_there(database, caller):
        async with database.transaction() as conn:
            await enter_caller(conn, caller)
        seen[caller.person_id] = caller
        if len(seen) > _REMEMBERED:
            seen.popitem(last=False)
    return caller


async def _still_there(database: Database, caller: Caller) -> bool:
    """Somebody may have been forgotten since, by another process too."""
    async with database.read() as conn:
        return await people.get(conn, caller.person_id) is not None


def _seen(request: Request) -> OrderedDict[UUID, Caller]:
    state = request.app.state
    if not hasattr(state, "seen_callers"):
        state.seen_callers = OrderedDict()
    seen: OrderedDict[UUID, Caller] = state.seen_callers
    return seen


KnownCaller = Annotated[Caller, Depends(_known)]
"""The caller; whoever is new, or has another role, name or address in their token, is in the directory
afterwards."""


async def language_of(conn: Connection, caller: Caller) -> str:
    """The language the caller has chosen."""
    person = await people.get(conn, caller.person_id)
    return person.language if person else "nb"


async def _plain(request: Request) -> None:
    """Refuse nesting that no form needs, and numbers that JSON does not have, before anything reads them."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return
    try:
        content = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not valid JSON") from error
    waiting: list[tuple[str, Any, int]] = [("", content, 0)]
    while waiting:
        path, value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise Invalid(path, errors=[FieldError(path[:200], None, f"at most {_DEEPEST} levels")])
        if isinstance(value, dict):
            waiting += [
                (f"{path}.{name}" if path else name, member, depth + 1) for name, member in value.items()
            ]
        elif isinstance(value, list):
            waiting += [(f"{path}.{index}", member, depth + 1) for index, member in enumerate(value)]
        elif isinstance(value, float) and not isfinite(value):
            raise Invalid(path, errors=[FieldError(path[:200], None, "write a number")])


Guarded = [Depends(_plain), Depends(denials_noted)]
"""For every router: the body is plain JSON, and a refused attempt is noted."""
