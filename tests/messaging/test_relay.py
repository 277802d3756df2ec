"""The relay: no row lost, order per key, one active, marked after the ack, a broker that dies or freezes."""
# Longer than 300 lines because every rule of one relay shares one broker and one play of rows.

import asyncio
import json
import random
import time
import uuid
from dataclasses import dataclass
from typing import ClassVar

import pytest

from services.common.context import caused_by
from services.common.errors import NotFound
from services.common.operate import redeliver
from services.common.record import Actor, Entry, Fact, record, record_all
from services.common.relay import Relay
from tests.messaging.conftest import applied, firsts, numbers, unsent
from tests.messaging.service import on_topic
from tests.support import eventually

pytestmark = pytest.mark.timeout(240)

ROBOT = Actor("service", "intake")


@pytest.fixture
async def intake(as_role):
    return await as_role("intake", "owner")


async def all_sent(conn):
    return await unsent(conn) == 0


async def test_rows_arrive_as_cloudevents_in_order_and_are_marked(
    settings, broker, topic, emit, intake, running
):
    running(Relay(settings, "intake").run())
    with caused_by("call-1", "cause-1"):
        for number in range(20):
            await emit(f"K{number % 3}", number)
    await eventually(lambda: all_sent(intake))
    messages = await broker.read_all(topic)
    for key in ("K0", "K1", "K2"):
        assert numbers(messages, key) == [n for n in range(20) if f"K{n % 3}" == key]
    row = await intake.fetchrow("select * from outbox order by seq limit 1")
    message = next(m for m in messages if json.loads(m.value)["number"] == 0)
    headers = {name: value.decode() for name, value in message.headers}
    assert message.key == b"K0"
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": str(row["id"]),
        "ce_source": "/services/intake",
        "ce_type": "no.innoflyt.intake.counted.v1",
        "ce_subject": "K0",
        "ce_time": row["created_at"].isoformat(),
        "ce_partitionkey": "K0",
        "ce_sequence": f"{row['seq']:020d}",
        "ce_callid": "call-1",
        "ce_causationid": "cause-1",
        "content-type": "application/json",
    }


async def test_a_commit_wakes_the_relay(settings, topic, emit, intake, running, monkeypatch):
    """With the poll made slow, rows still leave at once; without notifications they would wait for it."""
    monkeypatch.setattr("services.common.relay._POLL_SECONDS", 30.0)
    running(Relay(settings, "intake").run())
    for number in range(3):
        await emit("K1", number)
        await eventually(lambda: all_sent(intake), deadline=20)


async def test_a_lost_notification_costs_only_the_poll(settings, topic, intake, as_role, running):
    running(Relay(settings, "intake").run())
    app = await as_role("intake", "app")
    async with app.transaction():  # a plain connection: nobody sends a notification
        await record(app, key="K", actor=ROBOT, action="x", body={}, events=[on_topic(topic, number=1)])
    await eventually(lambda: all_sent(intake))


@dataclass(frozen=True, kw_only=True)
class Address(Fact):
    TYPE: ClassVar[str] = "no.innoflyt.intake.contact-changed.v1"
    TOPIC: ClassVar[str] = "intake.contacts"
    email: str


@dataclass(frozen=True, kw_only=True)
class Forgotten(Fact):
    TYPE: ClassVar[str] = "no.innoflyt.intake.contact-deleted.v1"
    TOPIC: ClassVar[str] = "intake.contacts"
    TOMBSTONE: ClassVar[bool] = True


async def test_personal_rows_are_blanked_after_the_ack_and_a_tombstone_has_no_value(
    settings, broker, open_database, intake, running
):
    await broker.create_topics("intake.contacts")
    database = await open_database("intake")
    async with database.transaction() as conn:
        events = [Address(email="canary@helse-midt.test"), Forgotten()]
        await record(conn, key="P1", actor=ROBOT, action="contact", body={}, events=events)
    assert "canary" in await intake.fetchval("select payload from outbox order by seq limit 1")
    running(Relay(settings, "intake").run())
    await eventually(lambda: all_sent(intake))
    address, forgotten = firsts(await broker.read_all("intake.contacts"))
    assert json.loads(address.value) == {"email": "canary@helse-midt.test"}
    assert (forgotten.key, forgotten.value) == (b"P1", None)
    assert await intake.fetchval("select count(*) from outbox where payload is not null") == 0
    assert await intake.fetchval("select count(*) from outbox o where o::text like '%canary%'") == 0
    assert await intake.fetchval("select count(*) from audit a where a::text like '%canary%'") == 0


