"""The worklist: one list for every kind of task."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.common.auth import Caller, CallerDep
from services.common.db import Connection, Database
from services.common.denials import noting_denials
from services.common.errors import FieldError, Invalid, NotFound
from services.common.http import Body, DatabaseDep, decode_cursor, encode_cursor
from services.common.idempotency import once
from services.review.api.inputs import Text
from services.review.commands import worklist as commands
from services.review.domain.act_paths import waiver_path
from services.review.policy import sees_task
from services.review.store import worklist as store
from services.review.store.tasks import Task
from workflows.contracts.tasks import KINDS

router = APIRouter(prefix="/v1", tags=["tasks"])

Kind = Annotated[str, Field(pattern="^(" + "|".join(KINDS) + ")$")]
CallId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]


class AudienceView(BaseModel):
    """One person, or everybody of a role (of one organisation, if named)."""

    role: str
    organisation: str | None
    person_id: UUID | None


class TaskView(BaseModel):
    """One wait on a person. `act_path` is `<METHOD> <service> <path>`: where the work is done; `waiver_path`:
    where an adviser of the funder lets the case go on without it, once it is overdue."""

    id: UUID
    kind: str
    subject: str
    n: str
    application_id: UUID | None
    call_id: str
    title: str | None
    organisation: str | None
    audience: AudienceView
    opened_at: AwareDatetime
    due_at: AwareDatetime
    state: Literal["open", "paused", "done", "cancelled"]
    claimed_by: UUID | None
    closed_at: AwareDatetime | None
    act_path: str
    waiver_path: str | None

    @classmethod
    def of(cls, listed: store.Listed) -> Self:
        task = listed.task
        return cls(
            id=task.id,
            kind=task.kind,
            subject=task.subject,
            n=task.n,
            application_id=task.application_id,
            call_id=task.call_id,
            title=listed.title,
            organisation=listed.organisation,
            audience=AudienceView(
                role=task.audience_role,
                organisation=task.audience_organisation,
                person_id=task.audience_person,
            ),
            opened_at=task.opened_at,
            due_at=task.due_at,
            state=task.state.value,
            claimed_by=task.claimed_by,
            closed_at=task.closed_at,
            act_path=task.act_path,
            waiver_path=waiver_path(task.kind, task.n, task.application_id),
        )


class TaskPage(BaseModel):
    """`next` is the cursor of the page that follows, or null on the last."""

    items: list[TaskView]
    next: str | None


class TaskCounts(BaseModel):
    """How many tasks each view holds."""

    mine: int
    all: int
    due: int
    overdue: int


class PassOn(Body):
    """Who shall do the task instead."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"person_id": "3f2c1f0e-6a51-5c0b-9a3e-7b1d2c4e5f60"}]}
    )

    person_id: UUID


class Handled(Body):
    """What was done about it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"note": "Called the project leader; the address is corrected."}]}
    )

    note: Text


@router.get("/tasks", summary="The open tasks of a view, most urgent first")
async def list_tasks(
    caller: CallerDep,
    database: DatabaseDep,
    view: Literal["mine", "all", "due", "overdue"] = "mine",
    kind: Annotated[Kind | None, Query()] = None,
    call_id: Annotated[CallId | None, Query()] = None,
    application_id: UUID | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> TaskPage:
    """`mine`: what waits for me, and nobody else has claimed. `all`: every open task that I may see.
    `due`: of these, what falls due within three days. `overdue`: what is past due and not paused.
    """
    wanted = store.Filter(view=view, kind=kind, call_id=call_id, application_id=application_id)
    after = None if cursor is None else _after(cursor)
    async with database.read() as conn:
        found = await store.page(conn, caller, wanted, after, limit + 1)
    shown = found[:limit]
    following = None
    if len(found) > limit:
        following = encode_cursor(shown[-1].task.due_at, str(shown[-1].task.id))
    return TaskPage(items=[TaskView.of(each) for each in shown], next=following)


def _after(cursor: str) -> tuple[datetime, UUID]:
    due_at, task_id = decode_cursor(cursor, 2)
    try:
        at = datetime.fromisoformat(due_at)
        if at.tzinfo is None:
            raise ValueError("no offset")
        return at, UUID(task_id)
    except (TypeError, ValueError, AttributeError):
        remedy = "use `next` of the page before, unchanged"
        raise Invalid("cursor", errors=[FieldError("cursor", cursor[:100], remedy)]) from None


@router.get("/tasks/count", summary="How many tasks each view holds")
async def count_tasks(caller: CallerDep, database: DatabaseDep) -> TaskCounts:
    async with database.read() as conn:
        found = await store.counts(conn, caller)
    return TaskCounts(mine=found.mine, all=found.all, due=found.due, overdue=found.overdue)


@router.get("/tasks/{task_id}", summary="One task, open or closed")
async def read_task(task_id: UUID, caller: CallerDep, database: DatabaseDep) -> TaskView:
    async with database.read() as conn:
        return await _view(conn, caller, task_id)


@router.post("/tasks/{task_id}/claim", response_model=TaskView, summary="Take a task from the common list")
async def claim_task(task_id: UUID, request: Request, caller: CallerDep, database: DatabaseDep) -> Response:
    return await _act(
        request, caller, database, task_id, lambda conn: commands.claim_task(conn, caller, task_id)
    )


@router.post("/tasks/{task_id}/release", response_model=TaskView, summary="Give a task back")
async def release_task(task_id: UUID, request: Request, caller: CallerDep, database: DatabaseDep) -> Response:
    return await _act(
        request, caller, database, task_id, lambda conn: commands.release_task(conn, caller, task_id)
    )


@router.post("/tasks/{task_id}/hand-over", response_model=TaskView, summary="Pass a task on to a colleague")
async def hand_over_task(
    task_id: UUID, body: PassOn, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    return await _act(
        request,
        caller,
        database,
        task_id,
        lambda conn: commands.hand_over_task(conn, caller, task_id, body.person_id),
    )


@router.post("/tasks/{task_id}/reassign", response_model=TaskView, summary="Give a task to somebody")
async def reassign_task(
    task_id: UUID, body: PassOn, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    return await _act(
        request,
        caller,
        database,
        task_id,
        lambda conn: commands.reassign_task(conn, caller, task_id, body.person_id),
    )


@router.post("/tasks/{task_id}/handled", response_model=TaskView, summary="Close a task that is an alarm")
async def handle_task(
    task_id: UUID, body: Handled, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    return await _act(
        request,
        caller,
        database,
        task_id,
        lambda conn: commands.handle_task(conn, caller, task_id, body.note),
    )


async def _act(
    request: Request,
    caller: Caller,
    database: Database,
    task_id: UUID,
    command: Callable[[Connection], Awaitable[Task]],
) -> Response:
    async def run(conn: Connection) -> TaskView:
        await command(conn)
        listed = await store.get(conn, task_id)
        assert listed is not None
        return TaskView.of(listed)

    async with noting_denials(database, caller, request.scope["route"].name, task_id):
        return await once(request, caller, database, run, status=200)


async def _view(conn: Connection, caller: Caller, task_id: UUID) -> TaskView:
    listed = await store.get(conn, task_id)
    if listed is None:
        raise NotFound
    if not sees_task(caller, await store.access(conn, listed.task, caller.person_id)):
        raise NotFound
    return TaskView.of(listed)
