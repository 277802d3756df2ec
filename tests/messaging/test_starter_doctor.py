"""Doctor of the workflows asks the runs: each of its findings planted, and nothing found in what is well."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from services.common.db import Connection
from services.common.temporal import CauseInterceptor
from tests.messaging.test_starter import (  # noqa: F401 - fixtures
    client,
    migrated,
    module_temporal,
    opened,
    settings,
    temporal,
)
from tests.support import eventually
from tests.workflow.events import Applicant, fact
from workflows import delivery, doctor
from workflows.contracts.ids import (
    INTAKE_QUEUE,
    REVIEW_QUEUE,
    WORKFLOW_QUEUE,
    application_workflow_id,
    task_workflow_id,
)
from workflows.contracts.intake import CaseVersion
from workflows.contracts.review import OpenTask
from workflows.contracts.tasks import PRESCREEN, task_id
from workflows.doctor import Stuck, stuck
from workflows.worker import WORKFLOWS


@pytest.fixture
async def rows(as_role: Any) -> Connection:
    conn: Connection = await as_role("review", "owner")
    return conn


@pytest.fixture
async def inspector(as_role: Any) -> Connection:
    conn: Connection = await as_role("review", "inspector")
    return conn


@pytest.fixture
async def case(client: Client) -> Any:  # noqa: F811
    """A submitted application of the test's own; its run is ended afterwards."""
    made = Applicant()
    submitted = made.submitted()
    await delivery.start(client, "application", application_workflow_id(made.id), fact(submitted))
    yield made
    await client.get_workflow_handle(application_workflow_id(made.id)).terminate()


def worker(client: Client) -> Worker:  # noqa: F811
    return Worker(
        client, task_queue=WORKFLOW_QUEUE, workflows=list(WORKFLOWS), interceptors=[CauseInterceptor()]
    )


def about(found: set[Stuck], workflow_id: str) -> list[str]:
    return sorted(each.why for each in found if each.workflow_id == workflow_id)


async def add_task(rows: Connection, case: Applicant, *, closed_at: datetime | None = None) -> UUID:
    identity = task_id(str(case.id), PRESCREEN, "1")
    at = datetime.now(UTC)
    await rows.execute(
        """insert into task (id, subject, kind, n, call_id, application_id, state, audience_role, opened_at,
                             due_at, act_path, closed_at, closed_by)
           values ($1, $2, $3, '1', 'c', $4, $5, 'hf_adviser', $6, $6, 'POST review /v1', $7, $8)""",
        identity,
        str(case.id),
        PRESCREEN,
        case.id,
        "open" if closed_at is None else "done",
        at,
        closed_at,
        None if closed_at is None else "test",
    )
    return identity


async def test_wait_on_a_person_who_is_not_asked_is_found(client, case, rows, inspector):  # noqa: F811
    @activity.defn(name="review.open_task")
    async def opens_nothing(_task: OpenTask) -> None: ...

    workflow_id = application_workflow_id(case.id)
    async with (
        worker(client),
        Worker(client, task_queue=REVIEW_QUEUE, activities=[opens_nothing]),
    ):

        async def found() -> list[str]:
            return about(await stuck(client, inspector, patience=0), workflow_id)

        (why,) = await eventually(found, deadline=30)
        assert PRESCREEN in why
        assert str(case.id) in why
        await add_task(rows, case)
        assert await found() == []


async def test_step_that_is_refused_is_found(client, case, inspector):  # noqa: F811
    @activity.defn(name="review.open_task")
    async def refuses(_task: OpenTask) -> None:
        raise ApplicationError("no", type="Mistake", non_retryable=True)

    workflow_id = application_workflow_id(case.id)
    async with worker(client), Worker(client, task_queue=REVIEW_QUEUE, activities=[refuses]):

        async def found() -> list[str]:
            return about(await stuck(client, inspector, patience=0), workflow_id)

        assert await eventually(found, deadline=30) == ["a step is refused: review.open_task: Mistake"]


async def test_step_that_nothing_comes_of_is_found(client, case, inspector):  # noqa: F811
    @activity.defn(name="intake.run_formal_check")
    async def says_nothing(_check: CaseVersion) -> None: ...

    workflow_id = application_workflow_id(case.id)
    async with worker(client), Worker(client, task_queue=INTAKE_QUEUE, activities=[says_nothing]):

        async def found() -> bool:
            return "nothing comes of a step: formal_check" in about(
                await stuck(client, inspector, patience=0), workflow_id
            )

        assert await eventually(found, deadline=30)


async def test_run_whose_worker_is_away_is_found(client, case, inspector, monkeypatch):  # noqa: F811
    monkeypatch.setattr(doctor, "_ANSWER", timedelta(seconds=1))

    async def found() -> list[str]:
        return about(await stuck(client, inspector, patience=0), application_workflow_id(case.id))

    (why,) = await eventually(found)
    assert "is the workflow worker running?" in why