async def test_an_operator_lets_an_event_be_sent_once_more(
    settings, broker, topic, emit, open_database, intake, running
):
    running(Relay(settings, "intake").run())
    await emit("K1", 7)
    await eventually(lambda: all_sent(intake))
    database = await open_database("intake")
    event_id = await intake.fetchval("select id from outbox")

    async def again(which):
        async with database.transaction() as conn:
            await redeliver(conn, which, ROBOT)

    await again(event_id)
    await eventually(lambda: all_sent(intake))
    sent = [dict(message.headers)["ce_id"].decode() for message in await broker.read_all(topic)]
    assert len(sent) >= 2
    assert set(sent) == {str(event_id)}
    with pytest.raises(NotFound):
        await again(uuid.uuid4())
    await intake.execute("update outbox set topic = 'intake.contacts', payload = null")
    with pytest.raises(NotFound):
        await again(event_id)


class NaiveRelay:
    """What many write first: remember the highest number seen and ask for what is above it. Loses rows."""

    def __init__(self, conn):
        self._conn = conn
        self._last = 0
        self.seen = []

    async def run(self):
        while True:
            rows = await self._conn.fetch("select seq from outbox where seq > $1 order by seq", self._last)
            for row in rows:
                self.seen.append(row["seq"])
                self._last = row["seq"]
            await asyncio.sleep(0.001)


async def test_no_row_is_lost_when_commits_overtake_each_other(
    settings, broker, topic, open_database, intake, as_role, running
):
    """F12: 16 writers, 10 % of the transactions slow. The naive relay must lose rows in this very run."""
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    database = await open_database("intake")
    running(Relay(settings, "intake").run())
    naive = NaiveRelay(await as_role("intake", "inspector"))
    running(naive.run())
    work = iter([(number, f"K{chance.randrange(40)}", chance.random() < 0.1) for number in range(1200)])
    emitted: dict[str, list[int]] = {}

    async def writer():
        for number, key, slow in work:
            async with database.transaction() as conn:
                entry = Entry(key, ROBOT, "emit", {}, [on_topic(topic, number=number)])
                await record_all(conn, [entry])
                emitted.setdefault(key, []).append(number)
                if slow:
                    await conn.execute("select pg_sleep(0.03)")

    await asyncio.gather(*(writer() for _ in range(16)))
    await eventually(lambda: all_sent(intake), deadline=30)
    messages = await broker.read_all(topic)
    assert sorted(numbers(messages)) == list(range(1200))
    for key, expected in emitted.items():
        assert numbers(messages, key) == expected
    highest = await intake.fetchval("select max(seq) from outbox")
    await eventually(lambda: naive.seen and naive.seen[-1] == highest)
    lost = 1200 - len(set(naive.seen))
    print(f"the naive relay lost {lost} of 1200")
    assert lost > 0, "the negative control lost nothing: this run proved nothing"


async def test_only_one_relay_is_active_and_the_other_takes_over(settings, topic, emit, intake, running):
    first, second = Relay(settings, "intake"), Relay(settings, "intake")
    task = running(first.run())

    async def holders():
        return await intake.fetchval(
            """select count(*) from pg_locks l join pg_stat_activity a using (pid)
               where l.locktype = 'advisory' and l.granted and a.application_name = 'intake relay'
                 and a.datname = current_database()"""
        )

    await eventually(lambda: holders())
    running(second.run())
    await emit("K1", 1)
    await eventually(lambda: all_sent(intake))
    assert await holders() == 1
    task.cancel()
    await emit("K1", 2)
    await eventually(lambda: all_sent(intake))
    assert await holders() == 1


async def test_the_relay_survives_the_loss_of_its_database_connection(
    settings, broker, topic, emit, intake, as_role, running
):
    app = await as_role("intake", "app")
    running(Relay(settings, "intake").run())
    await emit("K1", 0)
    await eventually(lambda: all_sent(intake))
    for number in range(1, 4):
        await app.fetch(
            """select pg_terminate_backend(pid) from pg_stat_activity
               where application_name = 'intake relay' and datname = current_database()"""
        )
        await emit("K1", number)
        await eventually(lambda: all_sent(intake), deadline=30)
    assert numbers(await broker.read_all(topic)) == [0, 1, 2, 3]


async def test_a_row_that_the_broker_refuses_holds_back_its_key_alone(
    settings, broker, topic, emit, intake, running
):
    await emit("bad", 0)
    await intake.execute("update outbox set payload = repeat('x', 2000000)")
    await emit("bad", 1)
    running(Relay(settings, "intake").run())
    for number in range(5):
        await emit("good", number)
    sent_and_refused = """select count(*) filter (where published_at is not null) = 5 and max(attempts) > 0
                          from outbox"""
    await eventually(lambda: intake.fetchval(sent_and_refused))
    left = await intake.fetch(
        "select key, attempts, retry_at from outbox where published_at is null order by seq"
    )
    assert [row["key"] for row in left] == ["bad", "bad"]
    assert left[0]["attempts"] >= 1
    assert left[0]["retry_at"] is not None
    await intake.execute("update outbox set payload = '{\"number\": 0}', retry_at = null where attempts > 0")
    await eventually(lambda: all_sent(intake))
    assert numbers(await broker.read_all(topic), "bad") == [0, 1]


