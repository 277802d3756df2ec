"""Tells an outage, which is waited out, from a failure that waiting cannot mend."""

import socket

import asyncpg
from aiokafka.errors import KafkaError

from services.common.errors import InfrastructureDown

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
