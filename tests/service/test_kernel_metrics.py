"""The figures that are watched: right while things wait, and zero when nothing does."""

import uuid
from typing import Any

import pytest
from opentelemetry import metrics as api
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from services.common import metrics
from services.common.consumer import Consumer
from services.common.record import Actor, record
from tests.messaging.service import HANDLERS, on_topic
from tests.support.facts import delivery


@pytest.fixture(scope="module")
def reader() -> InMemoryMetricReader:
    """A process has one meter provider for all its life."""
    made = InMemoryMetricReader()
    api.set_meter_provider(MeterProvider([made]))
    return made


def figures(reader: InMemoryMetricReader) -> dict[str, dict[str, Any]]:
    """name -> {the value of its one attribute, or "": the point}"""
    data = reader.get_metrics_data()
    return {
        metric.name: {next(iter(each.attributes.values()), ""): each for each in metric.data.data_points}
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


async def test_what_waits_and_what_is_set_aside_is_told(reader, open_database, as_role):
    database = await open_database("review")
    by_kind = metrics.Gauge("innoflyt.test.by_kind", "1", "select 'x' as kind, 2 as value", "a test")
    read = metrics.watch([by_kind], database)
    await read(None)
    before = figures(reader)
    assert before["innoflyt.outbox.oldest_unsent"][""].value == 0
    assert before["innoflyt.events.parked"][""].value == 0
    assert before["innoflyt.test.by_kind"]["x"].value == 2
    async with database.transaction() as conn:
        fact = on_topic("t.events", number=1)
        await record(conn, key="K", actor=Actor("service", "review"), action="x", body={}, events=[fact])
    owner = await as_role("review", "owner")
    await owner.execute("update outbox set created_at = clock_timestamp() - interval '90 seconds'")
    consumer = Consumer(database, "review", ["t.events"], HANDLERS)
    await consumer.take(delivery(on_topic("t.events", number=1, trouble="refuse"), str(uuid.uuid4())))
    await read(None)
    after = figures(reader)
    assert 90 <= after["innoflyt.outbox.oldest_unsent"][""].value < 150
    assert after["innoflyt.events.parked"][""].value == 1
    assert after["innoflyt.consumer.halted"][""].value == 0


async def test_how_late_an_event_was_handled_is_told_by_consumer(reader, open_database):
    consumer = Consumer(await open_database("review"), "review", ["t.events"], HANDLERS)
    await consumer.take(delivery(on_topic("t.events", number=1), "K"))
    point = figures(reader)["innoflyt.consumer.lag"]["review"]
    assert point.count >= 1
    assert 0 <= point.sum < 60
