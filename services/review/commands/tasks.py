"""Opening and closing tasks, for whoever decides something: the facts returned go into that one's record."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.calendar import due
from services.common.db import Connection, now
from services.common.errors import NotYet
from services.common.record import Actor, Fact
from services.review import events
from services.review.commands.terms import CallNotKnownYet, calendar_of, find_call, terms_of
from services.review.domain.act_paths import act_path
from services.review.domain.audiences import Audience
from services.review.domain.cases import ABOUT_A_CASE, idle_because
from services.review.domain.tasks import PlannedStep, TaskAction, TaskState, move, plan
from services.review.store import cases as case_store
from services.review.store import clocks
from services.review.store import questions as question_store
from services.review.store import tasks as store
from workflows.contracts.review import OpenTask
from workflows.contracts.tasks import ENDORSE_DRAFT, task_id

REVIEW = Actor("service", "review")
"""Who does what no person and no workflow asked for."""

_APPLICANTS_OWN = frozenset({"hf_adviser", "institution"})


class CaseNotKnownYet(NotYet):
    """The case's own fact has not arrived."""


async def open_task(conn: Connection, task: OpenTask, *, act_id: UUID | None = None) -> list[Fact]:
    """Open the task and return its TaskOpened (and TaskPaused, if it stands still from the start).

    Nothing happens, and the list is empty, if it exists or was closed before it opened. If nobody is waited
    for any more (the case has ended, say), it is noted as cancelled by that, so that an undo opens it.
    `act_id` is the endorsement or clarification it is about. CallNotKnownYet and CaseNotKnownYet are retried.
    """
    case = None
    if task.application_id is not None:
        case = await case_store.lock_case(conn, task.application_id)
        if case is None and task.kind not in ABOUT_A_CASE:
            raise CaseNotKnownYet(str(task.application_id))
    call = await find_call(conn, task.call_id)
    if call is None and task.kind not in ABOUT_A_CASE:
        raise CallNotKnownYet(task.call_id)
    terms = terms_of(call, task.kind)
    at = await now(conn)
    early = await clocks.take_early(conn, task.subject, task.kind, task.n)
    base = call.deadline if call is not None and task.kind == ENDORSE_DRAFT else at
    due_at = early.due_at or task.due_at or due(terms.due, base, calendar_of(call))
    row = _row(task, case, act_id, at=at, due_at=due_at, may_pause=terms.may_pause)
    idle = None if case is None else _idle(case, task.kind, task.n)
    if idle is not None:
        row = replace(row, state=TaskState.CANCELLED, closed_at=at, closed_by=REVIEW.id, closed_because=idle)
    if not await store.insert(conn, row):
        return []
    steps = plan(terms.ladder, due_at, at, calendar_of(call))
    await clocks.insert_steps(conn, row.id, due_at, steps)
    if idle is not None:
        return []
    return [opened(row, steps), *await _pause_from_the_start(conn, row, early.cause, at)]


def _row(
    task: OpenTask,
    case: case_store.Case | None,
    act_id: UUID | None,
    *,
    at: datetime,
    due_at: datetime,
    may_pause: bool,
) -> store.Task:
    """The new task; roles of the applicant's side are narrowed to their trust and person."""
    identity = task_id(task.subject, task.kind, task.n)
    organisation, person_id = task.organisation, task.person_id
    if case is not None and organisation is None and task.role in _APPLICANTS_OWN:
        organisation = case.organisation
    if case is not None and task.role == "holder":
        person_id = case.holder_id
    path = act_path(
        task.kind, task.subject, task.n, task_id=identity, application_id=task.application_id, act_id=act_id
    )
    return store.Task(
        id=identity,
        subject=task.subject,
        kind=task.kind,
        n=task.n,
        incarnation=1,
        call_id=task.call_id,
        application_id=task.application_id,
        state=TaskState.OPEN,
        audience_role=task.role,
        audience_organisation=organisation,
        audience_person=person_id,
        not_person=task.not_person_id,
        claimed_by=None,
        claimed_at=None,
        opened_at=at,
        due_at=due_at,
        may_pause=may_pause,
        act_path=path,
        closed_at=None,
        closed_by=None,
        closed_because=None,
    )


async def _pause_from_the_start(
    conn: Connection, row: store.Task, cause: str | None, at: datetime
) -> list[Fact]:
    if cause is None:
        return []
    await clocks.start_pause(conn, row.id, cause, at)
    await store.set_clock(conn, row.id, move(row.state, TaskAction.PAUSE), row.due_at)
    return [events.TaskPaused(**identity_of(row), paused_at=at)]


