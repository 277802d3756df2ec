"""The starter: every fact reaches its workflow once, in order, whether it comes early, late or twice."""
# Longer than 300 lines because every way a fact can come shares one stage of broker, database and Temporal.

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from services.common.consumer import Consumer
from services.common.db import Connection, Database
from services.common.record import Fact as Event
from services.common.settings import Settings
from services.common.temporal import lazy_client
from services.review import events as review
from tests.messaging.conftest import Broker
from tests.support import eventually
from tests.support.facts import delivery
from tests.support.histories import text_of
from tests.support.processes import Process, python
from tests.support.temporal import NAMESPACE, TemporalServer
from tests.workflow.events import CALL, CANARY, Applicant
from workflows import starter
from workflows.contracts.facts import Fact, addressed
from workflows.contracts.ids import application_workflow_id, task_workflow_id
from workflows.contracts.tasks import PRESCREEN, task_id
from workflows.events import FactArrivedLate

SOON = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def migrated() -> frozenset[str]:
    return frozenset({"workflows", "review"})


@pytest.fixture(scope="module")
def module_temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    made = TemporalServer(tmp_path_factory.mktemp("temporal"))
    asyncio.run(made.start())
    yield made
    made.kill()


@pytest.fixture
async def temporal(module_temporal: TemporalServer) -> AsyncIterator[TemporalServer]:
    """The server, running; one that the test killed or froze is brought back afterwards."""
    yield module_temporal
    await module_temporal.bring_back()


@pytest.fixture
def settings(settings: Settings, temporal: TemporalServer) -> Settings:
    return settings.model_copy(update={"temporal_address": temporal.address, "temporal_namespace": NAMESPACE})


@pytest.fixture
async def client(temporal: TemporalServer) -> Client:
    return await temporal.client()


@pytest.fixture
async def database(open_database: Callable[[str], Awaitable[Database]]) -> Database:
    return await open_database("workflows")


@pytest.fixture
async def rows(as_role: Any) -> Connection:
    """The starter's tables, as their owner."""
    conn: Connection = await as_role("workflows", "owner")
    return conn


@pytest.fixture
async def takes(settings: Settings, database: Database) -> Callable[..., Awaitable[None]]:
    """`await takes(event, ...)`: the starter takes these events to their end, without a broker."""
    consumer = Consumer(database, "workflows", starter.TOPICS, starter.handlers(await lazy_client(settings)))

    async def take(*events: Event, ids: list[uuid.UUID] | None = None) -> None:
        for number, event in enumerate(events):
            key = str(event.to_data().get("application_id") or event.to_data()["call_id"])
            await consumer.take(delivery(event, key, event_id=ids[number] if ids else None))

    return take


@pytest.fixture
async def topics(broker: Broker) -> None:
    await broker.create_topics(*starter.TOPICS)


async def sent(broker: Broker, event: Event) -> str:
    """Put the event on its topic as the relay does; its id."""
    message = delivery(event, key_of(event))
    await broker.send(message.topic, message.raw_key, message.value, message.headers)
    return str(message.event_id)


def key_of(event: Event) -> str:
    return str(event.to_data().get("application_id") or event.to_data()["call_id"])


def workflow_of(event: Event) -> str:
    return addressed(event.TYPE, event.to_data())[1]


async def told(client: Client, workflow_id: str) -> list[Fact]:
    """The facts in the run's history, in order; empty while it does not exist."""
    try:
        history = await client.get_workflow_handle(workflow_id).fetch_history()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return []
        raise
    signals = [each.workflow_execution_signaled_event_attributes for each in history.events]
    payloads = [payload for signal in signals for payload in signal.input.payloads]
    facts: list[Fact] = (
        await client.data_converter.decode(payloads, [Fact] * len(payloads)) if payloads else []
    )
    return facts


async def told_once(client: Client, workflow_id: str) -> list[Fact]:
    """The same without what was told again: a fact cannot be noted in the very moment it is told."""
    return list({each.event_id: each for each in await told(client, workflow_id)}.values())


async def types_told(client: Client, case: Applicant) -> list[str]:
    return [each.type.split(".")[3] for each in await told(client, application_workflow_id(case.id))]