async def test_activity_that_is_tried_for_long_is_found(client, case, inspector, monkeypatch):  # noqa: F811
    """Nobody serves the services' queues here, so what the run asks for is not done."""
    monkeypatch.setattr(doctor, "_TOO_LONG", timedelta(seconds=1))
    async with worker(client):

        async def found() -> list[str]:
            return about(await stuck(client, inspector, patience=0), application_workflow_id(case.id))

        whys = await eventually(found, deadline=30)
        assert any("has been tried for more than a minute" in why for why in whys)


async def test_workflow_task_that_fails_is_found(client, inspector):  # noqa: F811
    workflow_id = f"task:{uuid4()}"
    await client.start_workflow("a type that nobody knows", id=workflow_id, task_queue=WORKFLOW_QUEUE)
    try:
        async with worker(client):

            async def found() -> list[str]:
                return [
                    each
                    for each in about(await stuck(client, inspector, patience=0), workflow_id)
                    if "fails" in each
                ]

            assert await eventually(found, deadline=30)
    finally:
        await client.get_workflow_handle(workflow_id).terminate()


async def test_run_that_somebody_terminated_is_found(client, inspector, as_role):  # noqa: F811
    case, unknown = Applicant(), f"application:{uuid4()}"
    workflow_id = application_workflow_id(case.id)
    handle = await delivery.start(client, "application", workflow_id, fact(case.submitted()))
    conn = await as_role("workflows", "owner")
    for each in (workflow_id, unknown):
        await conn.execute(
            """insert into run (workflow_id, started_event, started_at)
               values ($1, $2, clock_timestamp() - interval '2 minutes')""",
            each,
            uuid4(),
        )
    async with worker(client):
        assert not [
            why for why in about(await stuck(client, inspector, patience=0), workflow_id) if "gone" in why
        ]
        await handle.terminate()

        async def gone() -> bool:  # the list of those that run lags behind
            assert about(await stuck(client, inspector, patience=0), workflow_id) == [
                "its run is gone (TERMINATED), though the case has not ended"
            ]
            return True

        await eventually(gone)
        assert "gone (NOT_FOUND)" in about(await stuck(client, inspector, patience=0), unknown)[0]
    await conn.execute("update run set ended_at = clock_timestamp()")
    assert not about(await stuck(client, inspector, patience=0), workflow_id)


async def test_clock_of_a_task_that_is_not_open_is_found_and_an_open_one_is_well(client, rows, inspector):  # noqa: F811
    case = Applicant()
    event = opened(case)
    workflow_id = task_workflow_id(event.task_id)
    await delivery.start(client, "task", workflow_id, fact(event))
    try:

        async def listed() -> bool:
            runs = client.list_workflows(f"WorkflowId = '{workflow_id}'")
            return bool([run async for run in runs])

        await eventually(listed, deadline=20)
        async with worker(client):
            assert about(await stuck(client, inspector, patience=0), workflow_id) == ["its task is not open"]
            await add_task(rows, case)
            assert about(await stuck(client, inspector, patience=0), workflow_id) == []
    finally:
        await client.get_workflow_handle(workflow_id).terminate()


async def test_what_mends_itself_in_the_meantime_is_no_finding(client, rows, inspector, monkeypatch):  # noqa: F811
    case = Applicant()
    event = opened(case)
    workflow_id = task_workflow_id(event.task_id)
    handle = await delivery.start(client, "task", workflow_id, fact(event))
    looks: list[list[str]] = []
    look = doctor._look

    async def found() -> list[str]:
        return about(await stuck(client, inspector, patience=0), workflow_id)

    async def noted(*args: Any) -> set[Stuck]:
        found: set[Stuck] = await look(*args)
        looks.append(about(found, workflow_id))
        return found

    async with worker(client):
        assert await eventually(found, deadline=20) == ["its task is not open"]
        monkeypatch.setattr(doctor, "_look", noted)
        looking = asyncio.create_task(stuck(client, inspector, patience=20))
        await eventually(lambda: looks == [["its task is not open"]])
        await add_task(rows, case)
        assert about(await looking, workflow_id) == []
    await handle.terminate()


@workflow.defn(name="human_task")
class Mute:
    """A run that waits, and has no answer to the question for what."""

    @workflow.run
    async def run(self, _start: Any) -> None:
        await workflow.wait_condition(lambda: False)


async def test_run_that_does_not_say_what_it_waits_for_is_found(client, rows, inspector):  # noqa: F811
    case = Applicant()
    event = opened(case)
    workflow_id = task_workflow_id(event.task_id)
    handle = await delivery.start(client, "task", workflow_id, fact(event))
    await add_task(rows, case)
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue=WORKFLOW_QUEUE, workflows=[Mute], workflow_runner=runner):

        async def found() -> list[str]:
            return about(await stuck(client, inspector, patience=0), workflow_id)

        assert await eventually(found, deadline=30) == ["it does not say what it waits for"]
    await handle.terminate()
