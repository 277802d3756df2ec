"""Activities of review, as workflows call them (task queue `review`)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from temporalio import activity


@dataclass(frozen=True)
class OpenTask:
    """A task to open. Without `due_at` review takes the due instant from the call's rule for the kind."""

    subject: str
    kind: str
    n: str
    call_id: str
    application_id: UUID | None
    role: str
    """of the audience: holder, hf_adviser, consultant, rhf_adviser, leader, institution, member, chair"""
    organisation: str | None = None
    person_id: UUID | None = None
    not_person_id: UUID | None = None
    """who must not be the one to act (two-person rule)"""
    due_at: datetime | None = None


@dataclass(frozen=True)
class LadderStep:
    task_id: UUID
    n: int
    due_at: datetime
    """the due instant the step belongs to: a step of an older clock does nothing"""


@dataclass(frozen=True)
class CaseEntry:
    application_id: UUID
    call_id: str
    flags: list[str]


@dataclass(frozen=True)
class PanelRound:
    round_id: str
    call_id: str
    panel: str
    application_id: UUID | None = None


@activity.defn(name="review.open_task")
async def open_task(task: OpenTask) -> None:
    """Open the task unless it exists or was closed before it opened. If the case has ended, an undo opens it.
    Once per task id."""
    ...


@activity.defn(name="review.take_ladder_step")
async def take_ladder_step(step: LadderStep) -> None:
    """Remind or escalate, if the task is open, running and due at `due_at`. Once per step and due instant."""
    ...


@activity.defn(name="review.enter_round")
async def enter_round(entry: CaseEntry) -> None:
    """The case is ready for its panel; the last one to enter completes the round. Once per case."""
    ...


@activity.defn(name="review.pass_straggler_instant")
async def pass_straggler_instant(call_id: str) -> None:
    """The straggler instant passed: the round waits on, or completes with the rest flagged (call data)."""
    ...


@activity.defn(name="review.open_conflicts")
async def open_conflicts(round_: PanelRound) -> None:
    """Open 'declare conflicts' for every member of the round who has none yet. Without members: refuses to
    go on by opening 'name stand-ins' instead. Without cases: settles at once."""
    ...


@activity.defn(name="review.open_reassessment")
async def open_reassessment(round_: PanelRound) -> None:
    """Create the round of one case that is assessed again and open 'name stand-ins'. Once per round."""
    ...


@activity.defn(name="review.ask_standins")
async def ask_standins(round_: PanelRound) -> None:
    """Open 'name stand-ins' for a round without quorum. Once per round and time the quorum was lost."""
    ...


@activity.defn(name="review.assign")
async def assign(round_: PanelRound) -> None:
    """Assign the cases among members without conflict, grant them access, invite to pitch where the panel
    does, and open 'judge your applications' per member. Once per round and member."""
    ...


@activity.defn(name="review.open_meeting")
async def open_meeting(round_: PanelRound) -> None:
    """Open 'hold the meeting' for the chair of the round. Once per round."""
    ...


@activity.defn(name="review.open_signing")
async def open_signing(round_: PanelRound) -> None:
    """Open 'sign the recommendation' for the chair of the round. Once per round."""
    ...
