"""What caused the work at hand: carried from a request or event through `record` into the next event."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """`call_id` stays the same along a whole chain; `causation_id` names the one step before this one."""

    call_id: str | None = None
    causation_id: str | None = None


_cause: ContextVar[Cause] = ContextVar("cause", default=Cause())  # noqa: B039 - frozen


def current_cause() -> Cause:
    """The cause of the work of the current task."""
    return _cause.get()


@contextmanager
def caused_by(call_id: str | None, causation_id: str | None) -> Iterator[None]:
    """For the length of the block, everything recorded names this cause."""
    token = _cause.set(Cause(call_id, causation_id))
    try:
        yield
    finally:
        _cause.reset(token)