def opened(case: Applicant) -> review.TaskOpened:
    return review.TaskOpened(
        **_task(case),
        audience=review.Audience(role="hf_adviser", organisation="STOLAV"),
        opened_at=datetime.now(UTC),
        due_at=SOON,
        ladder=[],
        act_path="POST review /v1/cases",
    )


def closed(case: Applicant) -> review.TaskClosed:
    return review.TaskClosed(**_task(case), outcome="done", closed_at=datetime.now(UTC))


def moved(case: Applicant) -> review.TaskMoved:
    return review.TaskMoved(**_task(case), due_at=SOON, ladder=[], cause="extended")


def _task(case: Applicant) -> dict[str, Any]:
    return {
        "task_id": task_id(str(case.id), PRESCREEN, "1"),
        "kind": PRESCREEN,
        "subject": str(case.id),
        "n": "1",
        "call_id": CALL,
        "application_id": case.id,
    }


async def late_events(rows: Connection) -> list[FactArrivedLate]:
    found = await rows.fetch(
        "select payload::jsonb as data, key from outbox where topic = 'workflows.events'"
    )
    return [FactArrivedLate.from_data(row["data"]) for row in found]


# --- in any order


@pytest.mark.parametrize("seed", range(3))
async def test_facts_of_all_topics_in_any_order_reach_their_runs_once_and_in_order(
    broker, topics, settings, database, client, rows, running, seed
):
    cases = [Applicant() for _ in range(3)]
    events = [
        [case.clarified("HP"), case.submitted(1), case.passed(1), case.prescreened("returned", 1),
         case.submitted(2), case.passed(2), case.prescreened("recommended", 2), case.entered(),
         case.decided("declined_ranking"), case.letter("declined_ranking", SOON)]
        for case in cases
    ]  # fmt: skip
    by_topic = {
        topic: [each for case in events for each in case if each.TOPIC == topic] for topic in starter.TOPICS
    }
    shuffled = random.Random(seed)
    expected: dict[tuple[str, str], list[str]] = {}
    while any(by_topic.values()):
        event = by_topic[shuffled.choice([topic for topic, left in by_topic.items() if left])].pop(0)
        expected.setdefault((workflow_of(event), event.TOPIC), []).append(await sent(broker, event))
    consumer = Consumer(database, "workflows", starter.TOPICS, starter.handlers(await lazy_client(settings)))
    running(consumer.run())

    own = [application_workflow_id(case.id) for case in cases]

    async def all_told() -> bool:
        for (workflow_id, topic), ids in expected.items():
            facts = [
                each
                for each in await told_once(client, workflow_id)
                if f"{each.type.split('.')[2]}.events" == topic
            ]
            assert [each.event_id for each in facts] == ids
        # What an earlier test left on the topics may come here too.
        for table, number in (("run", 3), ("early_fact", 0)):
            count = await rows.fetchval(f"select count(*) from {table} where workflow_id = any($1)", own)
            assert count == number, table
        return True

    await eventually(all_told, deadline=60)
    for case in cases:
        assert (await types_told(client, case))[0] == "application-submitted"


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_the_order_between_topics_each_is_told_in_its_own(takes, client, rows, seed):
    """One by one, so that the order of taking is the seed's, whatever the broker would make of it."""
    case = Applicant()
    waiting = {
        "intake.events": [case.submitted(1), case.passed(1), case.submitted(2), case.passed(2)],
        "review.events": [case.clarified("HP"), case.prescreened("returned", 1), case.entered()],
        "funding.events": [case.decided("reserve"), case.letter("reserve", SOON, SOON)],
    }
    expected = {topic: [each.TYPE for each in events] for topic, events in waiting.items()}
    shuffled = random.Random(seed)
    while any(waiting.values()):
        await takes(waiting[shuffled.choice([topic for topic, left in waiting.items() if left])].pop(0))
    facts = await told(client, application_workflow_id(case.id))
    assert facts[0].type == case.submitted().TYPE
    for topic, types in expected.items():
        service = topic.partition(".")[0]
        assert [each.type for each in facts if each.type.split(".")[2] == service] == types
    assert await rows.fetchval("select count(*) from early_fact") == 0


