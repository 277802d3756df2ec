"""How runs are started, and what a run says it waits for."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from workflows.contracts.facts import Fact

WAITS_ON = "waits_on"
"""The query, of every workflow, that answers with a list of `Wait`."""


@dataclass(frozen=True)
class ApplicationStart:
    """Starts `application:{application_id}`; everything else comes as facts."""

    application_id: UUID
    call_id: str


@dataclass(frozen=True)
class CallStart:
    """Starts `call:{call_id}`."""

    call_id: str


@dataclass(frozen=True)
class TaskStart:
    """Starts `task:{task_id}`."""

    task_id: UUID


@dataclass(frozen=True)
class GrantState:
    """Starts `grant:{application_id}`; after a yearly report a run hands all it knows to the next."""

    application_id: UUID
    call_id: str
    facts: list[Fact] = field(default_factory=list)


@dataclass(frozen=True)
class Wait:
    """One thing a run waits for, for diagnosis.

    A wait on a `person` names the task by which the person is asked: its subject, its kind (`what`) and
    `n`; for the members of a panel, who have a task each, the round's id as subject and no `n`. A wait on an
    `instant` names it. A wait on a `process` is on another part of the system, which has its own waits; on a
    `step`, on the fact of a step just taken. After a step was `refused` the run waits for news, or a while,
    before it asks again.
    """

    on: Literal["person", "instant", "process", "step", "refused"]
    what: str
    """a task kind, a code for instant, process or step, or the activity and the kind of its refusal"""
    subject: str | None = None
    n: str | None = None
    task_id: UUID | None = None
    """of the task as it was first opened; a case that lives again gets new ones"""
    at: datetime | None = None
