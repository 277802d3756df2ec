"""A row that a process holds while it works on it: renewed while it lives, free soon after its death."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from services.common.db import Connection, Database
from services.common.outages import is_infrastructure

_log = structlog.get_logger()


@asynccontextmanager
async def held(
    database: Database, renew: Callable[[Connection], Awaitable[None]], *, seconds: float
) -> AsyncIterator[None]:
    """For the length of the block, renew the hold every so many seconds, each time in a transaction."""

    async def keep() -> None:
        pause = seconds
        while True:
            await asyncio.sleep(pause)
            try:
                async with database.transaction() as conn:
                    await renew(conn)
                pause = seconds
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                _log.warning("hold not renewed", error=type(error).__name__)
                pause = min(seconds, 1.0)

    renewing = asyncio.create_task(keep())
    try:
        yield
    finally:
        renewing.cancel()
        # A hold that cannot be renewed for long ends; whoever takes the row then is the one who counts.
        await asyncio.gather(renewing, return_exceptions=True)