async def test_early_facts_are_told_in_their_order_when_the_run_starts(takes, client, rows):
    case = Applicant()
    await takes(case.clarified("HP"), case.clarified("TTO"), case.passed())
    assert await told(client, application_workflow_id(case.id)) == []
    assert await rows.fetchval("select count(*) from early_fact") == 3
    await takes(case.submitted())
    facts = await told(client, application_workflow_id(case.id))
    assert [each.type.split(".")[3] for each in facts] == [
        "application-submitted",
        "clarification-answered",
        "clarification-answered",
        "formal-check-passed",
    ]
    assert [each.data["organisation"] for each in facts[1:3]] == ["HP", "TTO"]
    assert await rows.fetchval("select count(*) from early_fact") == 0


async def test_resubmission_after_a_return_is_told_to_the_run_that_waits_for_it(takes, client, rows):
    case = Applicant()
    await takes(case.submitted(1), case.prescreened("returned", 1), case.submitted(2))
    assert await types_told(client, case) == [
        "application-submitted",
        "prescreening-decided",
        "application-submitted",
    ]
    assert await rows.fetchval("select count(*) from run") == 1


async def test_start_holds_ids_alone(takes, client):
    case = Applicant()
    await takes(case.submitted())
    history = await client.get_workflow_handle(application_workflow_id(case.id)).fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    (start,) = started.input.payloads
    assert start.data.decode() == f'{{"application_id":"{case.id}","call_id":"{CALL}"}}'
    assert str(case.id) in text_of(history)
    assert CANARY not in text_of(history)


# --- twice, and too late


async def test_event_that_is_delivered_again_after_the_retention_starts_nothing(takes, client, rows):
    """Temporal has forgotten the ended run; our row has not."""
    case, event_id = Applicant(), uuid.uuid4()
    workflow_id = application_workflow_id(case.id)
    await rows.execute(
        "insert into run (workflow_id, started_event, ended_at) values ($1, $2, clock_timestamp())",
        workflow_id,
        event_id,
    )
    await takes(case.submitted(), ids=[event_id])
    assert await told(client, workflow_id) == [], "the ended case was started again"
    assert await late_events(rows) == []
    # A later version is no redrive: nobody would act on it, so an adviser must know.
    await takes(case.submitted(2))
    assert await told(client, workflow_id) == []
    assert [each.type for each in await late_events(rows)] == [case.submitted().TYPE]


async def test_fact_for_an_ended_run_is_recorded_and_published_for_an_adviser(takes, client, rows):
    case, event_id = Applicant(), uuid.uuid4()
    await takes(case.submitted())
    await rows.execute("update run set ended_at = clock_timestamp()")
    before = await types_told(client, case)
    await takes(case.complained(), ids=[event_id])
    assert await types_told(client, case) == before
    (late,) = await late_events(rows)
    assert (late.application_id, late.event_id, late.call_id) == (case.id, event_id, CALL)
    assert await rows.fetchval("select key from outbox") == str(case.id)
    assert await rows.fetchval("select action from audit") == "fact.arrived_late"
    await rows.execute("delete from inbox")
    await takes(case.complained(), ids=[event_id])
    assert len(await late_events(rows)) == 1


async def test_fact_for_a_run_that_was_terminated_by_hand_is_late_too(takes, client, rows):
    case = Applicant()
    await takes(case.submitted())
    await client.get_workflow_handle(application_workflow_id(case.id)).terminate()
    await takes(case.passed())
    assert len(await late_events(rows)) == 1
    assert await rows.fetchval("select ended_at is not null from run")


async def test_run_that_ended_before_our_database_was_set_back_is_not_started_again(takes, client, rows):
    case = Applicant()
    await takes(case.submitted())
    await client.get_workflow_handle(application_workflow_id(case.id)).terminate()
    await rows.execute("delete from run")
    await takes(case.submitted())
    description = await client.get_workflow_handle(application_workflow_id(case.id)).describe()
    assert description.status is WorkflowExecutionStatus.TERMINATED
    assert len(await late_events(rows)) == 1


