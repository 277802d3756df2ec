"""Tells an outage, which is waited out, from a failure that waiting cannot mend."""

import asyncio
import socket
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from services.common.errors import InfrastructureDown

Outcome = TypeVar("Outcome")

_log = structlog.get_logger()

# SQLSTATEs that say "not now" rather than "never": the server is going away or coming up, is full or
# crowded, cancelled us by a timeout, or chose us as the victim of a conflict.
_PASSING_SQLSTATES = ("08", "53", "57", "58", "40001", "40P01", "55P03", "25006", "25P03")


def is_infrastructure(error: BaseException) -> bool:
    """Whether waiting and trying again unchanged is the right answer to this error."""
    if isinstance(error, asyncpg.PostgresError):
        return (getattr(error, "sqlstate", None) or "").startswith(_PASSING_SQLSTATES)
    if isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError):
        # The same class reports our own mistakes (a wrong number of arguments), which must not be waited out.
        return "closed" in str(error) or "closing" in str(error)
    return isinstance(
        error,
        InfrastructureDown
        | KafkaError
        | ConnectionError
        | TimeoutError
        | socket.gaierror
        | asyncpg.InternalClientError,
    )


class StrayCancellation(Exception):
    """A library cancelled a task of its own, or ours, without anybody having asked us to stop."""


async def attempt(work: Awaitable[Outcome]) -> Outcome:
    """Await the work in a task of its own, which alone suffers from what libraries do to the current task.

    Raises CancelledError only when the caller was told to stop, and always then, whatever the work made of
    it. A cancellation that nobody asked for is StrayCancellation: a task that ends cancelled looks like one
    that was told to stop, and nobody would miss it.
    """
    current = asyncio.current_task()
    try:
        outcome = await asyncio.ensure_future(work)
    except (Exception, asyncio.CancelledError) as error:
        if current is not None and current.cancelling():
            raise asyncio.CancelledError from error
        if isinstance(error, asyncio.CancelledError):
            raise StrayCancellation from error
        raise
    if current is not None and current.cancelling():
        raise asyncio.CancelledError
    return outcome


async def seen_through(work: Coroutine[Any, Any, Outcome], seconds: float) -> Outcome:
    """Await what must not be left half done: told to stop meanwhile, it still gets so many seconds."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=seconds)
        task.cancel()
        raise


async def closed_within(seconds: float, closing: Coroutine[Any, Any, Any]) -> bool:
    """Let the client of a server close itself, and say whether it did so in order and in time.

    Raises nothing: a client whose server is away lets all kinds of errors out, its own cancellations too. One
    that is not done in time goes on behind us.
    """
    done, _ = await asyncio.wait({asyncio.ensure_future(closing)}, timeout=seconds)
    for task in done:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            return True
        _log.info("client did not close in order", error=type(error).__name__)
    return False
