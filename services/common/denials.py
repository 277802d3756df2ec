"""Refused attempts are noted in the access log, with the class of the refusal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from services.common.auth import Caller, CallerDep
from services.common.db import Database
from services.common.errors import Forbidden, NotFound
from services.common.http import DatabaseDep
from services.common.record import log_access


@asynccontextmanager
async def noting_denials(database: Database, caller: Caller, action: str, key: object) -> AsyncIterator[None]:
    """Note a refusal in a transaction of its own: that of the attempt is rolled back."""
    try:
        yield
    except (Forbidden, NotFound) as refused:
        async with database.transaction() as conn:
            await log_access(
                conn,
                actor=caller.actor,
                action=action,
                key=str(key),
                outcome="denied",
                reason=type(refused).__name__,
            )
        raise


async def denials_noted(request: Request, caller: CallerDep, database: DatabaseDep) -> AsyncIterator[None]:
    """Dependency of a whole router: the attempt is named by its route, and by its application if any."""
    action = f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"
    key = request.path_params.get("application_id", "") or "-"
    async with noting_denials(database, caller, action, key):
        yield