async def test_run_notes_its_own_end_and_what_comes_then_is_late(
    settings, temporal, takes, client, rows, tmp_path
):
    case = Applicant()
    await takes(opened(case))
    worker = _process(settings, "worker", tmp_path)
    try:
        await takes(closed(case))
        await eventually(lambda: rows.fetchval("select ended_at from run"), deadline=30)
        handle = client.get_workflow_handle(task_workflow_id(task_id(str(case.id), PRESCREEN, "1")))
        async with asyncio.timeout(20):
            await handle.result()
    finally:
        worker.kill()
    await takes(moved(case))
    (late,) = await late_events(rows)
    assert late.type == review.TaskMoved.TYPE
    assert late.application_id == case.id


def _process(settings: Settings, role: str, folder: Path) -> Process:
    from tests.support.environment import STACK

    environment = {
        **STACK.values,
        "POSTGRES_DB": settings.postgres_db,
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "TEMPORAL_ADDRESS": settings.temporal_address,
        "OTEL_TRACES_EXPORTER": "none",
    }
    return Process(python("workflows", role), environment, folder / f"{role}.log")


# --- what cannot be done, and who is away


async def test_no_fact_of_a_wrong_type_gets_into_a_history(takes, database, client, rows):
    """There it could not be mended: the run would fail at it for ever."""
    case = Applicant()
    await takes(opened(case))
    consumer = Consumer(database, "workflows", starter.TOPICS, starter.handlers(client))
    message = delivery(moved(case), str(case.id))
    soon = json.dumps({**moved(case).to_data(), "due_at": "soon"}).encode()
    await consumer.take(replace(message, value=soon))
    assert "due_at" in await rows.fetchval("select reason from parked")
    facts = await told(client, workflow_of(opened(case)))
    assert [each.type for each in facts] == [opened(case).TYPE]


async def test_fact_without_what_its_type_promises_is_parked(takes, database, rows):
    consumer = Consumer(database, "workflows", starter.TOPICS, starter.handlers(None))
    case = Applicant()
    message = delivery(case.prescreened(), str(case.id))
    value = json.dumps({"application_id": str(case.id), "call_id": CALL}).encode()
    await consumer.take(replace(message, value=value))
    reason = await rows.fetchval("select reason from parked")
    assert reason.startswith("Malformed")
    assert "version" in reason


@pytest.mark.timeout(480)
@pytest.mark.parametrize(("fault", "seconds"), [("killed", 0), ("frozen", 0), ("killed", 60)])
async def test_starter_waits_for_temporal_and_goes_on_by_itself(
    broker, topics, settings, temporal, rows, tmp_path, fault, seconds
):
    before, meanwhile = Applicant(), [Applicant() for _ in range(3)]
    process = _process(settings, "starter", tmp_path)
    try:
        await sent(broker, before.submitted())
        await eventually(lambda: _runs_are(rows, [before]), deadline=60)
        temporal.kill() if fault == "killed" else temporal.freeze()
        for case in meanwhile:
            await sent(broker, case.submitted())
            await sent(broker, case.passed())
        await eventually(lambda: _tried_for(process) >= timedelta(seconds=seconds), deadline=90)
        keys = [str(case.id) for case in meanwhile]
        assert await rows.fetchval("select count(*) from inbox where key = any($1)", keys) == 0
        await temporal.bring_back()
        client = await temporal.client()
        for case in meanwhile:

            async def all_told(case: Applicant = case) -> bool:
                facts = await told_once(client, application_workflow_id(case.id))
                assert [each.type for each in facts] == [case.submitted().TYPE, case.passed().TYPE]
                return True

            await eventually(all_told, deadline=60)
        assert await rows.fetchval("select count(*) from parked") == 0
        await eventually(lambda: _runs_are(rows, [before, *meanwhile]))
        assert process.running()
    finally:
        process.kill()


async def _runs_are(rows: Connection, cases: list[Applicant]) -> bool:
    """Each of these has its run. What an earlier test left on the topics may have come too."""
    ids = [application_workflow_id(case.id) for case in cases]
    found: int = await rows.fetchval("select count(*) from run where workflow_id = any($1)", ids)
    return found == len(ids)


def _tried_for(process: Process) -> timedelta:
    """How long it has been asking again for what is away."""
    waits = [json.loads(line) for line in process.output().splitlines() if "event waits" in line]
    assert waits, "it does not wait yet"
    first, last = (datetime.fromisoformat(waits[n]["timestamp"]) for n in (0, -1))
    return last - first
