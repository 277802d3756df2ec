"""The command line: roles start while what they need is away, stop when asked, and say what is wrong."""

import signal

import httpx
import pytest

from services.common.metrics import KERNEL_GAUGES
from services.common.record import Actor, record
from tests.messaging.conftest import applied, unsent
from tests.messaging.service import on_topic
from tests.support import eventually
from tests.support.broker import free_ports
from tests.support.collector import Collector
from tests.support.facts import delivery


async def get(port, path):
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            return await client.get(f"http://127.0.0.1:{port}{path}")
    except httpx.TransportError:
        return None


async def test_the_api_starts_without_any_server_and_ends_when_asked(process):
    [port] = free_ports(1)
    nowhere = {"POSTGRES_PORT": "9", "KAFKA_BOOTSTRAP": "127.0.0.1:9", "TEMPORAL_ADDRESS": "127.0.0.1:9"}
    api = process("api", REVIEW_PORT=str(port), S3_ENDPOINT="127.0.0.1:9", **nowhere)
    answer = await eventually(lambda: get(port, "/healthz"), deadline=30)
    assert answer.json() == {"service": "review", "status": "alive"}
    ready = await get(port, "/readyz")
    assert ready.status_code == 503
    assert ready.headers["content-type"] == "application/problem+json"
    assert "server" not in ready.headers
    assert api.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_worker_stops_when_asked(process, as_role, emit, settings, number):
    worker = process("worker")
    review = await as_role("review", "owner")
    await eventually(lambda: relay_runs(review), deadline=30)
    worker.send(number)
    assert worker.wait(60) == 0


async def test_the_worker_sends_its_figures_where_it_is_told(process, topic, broker):
    collector = Collector(0)
    try:
        process(
            "worker",
            OTEL_METRICS_EXPORTER="otlp_proto_http",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}",
            OTEL_METRIC_EXPORT_INTERVAL="500",
        )
        message = delivery(on_topic(topic, number=7), "K1")
        await broker.send(topic, message.raw_key, message.value, message.headers)
        expected = {"innoflyt.consumer.lag", *(gauge.name for gauge in KERNEL_GAUGES)}
        await eventually(lambda: expected <= collector.figures, deadline=60)
    finally:
        collector.close()


async def relay_runs(conn):
    return await conn.fetchval(
        """select count(*) from pg_stat_activity
           where application_name = 'review relay' and datname = current_database()"""
    )


@pytest.mark.timeout(240)
async def test_the_worker_starts_before_its_broker(process, broker, as_role, open_database, topic):
    review = await as_role("review", "owner")
    broker.kill()
    worker = process("worker")
    # It says that it waits; its connection to the database comes and goes between its attempts.
    await eventually(lambda: "relay waits" in worker.output(), deadline=30)
    assert worker.running()
    broker.bring_back()
    message = delivery(on_topic(topic, number=7), "K1")
    await broker.send(topic, message.raw_key, message.value, message.headers)
    await eventually(lambda: is_applied(review), deadline=60)
    assert worker.running()


@pytest.mark.timeout(360)
async def test_a_frozen_worker_holds_nothing_back_for_long(
    process, as_role, open_database, topic, tmp_path, broker
):
    """Frozen in the middle of an event it holds the key's lock, the relay's, and a place in the group."""
    review, database = await as_role("review", "owner"), await open_database("review")
    frozen = tmp_path / "frozen"
    first = process("worker", TEST_FROZEN=str(frozen))
    message = delivery(on_topic(topic, number=7, trouble="freeze"), "K1")
    await broker.send(topic, message.raw_key, message.value, message.headers)
    await eventually(frozen.exists, deadline=30)
    process("worker", TEST_FROZEN=str(frozen))
    actor = Actor("service", "review")
    async with database.transaction() as conn:
        await record(conn, key="K2", actor=actor, action="emit", body={}, events=[on_topic(topic, number=1)])
    await eventually(lambda: unsent_is(review, 0), deadline=60)
    await eventually(lambda: is_applied_of(review, "K1", [7]), deadline=90)
    first.send(signal.SIGCONT)
    await eventually(lambda: "waits" in first.output(), deadline=30)
    async with database.transaction() as conn:
        await record(conn, key="K1", actor=actor, action="emit", body={}, events=[on_topic(topic, number=8)])
    await eventually(lambda: is_applied_of(review, "K1", [7, 8]), deadline=90)
    assert first.running()
    assert await review.fetchval("select count(*) from parked") == 0


async def unsent_is(conn, expected):
    return await unsent(conn) == expected


async def is_applied_of(conn, key, expected):
    return await applied(conn, key) == expected


async def is_applied(conn):
    return await applied(conn) == [7]


WRONG = [
    ({"POSTGRES_PORT": "x"}, "POSTGRES_PORT"),
    ({"OTEL_METRICS_EXPORTER": "x"}, "OTEL_METRICS_EXPORTER"),
    ({"OIDC_ISSUERS": "x"}, "OIDC_ISSUERS"),
    ({"REVIEW_APP_PASSWORD": ""}, "REVIEW_APP_PASSWORD"),
    ({"S3_ACCESS_KEY": ""}, "S3_ACCESS_KEY"),
    ({"ENVIRONMENT": "production"}, "OIDC_ISSUERS"),
]


@pytest.mark.parametrize("role", ["api", "worker"])
@pytest.mark.parametrize(("wrong", "named"), WRONG)
def test_a_wrong_setting_stops_the_start_with_one_line(process, role, wrong, named):
    started = process(role, **wrong)
    assert started.wait(60) == 1
    lines = started.output().strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("review cannot start: ")
    assert named in lines[0]


def test_an_unknown_role_shows_what_there_is(process):
    started = process("dance")
    assert started.wait(60) == 2
    for role in ("api", "worker", "migrate", "doctor", "parked", "retry", "skip"):
        assert role in started.output()


def test_doctor_says_that_it_cannot_look(process):
    started = process("doctor", POSTGRES_PORT="9")
    assert started.wait(60) == 2
    assert "cannot be examined now" in started.output()
