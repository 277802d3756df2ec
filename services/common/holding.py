"""A row that a process holds while it works on it: renewed while it lives, free soon after its death."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from services.common.db import Connection, Database


@asynccontextmanager
async def held(
    database: Database, renew: Callable[[Connection], Awaitable[None]], *, seconds: float
) -> AsyncIterator[None]:
    """For the length of the block, renew the hold every so many seconds, each time in a transaction."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(seconds)
            async with database.transaction() as conn:
                await renew(conn)

    renewing = asyncio.create_task(keep())
    try:
        yield
    finally:
        renewing.cancel()
        # A hold that could not be renewed ends; whoever takes the row then is the one who counts.
        await asyncio.gather(renewing, return_exceptions=True)
