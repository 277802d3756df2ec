"""The clock of a task: it stops while the other side owes an answer, can be moved, and drives the ladder."""

from datetime import datetime, timedelta
from uuid import UUID

from services.common.db import Connection, now
from services.common.record import Fact
from services.review import events
from services.review.commands.tasks import as_event, as_steps, identity_of
from services.review.commands.terms import calendar_of, get_call, terms_of
from services.review.domain.audiences import Audience, Surroundings, recipients
from services.review.domain.tasks import TaskAction, TaskState, move, plan, shift
from services.review.store import cases as case_store
from services.review.store import clocks
from services.review.store import panels as panel_store
from services.review.store import questions as question_store
from services.review.store import tasks as store
from workflows.contracts.review import LadderStep
from workflows.contracts.tasks import ANSWER_QUESTION


class StepNotDueYet(Exception):
    """The database's clock has not reached the step; `wait` is how long it still takes."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(str(wait))
        self.wait = wait


async def pause_task(conn: Connection, task: store.Task, *, cause: str) -> list[Fact]:
    """Stop the clock of this (locked) task. Nothing happens if it stands still already.

    StepOutOfOrder for a closed task.
    """
    if task.state is TaskState.PAUSED:
        return []
    state = move(task.state, TaskAction.PAUSE)
    at = await now(conn)
    await clocks.start_pause(conn, task.id, cause, at)
    await store.set_clock(conn, task.id, state, task.due_at)
    return [events.TaskPaused(**identity_of(task), paused_at=at)]


async def resume_task(conn: Connection, task: store.Task) -> list[Fact]:
    """Let the clock of this (locked) task run on: due and ladder move by exactly the time it stood still."""
    if task.state is not TaskState.PAUSED:
        return []
    at = await now(conn)
    to_come = await clocks.steps_to_come(conn, task.id, task.due_at)
    paused_at = await clocks.end_pause(conn, task.id, at)
    due_at = task.due_at + (at - paused_at)
    steps = shift(to_come, paused_at, at)
    await store.set_clock(conn, task.id, move(task.state, TaskAction.RESUME), due_at)
    await clocks.insert_steps(conn, task.id, due_at, steps)
    return [events.TaskMoved(**identity_of(task), due_at=due_at, ladder=as_steps(steps), cause="resumed")]


async def move_task(conn: Connection, task: store.Task, due_at: datetime, *, cause: str) -> list[Fact]:
    """Give this (locked) task a new due instant, and the ladder that the call plans for it; it runs again."""
    state = move(task.state, TaskAction.MOVE)
    at = await now(conn)
    call = await get_call(conn, task.call_id)
    if task.state is TaskState.PAUSED:
        await clocks.end_pause(conn, task.id, at)
    planned = plan(terms_of(call, task.kind).ladder, due_at, at, calendar_of(call))
    await store.set_clock(conn, task.id, state, due_at)
    await clocks.drop_untaken(conn, task.id, due_at)
    await clocks.insert_steps(conn, task.id, due_at, planned)
    # An unmoved due instant keeps its clock: what was taken on it stays taken.
    untaken = {step.n for step in await clocks.steps_to_come(conn, task.id, due_at)}
    steps = [step for step in planned if step.n in untaken]
    return [events.TaskMoved(**identity_of(task), due_at=due_at, ladder=as_steps(steps), cause=cause)]


async def take_ladder_step(conn: Connection, step: LadderStep) -> list[Fact]:
    """Remind or escalate, if the task is open, running and still due when the step thought.

    Under the task's lock, so that closing, pausing or moving it either comes before and silences the step, or
    after. Returns the one fact, or nothing. StepNotDueYet if the caller's clock runs ahead of ours.
    """
    task = await store.lock(conn, step.task_id)
    if task is None or task.state is not TaskState.OPEN or task.due_at != step.due_at:
        return []
    taken = await clocks.take_step(conn, task.id, step.due_at, step.n)
    if taken is None:
        wait = await clocks.time_until_step(conn, task.id, step.due_at, step.n)
        if wait is not None:
            raise StepNotDueYet(wait)
        return []
    to = [as_event(each) for each in recipients(taken.to, await _surroundings(conn, task))]
    if taken.kind == "reminder":
        return [events.TaskReminded(**identity_of(task), step=taken.n, to=to, due_at=task.due_at)]
    return [
        events.TaskEscalated(**identity_of(task), step=taken.n, level=taken.level, to=to, due_at=task.due_at)
    ]


async def _surroundings(conn: Connection, task: store.Task) -> Surroundings:
    case = None if task.application_id is None else await case_store.get_case(conn, task.application_id)
    asker = None
    if task.kind == ANSWER_QUESTION:
        question = await question_store.get(conn, UUID(task.n))
        asker = question.asked_by if question else None
    return Surroundings(
        audience=Audience(
            task.audience_role, task.audience_organisation, task.claimed_by or task.audience_person
        ),
        holder_id=case.holder_id if case else None,
        applicant=case.organisation if case else None,
        chair_id=await panel_store.chair_of(conn, task.subject.partition("/")[0]),
        asker_id=asker,
    )
