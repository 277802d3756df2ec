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
_case: ContextVar[str | None] = ContextVar("case", default=None)


def current_cause() -> Cause:
    """The cause of the work of the current task."""
    return _cause.get()


def current_case() -> str | None:
    """The application (or call) that the work of the current task has turned out to be about."""
    return _case.get()


def about(case: str) -> None:
    """Note the case until the end of the surrounding `caused_by`."""
    _case.set(case)


@contextmanager
def caused_by(call_id: str | None, causation_id: str | None) -> Iterator[None]:
    """For the length of the block, everything recorded names this cause."""
    cause, case = _cause.set(Cause(call_id, causation_id)), _case.set(None)
    try:
        yield
    finally:
        _case.reset(case)
        _cause.reset(cause)
