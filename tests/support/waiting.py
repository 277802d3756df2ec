"""Waiting for a condition instead of for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")


async def eventually(
    condition: Callable[[], Value | Awaitable[Value]], deadline: float = 30.0, *, pause: float = 0.02
) -> Value:
    """Ask again until the answer is true (and return it), for at most `deadline` seconds.

    An AssertionError inside the condition counts as "not yet"; the last one is shown when time is up. Every
    other error ends the wait at once.
    """
    until = time.monotonic() + deadline
    while True:
        missing: AssertionError | None = None
        value: object = None
        try:
            answer = condition()
            value = await answer if inspect.isawaitable(answer) else answer
            if value:
                return value
        except AssertionError as error:
            missing = error
        if time.monotonic() > until:
            said = f": {missing}" if missing else f"; the last answer was {value!r}"
            raise AssertionError(f"not true within {deadline} s{said}") from missing
        await asyncio.sleep(pause)