async def close_task(
    conn: Connection,
    subject: str,
    kind: str,
    n: str,
    *,
    by: Actor,
    call_id: str,
    application_id: UUID | None = None,
) -> list[Fact]:
    """Nobody is waited for any more: what was waited for has happened.

    Returns TaskClosed, or nothing if it was closed before. A task that was never opened leaves a tombstone,
    so that a late opening finds the work done; `call_id` and `application_id` are for that row.
    """
    if await store.insert_tombstone(
        conn,
        task_id(subject, kind, n),
        subject=subject,
        kind=kind,
        n=n,
        call_id=call_id,
        application_id=application_id,
        closed_by=by.id,
    ):
        return []
    row = await store.lock_latest(conn, subject, kind, n)
    if row is None or row.closed_at is not None:
        return []
    return [await _close(conn, row, TaskAction.CLOSE, by=by, because="done")]


async def cancel_task(
    conn: Connection, subject: str, kind: str, n: str, *, by: Actor, because: str
) -> list[Fact]:
    """The task is not needed any more; nothing happens if it is not open."""
    row = await store.lock_latest(conn, subject, kind, n)
    if row is None or row.closed_at is not None:
        return []
    return [await _close(conn, row, TaskAction.CANCEL, by=by, because=because)]


async def cancel_idle_tasks(conn: Connection, application_id: UUID, *, by: Actor) -> list[Fact]:
    """Cancel the open tasks that wait for nothing, as the case stands now; each notes why, for an undo."""
    case = await case_store.lock_case(conn, application_id)
    assert case is not None
    return [
        await _close(conn, row, TaskAction.CANCEL, by=by, because=because)
        for row in await store.lock_open_of_case(conn, application_id)
        if (because := _idle(case, row.kind, row.n)) is not None
    ]


def _idle(case: case_store.Case, kind: str, n: str) -> str | None:
    return idle_because(
        kind,
        n,
        state=case.state,
        version=case.version,
        touches=case.touches,
        ended_as=case.ended_as,
        lost_as=case.lost_as,
    )


async def _close(conn: Connection, row: store.Task, action: TaskAction, *, by: Actor, because: str) -> Fact:
    state = move(row.state, action)
    at = await now(conn)
    await store.close(conn, row.id, state, at=at, by=by.id, because=because)
    return events.TaskClosed(**identity_of(row), outcome=str(state), closed_at=at)


async def reopen_case_tasks(conn: Connection, application_id: UUID, *, because: str) -> list[Fact]:
    """The case goes on: wait again for everyone whose task `because` had cancelled, if it is needed now.

    A reopened task is a new incarnation with an id and a clock of its own; the time between does not count.
    """
    case = await case_store.lock_case(conn, application_id)
    assert case is not None
    facts: list[Fact] = []
    at = await now(conn)
    for old in await store.lock_cancelled_of_case(conn, application_id, because):
        if _idle(case, old.kind, old.n) is None:
            facts += await _reopen(conn, old, at)
    return facts


async def _reopen(conn: Connection, old: store.Task, at: datetime) -> list[Fact]:
    assert old.closed_at is not None
    stood_still = at - old.closed_at
    paused = await clocks.cause_of_pause_at(conn, old.id, old.closed_at)
    incarnation = old.incarnation + 1
    row = replace(
        old,
        id=task_id(old.subject, old.kind, f"{old.n}~{incarnation}"),
        incarnation=incarnation,
        state=TaskState.OPEN,
        claimed_by=None,
        opened_at=at,
        due_at=old.due_at + stood_still,
        closed_at=None,
        closed_by=None,
        closed_because=None,
    )
    if not await store.insert(conn, row):
        return []
    to_come = await clocks.steps_to_come(conn, old.id, old.due_at)
    steps = [PlannedStep(s.n, s.kind, s.level, s.at + stood_still, s.to) for s in to_come]
    await clocks.insert_steps(conn, row.id, row.due_at, steps)
    await question_store.carry_over(conn, old.id, row.id)
    return [opened(row, steps), *await _pause_from_the_start(conn, row, paused, at)]


def identity_of(row: store.Task) -> dict[str, Any]:
    """The fields that every fact of a task carries."""
    return {
        "task_id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "n": row.n,
        "call_id": row.call_id,
        "application_id": row.application_id,
    }


def opened(row: store.Task, steps: list[PlannedStep]) -> Fact:
    audience = Audience(row.audience_role, row.audience_organisation, row.audience_person)
    return events.TaskOpened(
        **identity_of(row),
        audience=as_event(audience),
        opened_at=row.opened_at,
        due_at=row.due_at,
        ladder=as_steps(steps),
        act_path=row.act_path,
    )


def as_event(audience: Audience) -> events.Audience:
    return events.Audience(**asdict(audience))


def as_steps(steps: list[PlannedStep]) -> list[events.Step]:
    return [events.Step(n=each.n, kind=each.kind, at=each.at) for each in steps]