async def test_a_row_that_no_topic_takes_holds_back_its_key_alone(
    settings, broker, topic, emit, intake, running
):
    running(Relay(settings, "intake").run())
    await emit("lost", 0, on="no.such.topic")
    await eventually(lambda: intake.fetchval("select max(attempts) > 0 from outbox"), deadline=30)
    await intake.execute("update outbox set attempts = 8")  # as after some minutes
    for number in range(5):
        await emit("good", number)
    await eventually(lambda: sent_is(intake, 5), deadline=30)
    # The broker answers, so the fault is the row's: it is tried so seldom that it does not slow others down.
    waits = "select retry_at > clock_timestamp() + interval '20 seconds' from outbox where key = 'lost'"
    await eventually(lambda: intake.fetchval(waits), deadline=30)


async def sent_is(conn, expected):
    assert await conn.fetchval("select count(*) from outbox where published_at is not null") == expected
    return True


@pytest.mark.parametrize(("failpoint", "copies"), [("relay.before_send", 1), ("relay.after_ack", 2)])
async def test_a_relay_killed_around_the_ack_sends_again_and_nothing_is_applied_twice(
    broker, topic, open_database, as_role, process, tmp_path, failpoint, copies
):
    """F3, with real processes: died before the send, or between the broker's ack and the mark."""
    database = await open_database("review")  # the service under test relays and consumes on one schema
    for number in range(3):
        async with database.transaction() as conn:
            await record(
                conn, key="K1", actor=ROBOT, action="emit", body={}, events=[on_topic(topic, number=number)]
            )
    first = process("worker", FAILPOINT=f"{failpoint}:kill:2")
    review = await as_role("review", "owner")
    await eventually(lambda: not first.running(), deadline=30)
    assert first.returncode() == -9
    assert (tmp_path / "failpoints").read_text() == f"{failpoint}\n"
    in_flight = await unsent(review)
    process("worker")
    await eventually(lambda: all_sent(review), deadline=30)
    on_the_topic = [json.loads(message.value)["number"] for message in await broker.read_all(topic)]
    assert set(on_the_topic) == {0, 1, 2}, "an event was lost"
    assert in_flight > 0, "the failpoint fired with nothing in flight"
    assert on_the_topic.count(1) >= copies
    await eventually(lambda: applied_is(review, [0, 1, 2]), deadline=60)
    assert await review.fetchval("select count(*) from inbox") == 3


async def applied_is(conn, expected):
    assert await applied(conn) == expected
    return True


async def timed_emits(emit, seconds, begin):
    """Emit for a while; the numbers used and the slowest commit in seconds."""
    number, slowest, until = begin, 0.0, time.monotonic() + seconds
    while time.monotonic() < until:
        started = time.monotonic()
        await emit(f"K{number % 5}", number)
        slowest = max(slowest, time.monotonic() - started)
        number += 1
        await asyncio.sleep(0.01)
    return number, slowest


@pytest.mark.parametrize("fault", ["dead", "frozen"])
async def test_commands_go_on_while_the_broker_is_away_and_the_backlog_drains_in_order(
    settings, broker, topic, emit, intake, running, fault
):
    """F4: nothing is lost, nothing waits for the broker, and afterwards everything leaves in order."""
    running(Relay(settings, "intake").run())
    count, _ = await timed_emits(emit, 0.5, 0)
    await eventually(lambda: all_sent(intake))
    if fault == "dead":
        broker.kill()
    else:
        broker.freeze()
    before = count
    count, slowest = await timed_emits(emit, 8, count)
    waiting = await unsent(intake)
    assert count - before > 20
    assert waiting > 20, "the broker was not away"
    assert slowest < 8, f"a command waited {slowest:.1f} s for the broker"
    broker.bring_back()
    await eventually(lambda: all_sent(intake), deadline=60)
    messages = await broker.read_all(topic)
    for key in range(5):
        expected = [number for number in range(count) if number % 5 == key]
        # First deliveries are complete and in order; what was sent again after a timeout has the same id.
        assert numbers(messages, f"K{key}") == expected
    ids = {dict(message.headers)["ce_id"] for message in messages}
    assert len(ids) == count


async def test_the_relay_waits_for_a_broker_that_is_not_there_at_start(
    settings, broker, topic, emit, intake, running
):
    broker.kill()
    task = running(Relay(settings, "intake").run())
    await emit("K1", 1)
    broker.bring_back()
    await eventually(lambda: all_sent(intake), deadline=40)
    assert not task.done()
