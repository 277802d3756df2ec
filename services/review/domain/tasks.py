"""A task: its states, its ladder of reminders and escalations, and the clock that a pause stops."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from services.common.calendar import Calendar, TimeRule, Workdays, due
from services.common.errors import StepOutOfOrder


class TaskState(StrEnum):
    OPEN = "open"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskAction(StrEnum):
    CLAIM = "claim"
    RELEASE = "release"
    HAND_OVER = "hand_over"
    REMIND = "remind"
    PAUSE = "pause"
    RESUME = "resume"
    MOVE = "move"
    CLOSE = "close"
    CANCEL = "cancel"


TRANSITIONS: Mapping[TaskState, Mapping[TaskAction, TaskState]] = {
    TaskState.OPEN: {
        TaskAction.CLAIM: TaskState.OPEN,
        TaskAction.RELEASE: TaskState.OPEN,
        TaskAction.HAND_OVER: TaskState.OPEN,
        TaskAction.REMIND: TaskState.OPEN,
        TaskAction.PAUSE: TaskState.PAUSED,
        TaskAction.MOVE: TaskState.OPEN,
        TaskAction.CLOSE: TaskState.DONE,
        TaskAction.CANCEL: TaskState.CANCELLED,
    },
    TaskState.PAUSED: {
        TaskAction.CLAIM: TaskState.PAUSED,
        TaskAction.RELEASE: TaskState.PAUSED,
        TaskAction.HAND_OVER: TaskState.PAUSED,
        TaskAction.RESUME: TaskState.OPEN,
        TaskAction.MOVE: TaskState.OPEN,
        TaskAction.CLOSE: TaskState.DONE,
        TaskAction.CANCEL: TaskState.CANCELLED,
    },
    TaskState.DONE: {},
    TaskState.CANCELLED: {},
}


def move(state: TaskState, action: TaskAction) -> TaskState:
    """The state after the action. StepOutOfOrder where it is not possible."""
    try:
        return TRANSITIONS[state][action]
    except KeyError:
        raise StepOutOfOrder(f"A task that is {state} cannot {action.replace('_', ' ')}") from None


@dataclass(frozen=True)
class Rung:
    """One step of a ladder as the call writes it: `at` is relative to the due instant, `to` names who."""

    kind: str
    at: TimeRule
    to: tuple[str, ...]


@dataclass(frozen=True)
class TaskTerms:
    """What the call says about one kind of task."""

    due: TimeRule
    ladder: tuple[Rung, ...] = ()
    may_pause: bool = False


UNRULED = TaskTerms(due=Workdays(5))
"""For a kind that the call says nothing about (a mail that came back): somebody must still be waited for."""


@dataclass(frozen=True)
class PlannedStep:
    """One step of the ladder at its instant; `level` counts escalations from 1 and is 0 for a reminder."""

    n: int
    kind: str
    level: int
    at: datetime
    to: tuple[str, ...]


def plan(rungs: Sequence[Rung], due_at: datetime, now: datetime, calendar: Calendar) -> list[PlannedStep]:
    """The ladder of a task due at `due_at`, numbered as in the call.

    A reminder already past is left out; an escalation already past stays, and so fires at once.
    """
    steps = []
    level = 0
    for n, rung in enumerate(rungs, start=1):
        escalates = rung.kind == "escalation"
        level += escalates
        at = due(rung.at, due_at, calendar)
        steps.append(PlannedStep(n, rung.kind, level if escalates else 0, at, rung.to))
    return _still_to_come(steps, now)


def shift(steps: Iterable[PlannedStep], paused_at: datetime, now: datetime) -> list[PlannedStep]:
    """The steps not yet taken when the clock stopped, moved by exactly the time that it stood still."""
    return _still_to_come([replace(step, at=step.at + (now - paused_at)) for step in steps], now)


def _still_to_come(steps: Iterable[PlannedStep], now: datetime) -> list[PlannedStep]:
    return [step for step in steps if step.kind == "escalation" or step.at > now]


Spans: TypeAlias = list[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Interval:
    """From `start` to `end`, which is None while it lasts."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True)
class TaskTime:
    """When a task was open, and when its clock stood still. Pauses are in order and do not overlap."""

    for_applicant: bool
    span: Interval
    pauses: tuple[Interval, ...]


@dataclass(frozen=True)
class Waited:
    """Seconds for which the applicant was waited for (`them`), and everybody else (`us`)."""

    us: float
    them: float


def waited(task: TaskTime, now: datetime) -> Waited:
    """How the time since the task was opened divides: while it is paused, the other side is waited for."""
    return waited_in_all([task], now)


def waited_in_all(tasks: Iterable[TaskTime], now: datetime) -> Waited:
    """The same for a whole case, whose tasks may run side by side: no second is counted twice for a side."""
    us: Spans = []
    them: Spans = []
    for task in tasks:
        running, paused = _divide(task, now)
        (them if task.for_applicant else us).extend(running)
        (us if task.for_applicant else them).extend(paused)
    return Waited(_measure(us), _measure(them))


def _divide(task: TaskTime, now: datetime) -> tuple[Spans, Spans]:
    end = task.span.end or now
    running: Spans = []
    paused: Spans = []
    since = task.span.start
    for pause in task.pauses:
        until = min(pause.end or end, end)
        running.append((since, pause.start))
        paused.append((pause.start, until))
        since = until
    running.append((since, end))
    return running, paused


def _measure(spans: Spans) -> float:
    """Seconds covered by at least one of the spans."""
    covered = 0.0
    reached: datetime | None = None
    for start, end in sorted(spans):
        begin = start if reached is None else max(start, reached)
        if end > begin:
            covered += (end - begin).total_seconds()
            reached = end
    return covered
