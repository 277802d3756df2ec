"""Activities and traces: a fact's trace goes on through what it causes, a timer begins one of its own."""

import uuid

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Worker

from services.common.context import current_cause
from services.common.errors import StepOutOfOrder
from services.common.temporal import CauseInterceptor, activity_worker, connect, implements, workflow_actor
from tests.service.kernel_workflows import (
    FactIn,
    KernelCase,
    KernelFailure,
    Step,
    fail_stub,
    step_stub,
)
from tests.support import eventually
from tests.support.environment import stack_settings
from tests.support.histories import text_of
from tests.support.spans import trace_id

CANARY = "Kari Kanarifugl"


@pytest.fixture
async def engine():
    """A client, and workers for the workflows and activities above on queues of this test's own."""
    client = await connect(stack_settings())
    queue = f"kernel-{uuid.uuid4()}"
    seen = []
    tries = []

    async def step(step: Step) -> str:
        cause = current_cause()
        seen.append((step.name, cause.call_id, cause.causation_id, workflow_actor().id))
        return step.name

    async def fail(how: str) -> None:
        tries.append(how)
        match how:
            case "refuse":
                raise StepOutOfOrder(f"{CANARY} came too late")
            case "bug":
                raise ValueError(CANARY)

    activities = [implements(step_stub, step), implements(fail_stub, fail)]
    workflows = Worker(
        client,
        task_queue=f"{queue}-w",
        workflows=[KernelCase, KernelFailure],
        interceptors=[CauseInterceptor()],
    )
    async with workflows, activity_worker(client, queue, activities):
        yield client, queue, seen, tries


TRACE_A = "00-" + "a" * 32 + "-" + "1" * 16 + "-01"
TRACE_B = "00-" + "b" * 32 + "-" + "2" * 16 + "-01"


async def test_activities_carry_the_trace_and_cause_of_the_fact_that_made_them_run(engine, spans):
    client, queue, seen, _ = engine
    application = str(uuid.uuid4())
    handle = await client.start_workflow(
        "KernelCase",
        queue,
        id=f"application:{application}",
        task_queue=f"{queue}-w",
        start_signal="fact",
        start_signal_args=[FactIn("event-1", "x", TRACE_A)],
    )
    await eventually(lambda: len(seen) == 2)
    await handle.signal("fact", FactIn("event-2", "y", TRACE_B))
    await handle.result()
    workflow_id = f"application:{application}"
    assert seen == [
        ("first-1", workflow_id, "event-1", workflow_id),
        ("second-1", workflow_id, "event-1", workflow_id),
        ("first-2", workflow_id, "event-2", workflow_id),
        ("second-2", workflow_id, "event-2", workflow_id),
        ("timer-2", workflow_id, None, workflow_id),
    ]
    found = spans.all("review.step")
    assert [trace_id(span) for span in found[:4]] == ["a" * 32, "a" * 32, "b" * 32, "b" * 32]
    timer = found[4]
    assert trace_id(timer) not in ("a" * 32, "b" * 32)
    assert timer.parent is None
    assert [format(link.context.trace_id, "032x") for link in timer.links] == ["b" * 32]
    assert {span.attributes["application_id"] for span in found} == {application}


async def test_the_clock_of_a_task_names_the_application_it_is_about(engine, spans):
    client, queue, seen, _ = engine
    application = str(uuid.uuid4())
    await client.execute_workflow(
        "KernelCase",
        queue,
        id=f"task:{uuid.uuid4()}",
        task_queue=f"{queue}-w",
        start_signal="fact",
        start_signal_args=[FactIn("event-1", "x", TRACE_A, {"application_id": application})],
    )
    assert [name for name, *_ in seen] == ["first-1", "second-1", "timer-1"]
    assert [span.attributes["application_id"] for span in spans.all("review.step")] == [application] * 3


async def test_a_refusal_ends_the_activity_and_no_text_gets_into_history(engine, spans):
    client, queue, _, tries = engine
    handle = await client.start_workflow(
        "KernelFailure", args=[queue, "refuse", 5], id=str(uuid.uuid4()), task_queue=f"{queue}-w"
    )
    with pytest.raises(WorkflowFailureError) as raised:
        await handle.result()
    assert tries == ["refuse"]
    cause = raised.value.cause
    assert isinstance(cause, ActivityError)
    assert isinstance(cause.cause, ApplicationError)
    assert (cause.cause.type, cause.cause.message) == ("StepOutOfOrder", "StepOutOfOrder")
    kept = text_of(await handle.fetch_history())
    assert f'"{queue}"' in kept, "its input was decoded"
    assert CANARY not in kept
    assert CANARY not in spans.text()


async def test_every_other_error_is_tried_again_and_its_text_stays_here(engine, spans):
    client, queue, _, tries = engine
    handle = await client.start_workflow(
        "KernelFailure", args=[queue, "bug", 3], id=str(uuid.uuid4()), task_queue=f"{queue}-w"
    )
    with pytest.raises(WorkflowFailureError) as raised:
        await handle.result()
    assert tries == ["bug"] * 3
    assert isinstance(raised.value.cause, ActivityError)
    assert "ValueError" in str(raised.value.cause.cause)
    kept = text_of(await handle.fetch_history())
    assert f'"{queue}"' in kept, "its input was decoded"
    assert CANARY not in kept
    assert CANARY not in spans.text()
    assert [span.attributes["error.type"] for span in spans.all("review.fail")] == ["ApplicationError"] * 3


def test_an_implementation_with_another_signature_is_refused():
    async def fewer() -> str: ...

    async def other_type(step: str) -> str: ...

    async def other_name(stride: Step) -> str: ...

    async def other_answer(step: Step) -> None: ...

    for function in (fewer, other_type, other_name, other_answer):
        with pytest.raises(TypeError, match="signature"):
            implements(step_stub, function)
