"""What people do with a task besides the work itself: take it, give it back, pass it on."""

from collections.abc import Sequence
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection
from services.common.errors import FieldError, Forbidden, Invalid, NotFound, Refused, StepOutOfOrder
from services.common.record import Actor, Fact
from services.review import events
from services.review.commands.recording import record_facts
from services.review.commands.tasks import close_task, identity_of
from services.review.domain.tasks import TaskAction, move
from services.review.policy import (
    IN_PERSON,
    Act,
    TaskAccess,
    in_audience,
    permit_role,
    require_other_person,
    sees_task,
    waits_for,
)
from services.review.store import people, worklist
from services.review.store import tasks as store
from workflows.contracts.tasks import HANDLE_LATE_FACT, REACH_RECIPIENT


class ClaimedByAnother(Refused):
    """Somebody else has taken this task."""


class NotTransferable(Refused):
    """This task is meant for its person and cannot be passed on."""


_HANDLED_HERE = frozenset({HANDLE_LATE_FACT, REACH_RECIPIENT})


async def claim_task(conn: Connection, caller: Caller, task_id: UUID) -> store.Task:
    """Take the task from the common list. Again: nothing happens. ClaimedByAnother if it is taken."""
    task, access = await _lock_visible(conn, caller, task_id)
    require_other_person(caller.person_id, access.not_person)
    _require(in_audience(caller, access))
    move(task.state, TaskAction.CLAIM)
    if task.claimed_by not in (None, caller.person_id):
        raise ClaimedByAnother
    if task.claimed_by is None:
        await store.set_claim(conn, task.id, caller.person_id)
        await _note(conn, caller, task, "task.claimed")
    return await _again(conn, task.id)


async def release_task(conn: Connection, caller: Caller, task_id: UUID) -> store.Task:
    """Give the task back to the common list: who took it, or an adviser for them."""
    task, _access = await _lock_visible(conn, caller, task_id)
    _require(caller.person_id == task.claimed_by or "rhf_adviser" in caller.roles)
    move(task.state, TaskAction.RELEASE)
    if task.claimed_by is not None:
        await store.set_claim(conn, task.id, None)
        await _note(conn, caller, task, "task.released")
    return await _again(conn, task.id)


async def hand_over_task(conn: Connection, caller: Caller, task_id: UUID, to: UUID) -> store.Task:
    """Pass the task on to a colleague: whoever it waits for may."""
    task, access = await _lock_visible(conn, caller, task_id)
    require_other_person(caller.person_id, access.not_person)
    _require(in_audience(caller, access))
    if not waits_for(caller, access):
        raise ClaimedByAnother
    return await _pass_on(conn, caller, task, to, "task.handed-over")


async def reassign_task(conn: Connection, caller: Caller, task_id: UUID, to: UUID) -> store.Task:
    """Give the task to somebody, whoever had it: an adviser of the funder may."""
    permit_role(caller, Act.REASSIGN_TASK)
    task, _access = await _lock_visible(conn, caller, task_id)
    return await _pass_on(conn, caller, task, to, "task.reassigned")


async def handle_task(conn: Connection, caller: Caller, task_id: UUID, note: str) -> store.Task:
    """Close a task that no service's decision closes, saying what was done about it.

    StepOutOfOrder for any other kind: its act_path says where it is done.
    """
    permit_role(caller, Act.HANDLE_TASK)
    task, _access = await _lock_visible(conn, caller, task_id)
    if task.kind not in _HANDLED_HERE:
        raise StepOutOfOrder("This task is done where its act_path points")
    move(task.state, TaskAction.CLOSE)
    facts = await close_task(
        conn,
        task.subject,
        task.kind,
        task.n,
        by=caller.actor,
        call_id=task.call_id,
        application_id=task.application_id,
    )
    body = {"task_id": str(task.id), "note": note}
    await record_facts(conn, caller.actor, "task.handled", body, facts)
    return await _again(conn, task.id)


async def _lock_visible(conn: Connection, caller: Caller, task_id: UUID) -> tuple[store.Task, TaskAccess]:
    task = await store.lock(conn, task_id)
    if task is None:
        raise NotFound
    access = await worklist.access(conn, task, caller.person_id)
    if not sees_task(caller, access):
        raise NotFound
    return task, access


def _require(permitted: bool) -> None:
    if not permitted:
        raise Forbidden("The task waits for others")


async def _pass_on(conn: Connection, caller: Caller, task: store.Task, to: UUID, action: str) -> store.Task:
    move(task.state, TaskAction.HAND_OVER)
    if task.audience_role in IN_PERSON:
        raise NotTransferable
    await _require_fitting(conn, task, to)
    if task.audience_person != to:
        await store.set_audience(conn, task.id, to)
        audience = events.Audience(
            role=task.audience_role, organisation=task.audience_organisation, person_id=to
        )
        handed_over = events.TaskHandedOver(**identity_of(task), audience=audience)
        await _note(conn, caller, task, action, [handed_over], to=to)
    return await _again(conn, task.id)


async def _require_fitting(conn: Connection, task: store.Task, to: UUID) -> None:
    """Invalid unless this person has the role and organisation, may act (two-person rule) and sees the case.

    One answer for every cause: somebody's conflict is not told to a colleague.
    """
    person = await people.get_person(conn, to)
    fits = (
        person is not None
        and task.audience_role in person.roles
        and task.audience_organisation in (None, person.organisation)
        and to != task.not_person
        and not (task.application_id and await people.has_conflict(conn, task.application_id, to))
    )
    if not fits:
        role = " ".join(filter(None, (task.audience_role, task.audience_organisation)))
        raise Invalid(errors=[FieldError("person_id", str(to), f"name a {role} who may do this task")])


async def _note(
    conn: Connection,
    caller: Caller,
    task: store.Task,
    action: str,
    facts: Sequence[Fact] = (),
    *,
    to: UUID | None = None,
) -> None:
    body = {"task_id": str(task.id), "kind": task.kind}
    if to is not None:
        body["to"] = str(to)
    actor: Actor = caller.actor
    await record_facts(conn, actor, action, body, facts, key=str(task.application_id or task.call_id))


async def _again(conn: Connection, task_id: UUID) -> store.Task:
    task = await store.get(conn, task_id)
    assert task is not None
    return task
