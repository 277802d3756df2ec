"""Tells an outage, which is waited out, from a failure that waiting cannot mend."""

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from services.common.errors import InfrastructureDown

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
    """A library cancelled a task of its own and let that out."""


@contextmanager
def strays_are_failures() -> Iterator[None]:
    """Raise StrayCancellation for a cancellation that nobody asked the current task for.

    A task that ends cancelled looks like one that was told to stop: nobody would miss it.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StrayCancellation from error


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
