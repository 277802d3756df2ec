"""The clock of a human task as its facts leave it: when it is due, and which steps its ladder still holds."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import facts
    from workflows.contracts.facts import Fact


@dataclass(frozen=True)
class Step:
    """One rung of the ladder; `kind`: reminder or escalation."""

    n: int
    kind: str
    at: datetime


@dataclass(frozen=True)
class Clock:
    """A paused clock holds no steps: it gets new ones when it runs again. Steps are in order of instants."""

    due_at: datetime
    steps: tuple[Step, ...]
    paused: bool = False
    closed: bool = False


def clock_of(known: Iterable[Fact]) -> Clock | None:
    """Fold the facts of one task, which come in order; None before it is opened."""
    clock: Clock | None = None
    for fact in known:
        if fact.type in (facts.TASK_OPENED, facts.TASK_MOVED):
            clock = Clock(fact.instant("due_at"), _steps(fact))
        elif clock is not None and fact.type == facts.TASK_PAUSED:
            clock = replace(clock, steps=(), paused=True)
        elif clock is not None and fact.type == facts.TASK_CLOSED:
            return replace(clock, steps=(), closed=True)
    return clock


def _steps(fact: Fact) -> tuple[Step, ...]:
    steps = (
        Step(each["n"], each["kind"], datetime.fromisoformat(each["at"])) for each in fact.data["ladder"]
    )
    return tuple(sorted(steps, key=lambda step: (step.at, step.n)))
