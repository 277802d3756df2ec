"""Activities of the workflow worker itself (task queue `workflows`)."""

from dataclasses import dataclass

from temporalio import activity


@dataclass(frozen=True)
class RunEnd:
    workflow_id: str


@dataclass(frozen=True)
class LateFact:
    """A fact that reached a run when it had nothing left to do."""

    event_id: str
    type: str
    application_id: str | None
    call_id: str | None


@activity.defn(name="workflows.note_end")
async def note_end(end: RunEnd) -> None:
    """Note that the run is over: later facts for it are recorded as late. Idempotent."""
    ...


@activity.defn(name="workflows.note_late_fact")
async def note_late_fact(late: LateFact) -> None:
    """Record a fact that came while the run was ending, so that an adviser hears of it. Once per event."""
    ...
