"""The consumer: each event once, in order; what cannot be done is parked with what follows for its key."""
# Longer than 300 lines because every rule of one consumer loop shares one play of events.

import asyncio
import json
import random
import string
import uuid
from collections import namedtuple

import pytest
from aiokafka.partitioner import DefaultPartitioner
from structlog.testing import capture_logs

from services.common import parking
from services.common.consumer import Consumer
from services.common.doctor import examine
from services.common.envelope import Delivery
from services.common.errors import InfrastructureDown, NotFound, NotYet, Refused
from services.common.record import Actor, record
from services.common.relay import Relay
from tests.messaging.conftest import applied
from tests.messaging.service import HANDLERS, Counted, on_topic
from tests.support import eventually
from tests.support.broker import PARTITIONS
from tests.support.facts import delivery

Message = namedtuple("Message", "topic partition offset key value headers")

# A session whose client hangs ends by itself within 40 s, and the next one does the work: waits are longer.
pytestmark = pytest.mark.timeout(300)

OPERATOR = Actor("service", "operator test")


@pytest.fixture
async def review(as_role):
    return await as_role("review", "owner")


@pytest.fixture
async def consume(settings, open_database, topic, running):
    """`await consume()`: relay of intake and consumer of review, both running."""

    async def start(*topics, handlers=HANDLERS):
        database = await open_database("review")
        consumer = Consumer(database, "review", topics or (topic,), handlers)
        running(Relay(settings, "intake").run())
        running(consumer.run())
        return consumer

    return start


async def applied_is(conn, expected, key=None):
    assert await applied(conn, key) == expected
    return True


async def parked(conn, key=None):
    rows = await conn.fetch("select * from parked where $1::text is null or key = $1 order by id", key)
    return [(json.loads(row["value"])["number"], row["behind"], row["resolution"]) for row in rows]


async def test_events_are_applied_once_in_order_and_the_offset_is_kept(
    review, emit, consume, open_database, topic, running
):
    await consume()
    for number in range(30):
        await emit(f"K{number % 3}", number)
    await eventually(lambda: applied_count(review, 30), deadline=60)
    for key in range(3):
        assert await applied(review, f"K{key}") == list(range(key, 30, 3))
    rows = await review.fetch("select consumer, type from inbox")
    assert {tuple(row) for row in rows} == {("review", Counted.TYPE)}
    # A consumer that starts anew goes on where the group was.
    second = Consumer(await open_database("review"), "review", (topic,), HANDLERS)
    running(second.run())
    await emit("K0", 99)
    await eventually(lambda: applied_count(review, 31), deadline=60)


async def applied_count(conn, expected):
    assert len(await applied(conn)) == expected
    return True


async def test_the_cause_of_an_event_is_carried_on(review, open_database, topic):
    database = await open_database("review")
    message = delivery(on_topic(topic, number=1), "K1")

    async def emit_another(conn, event):
        fact = on_topic(topic, number=2)
        await record(conn, key=event.key, actor=OPERATOR, action="next", body={}, events=[fact])

    await Consumer(database, "review", (topic,), {Counted.TYPE: emit_another}).take(message)
    row = await review.fetchrow("select call_id, causation_id from outbox")
    assert tuple(row) == ("test", str(message.event_id))


async def test_the_same_event_taken_by_two_at_once_is_applied_once(review, open_database, topic):
    """As after a rebalance, when the old owner of the partition is still at work."""
    database = await open_database("review")
    message = delivery(on_topic(topic, number=1), "K1")
    consumers = [Consumer(database, "review", (topic,), HANDLERS) for _ in range(5)]
    await asyncio.gather(*(consumer.take(message) for consumer in consumers))
    assert await applied(review) == [1]


async def test_a_type_without_a_handler_is_nobodys_business(review, open_database, topic):
    database = await open_database("review")
    await Consumer(database, "review", (topic,), {}).take(delivery(on_topic(topic, number=1), "K1"))
    assert await review.fetchval("select count(*) from inbox") == 0
    assert await parked(review) == []


async def test_a_refused_event_parks_its_key_across_topics_and_the_others_go_on(
    review, broker, emit, consume, topic, open_database
):
    await broker.create_topics(f"{topic}.second")
    await consume(topic, f"{topic}.second")
    await emit("bad", 1, "refuse")
    await eventually(lambda: parked(review), deadline=60)
    await emit("bad", 2)
    await emit("good", 3)
    await emit("bad", 4, on=f"{topic}.second")
    await eventually(lambda: applied_is(review, [3]), deadline=60)
    await eventually(
        lambda: parked_is(review, [(1, False, None), (2, True, None), (4, True, None)]), deadline=60
    )
    row = await review.fetchrow("select * from parked order by id limit 1")
    assert row["reason"] == "Refused: this one cannot be"
    assert json.loads(row["value"]) == {"number": 1, "trouble": "refuse"}
    assert ["ce_subject", "bad"] in row["headers"]


async def parked_is(conn, expected):
    assert await parked(conn) == expected
    return True


async def test_retry_handles_the_parked_in_order_and_those_that_arrive_meanwhile(
    review, open_database, topic
):
    database = await open_database("review")
    consumer = Consumer(database, "review", (topic,), HANDLERS)
    for number, trouble in ((1, "refuse"), (2, ""), (3, "")):
        await consumer.take(delivery(on_topic(topic, number=number, trouble=trouble), "K1"))
    arriving = []

    async def mended(conn, event):
        number = event.data["number"]
        if (
            number == 2
        ):  # one more arrives while the redrive is at work: it must wait its turn, and be taken too
            message = delivery(on_topic(topic, number=4), "K1")
            arriving.append(asyncio.create_task(consumer.take(message)))
            await asyncio.sleep(0)
        await record(conn, key=event.key, actor=OPERATOR, action="counted", body={"number": number})

    done = await parking.retry(database, "review", "K1", {Counted.TYPE: mended}, OPERATOR)
    await asyncio.gather(*arriving)
    if await parking.is_parked(
        review, "review", "K1"
    ):  # it came after the last look: one more retry takes it
        done += await parking.retry(database, "review", "K1", {Counted.TYPE: mended}, OPERATOR)
    assert await applied(review) == [1, 2, 3, 4]
    assert done in (3, 4)
    await consumer.take(delivery(on_topic(topic, number=5), "K1"))
    assert await applied(review) == [1, 2, 3, 4, 5]
    body = await review.fetchval(
        "select body from audit where action = 'parked.retried' order by seq limit 1"
    )
    assert json.loads(body)["consumer"] == "review"
    with pytest.raises(NotFound):
        await parking.retry(database, "review", "K1", HANDLERS, OPERATOR)


async def test_a_retry_that_fails_again_changes_nothing(review, open_database, topic):
    database = await open_database("review")
    consumer = Consumer(database, "review", (topic,), HANDLERS)
    for number, trouble in ((1, "refuse"), (2, "")):
        await consumer.take(delivery(on_topic(topic, number=number, trouble=trouble), "K1"))
    with pytest.raises(Refused):
        await parking.retry(database, "review", "K1", HANDLERS, OPERATOR)
    assert await parked(review) == [(1, False, None), (2, True, None)]
    assert await applied(review) == []


async def test_skip_needs_a_reason_is_audited_and_lets_the_rest_go_on(review, open_database, topic):
    database = await open_database("review")
    consumer = Consumer(database, "review", (topic,), HANDLERS)
    bad = delivery(on_topic(topic, number=1, trouble="refuse"), "K1")
    for message in (bad, delivery(on_topic(topic, number=2), "K1")):
        await consumer.take(message)
    with pytest.raises(Refused, match="reason"):
        await parking.skip(database, "review", bad.event_id, "  ", OPERATOR)
    with pytest.raises(NotFound):
        await parking.skip(database, "review", uuid.uuid4(), "because", OPERATOR)
    assert await parking.skip(database, "review", bad.event_id, "entered twice", OPERATOR) == "K1"
    assert await parking.retry(database, "review", "K1", HANDLERS, OPERATOR) == 1
    assert await applied(review) == [2]
    assert await parked(review) == [(1, False, "skipped"), (2, True, "retried")]
    audit = await review.fetchrow("select actor_id, body from audit where action = 'parked.skipped'")
    assert audit["actor_id"] == OPERATOR.id
    assert json.loads(audit["body"])["reason"] == "entered twice"


async def test_a_redrive_that_cannot_be_noted_still_lets_a_halted_consumer_go_on(
    review, open_database, topic, monkeypatch
):
    database = await open_database("review")
    await Consumer(database, "review", (topic,), HANDLERS).take(
        delivery(on_topic(topic, number=1, trouble="refuse"), "K1")
    )
    await parking.halt(review, "review", "a test")

    async def fails(*_args, **_named):
        raise TimeoutError

    monkeypatch.setattr(parking, "record", fails)
    mended = {Counted.TYPE: lambda conn, event: asyncio.sleep(0)}
    with pytest.raises(TimeoutError):
        await parking.retry(database, "review", "K1", mended, OPERATOR)
    assert await parked(review) == [(1, False, "retried")]
    assert await parking.halted(review, "review") is None


async def test_what_a_redrive_did_before_it_failed_is_audited(review, open_database, topic):
    database = await open_database("review")
    consumer = Consumer(database, "review", (topic,), HANDLERS)
    for number, trouble in ((1, "refuse"), (2, "refuse")):
        await consumer.take(delivery(on_topic(topic, number=number, trouble=trouble), "K1"))

    async def first_alone(conn, event):
        if event.data["number"] == 2:
            raise Refused("not this one")

    with pytest.raises(Refused):
        await parking.retry(database, "review", "K1", {Counted.TYPE: first_alone}, OPERATOR)
    body = await review.fetchval("select body from audit where action = 'parked.retried'")
    assert json.loads(body) == {"consumer": "review", "events": 1}


GARBAGE = {
    "no headers at all": (b"K1", b"{}", ()),
    "not JSON": (b"K1", b"\xff\x00{", "whole"),
    "JSON but no object": (b"K1", b"[1]", "whole"),
    "a deep nest": (b"K1", b'{"a":' * 50_000, "whole"),
    "no number in it": (b"K1", b'{"trouble": ""}', "whole"),
    "a number of the wrong type": (b"K1", b'{"number": "7"}', "whole"),
    "no key": (None, b'{"number": 7}', "whole"),
    "no type": (b"K1", b'{"number": 7}', (("ce_id", str(uuid.uuid4()).encode()), ("ce_specversion", b"1.0"))),
    "a key with a NUL": (b"K\x001", b"nonsense", "whole"),
    "an id that is no UUID": (b"K1", b'{"number": 7}', (("ce_id", b"7"), ("ce_type", Counted.TYPE.encode()))),
    "a header without a value": (b"K1", b'{"number": 7}', (("traceparent", None), ("ce_type", None))),
    "a header of raw bytes": (b"K1", b'{"number": 7}', (("x\x00", b"\xff\x00"),)),
}


@pytest.mark.parametrize("case", GARBAGE)
async def test_a_malformed_event_is_parked_byte_for_byte(review, open_database, topic, case):
    key, value, headers = GARBAGE[case]
    if headers == "whole":
        headers = delivery(on_topic(topic, number=7), "K1").headers
    message = Delivery.of(Message(topic, 1, 42, key, value, tuple(headers)))
    database = await open_database("review")
    await Consumer(database, "review", (topic,), HANDLERS).take(message)
    row = await review.fetchrow("select * from parked")
    assert (row["topic"], row["partition"], row["offset"], row["behind"]) == (topic, 1, 42, False)
    assert row["value"] == value
    again = Delivery.from_row(row)
    assert again.headers == message.headers
    assert (again.raw_key is None) == (key is None)
    assert await applied(review) == []


async def test_a_bug_gets_five_tries_and_parks_without_its_text(review, open_database, topic, monkeypatch):
    monkeypatch.setattr("services.common.consumer._TRIES_PAUSE", 0.001)
    tries = []

    async def count(conn, event):
        tries.append(event.id)
        raise ZeroDivisionError("a name that must not get anywhere")

    consumer = Consumer(await open_database("review"), "review", (topic,), {Counted.TYPE: count})
    await consumer.take(delivery(on_topic(topic, number=1), "K1"))
    assert len(tries) == 5
    assert await review.fetchval("select reason from parked") == "ZeroDivisionError, 5 times"


async def test_infrastructure_that_is_away_is_waited_out_in_order(review, emit, consume):
    """What the handler needs is away for a while: nothing is parked or skipped, the consumer lives."""
    away = [True]
    tried = []

    async def flaky(conn, event):
        tried.append(event.data["number"])
        if away[0]:
            raise InfrastructureDown
        await HANDLERS[Counted.TYPE](conn, event)

    await consume(handlers={Counted.TYPE: flaky})
    for number in range(5):
        await emit("K1", number)
    await eventually(lambda: len(tried) > 4, deadline=60)
    assert set(tried) == {0}, "an event overtook the one that waits"
    assert await applied(review) == []
    assert await review.fetchval("select count(*) from inbox") == 0
    assert await parked(review) == []
    away[0] = False
    await eventually(lambda: applied_is(review, [0, 1, 2, 3, 4]), deadline=60)


async def test_a_key_that_waits_holds_up_its_own_partition_alone(review, emit, consume, topic, monkeypatch):
    """However long it waits: here longer than this test."""
    monkeypatch.setattr("services.common.consumer._SHORTEST_WAIT", 600.0)
    tried = []

    async def away_for_one(conn, event):
        if event.key == "waits":
            tried.append(event.id)
            raise InfrastructureDown
        await HANDLERS[Counted.TYPE](conn, event)

    await consume(handlers={Counted.TYPE: away_for_one})
    await emit("waits", 0)
    await eventually(lambda: tried, deadline=60)
    for number in range(12):
        await emit(f"K{number}", number)
    elsewhere = [number for number in range(12) if partition_of(f"K{number}") != partition_of("waits")]
    assert elsewhere
    await eventually(lambda: applied_at_least(review, elsewhere), deadline=60)
    assert len(tried) == 1


def partition_of(key):
    everywhere = list(range(PARTITIONS))
    return DefaultPartitioner()(key.encode(), everywhere, everywhere)


async def applied_at_least(conn, expected):
    assert set(expected) <= set(await applied(conn))
    return True


async def test_what_builds_on_a_fact_that_is_still_on_its_way_waits_for_it(review, emit, consume):
    """More often than a bug is tried, and the fact it waits for gets in meanwhile."""
    tried = []

    async def needs_zero(conn, event):
        number = event.data["number"]
        tried.append(number)
        if number == 1 and (tried.count(1) < 8 or await applied(conn, "other") == []):
            raise NotYet("the other")
        await HANDLERS[Counted.TYPE](conn, event)

    await consume(handlers={Counted.TYPE: needs_zero})
    await emit("K1", 1)
    await eventually(lambda: tried.count(1) > 6, deadline=60)
    await emit("other", 0)
    await emit("K1", 2)
    await eventually(lambda: applied_is(review, [1, 2], "K1"), deadline=60)
    assert await parked(review) == []


async def test_what_waits_in_vain_is_parked_in_the_end(review, open_database, topic, monkeypatch):
    """It may stand before what it waits for, in one partition."""
    monkeypatch.setattr("services.common.consumer._MOST_PATIENCE", 0.3)

    async def never(conn, event):
        raise NotYet("the call has not arrived yet")

    consumer = Consumer(await open_database("review"), "review", (topic,), {Counted.TYPE: never})
    message = delivery(on_topic(topic, number=1), "K1")
    with pytest.raises(NotYet):
        await consumer.take(message)

    async def taken():
        try:
            await consumer.take(message)
        except NotYet:
            return False
        return True

    await eventually(taken)
    assert await review.fetchval("select reason from parked") == "NotYet: the call has not arrived yet"
    # The others that miss the same do not each wait so long; and the consumer, which is well, is not halted.
    monkeypatch.setattr("services.common.consumer._LITTLE_PATIENCE", 0.0)
    for number in range(2, 6):
        message = delivery(on_topic(topic, number=number), f"K{number}")
        await eventually(taken)
    assert await review.fetchval("select count(*) from parked") == 5
    assert await parking.halted(review, "review") is None


async def test_a_consumer_survives_the_loss_of_its_database_connections(review, emit, consume, as_role):
    await consume()
    app = await as_role("review", "app")
    for number in range(4):
        await emit("K1", number)
        await app.fetch(
            """select pg_terminate_backend(pid) from pg_stat_activity
               where usename = current_user and pid <> pg_backend_pid() and datname = current_database()"""
        )
    await eventually(lambda: applied_is(review, [0, 1, 2, 3]), deadline=60)
    assert await parked(review) == []


async def test_three_keys_parked_in_a_row_halt_the_consumer_until_a_human_has_acted(
    settings, review, intake_owner, emit, consume, open_database, as_role
):
    await consume()
    for number, key in enumerate("ABC"):
        await emit(key, number, "refuse")
    reason = "3 keys were parked in a row"
    await eventually(lambda: is_halted(review, reason), deadline=60)
    await emit("D", 4)
    # The relay goes on, the consumer does not, and doctor says so.
    await eventually(lambda: intake_owner.fetchval("select bool_and(published_at is not null) from outbox"))
    findings = await examine(await as_role("review", "inspector"), ())
    assert ("halted consumer", "review") in {(finding.check.name, finding.key) for finding in findings}
    assert {finding.key for finding in findings if finding.check.name == "parked events"} == {"A", "B", "C"}
    assert await applied(review) == []
    database = await open_database("review")
    event_id = await review.fetchval("select event_id from parked where key = 'A'")
    await parking.skip(database, "review", event_id, "a test", OPERATOR)
    await eventually(lambda: applied_is(review, [4]), deadline=60)


@pytest.fixture
async def intake_owner(as_role):
    return await as_role("intake", "owner")


async def is_halted(conn, reason):
    assert await parking.halted(conn, "review") == reason
    return True


async def test_a_success_between_them_is_no_row_of_failures_but_twenty_open_keys_halt(
    review, open_database, topic
):
    database = await open_database("review")
    consumer = Consumer(database, "review", (topic,), HANDLERS)
    for number in range(19):
        assert not await consumer.take(
            delivery(on_topic(topic, number=number, trouble="refuse"), f"bad{number}")
        )
        await consumer.take(delivery(on_topic(topic, number=100 + number), f"good{number}"))
    for number in range(30):  # those that only wait behind another are not counted
        assert not await consumer.take(delivery(on_topic(topic, number=number), "bad0"))
    assert await consumer.take(delivery(on_topic(topic, number=20, trouble="refuse"), "bad20"))
    assert await parking.halted(review, "review") == "20 keys are parked"


async def test_parked_copies_of_personal_data_are_purged_when_resolved(review, open_database):
    database = await open_database("review")
    message = delivery(on_topic("intake.contacts", number=1, trouble="refuse"), "P1")
    await Consumer(database, "review", ("intake.contacts",), HANDLERS).take(message)
    assert await review.fetchval("select value is not null from parked")
    await parking.skip(database, "review", message.event_id, "a test", OPERATOR)
    assert await review.fetchval("select value is null from parked")


@pytest.mark.parametrize("failpoint", ["test.in_handler", "consumer.before_commit", "consumer.after_commit"])
async def test_a_consumer_killed_around_its_commit_applies_everything_once(
    settings, review, emit, running, process, tmp_path, failpoint
):
    """A real process dies by SIGKILL before the commit, or between the commit and the offset."""
    running(Relay(settings, "intake").run())
    for number in range(4):
        await emit("K1", number)
    first = process("worker", FAILPOINT=f"{failpoint}:kill:2")
    await eventually(lambda: not first.running(), deadline=60)
    assert (tmp_path / "failpoints").read_text() == f"{failpoint}\n"
    assert len(await applied(review)) == (2 if failpoint == "consumer.after_commit" else 1)
    process("worker")
    await eventually(lambda: applied_is(review, [0, 1, 2, 3]), deadline=60)


async def test_a_consumer_survives_a_broker_that_dies_and_one_that_freezes(review, broker, emit, consume):
    await consume()
    await emit("K1", 0)
    await eventually(lambda: applied_is(review, [0]), deadline=60)
    broker.kill()
    await emit("K1", 1)
    broker.bring_back()
    await eventually(lambda: applied_is(review, [0, 1]), deadline=60)
    broker.freeze()
    await emit("K1", 2)
    await asyncio.sleep(3)  # how long it is frozen
    broker.thaw()
    await eventually(lambda: applied_is(review, [0, 1, 2]), deadline=60)


async def test_a_consumer_survives_that_its_sessions_end_while_the_broker_is_away(
    review, broker, emit, consume, monkeypatch
):
    """Each end stops a client whose requests just failed; whatever it raises, the next session begins."""
    monkeypatch.setattr("services.common.consumer._STUCK_SECONDS", 2.0)
    await consume()
    await emit("K1", 0)
    await eventually(lambda: applied_is(review, [0]), deadline=60)
    with capture_logs() as said:
        broker.kill()
        await eventually(lambda: sum(line["event"] == "consumer waits" for line in said) >= 3, deadline=60)
    # The sessions that follow have the time that joining a group takes on a busy machine.
    monkeypatch.setattr("services.common.consumer._STUCK_SECONDS", 20.0)
    broker.bring_back()
    await emit("K1", 1)
    await eventually(lambda: applied_is(review, [0, 1]), deadline=60)


async def test_the_commands_parked_retry_skip_and_doctor_work_from_the_shell(
    review, open_database, topic, process
):
    database = await open_database("review")
    consumer = Consumer(database, "review", (topic,), HANDLERS)
    refused = delivery(on_topic(topic, number=1, trouble="refuse"), "K1")
    for message in (refused, delivery(on_topic(topic, number=2), "K1")):
        await consumer.take(message)

    def run(*arguments):
        command = process(*arguments)
        return command.wait(60), command.output()

    code, said = run("parked")
    assert code == 0
    assert [line.split()[0] for line in said.splitlines()] == ["K1", "K1"]
    assert "this one cannot be" in said
    code, said = run("doctor")
    assert code == 1
    assert "parked events: K1" in said
    assert run("retry", "K1")[0] == 1
    assert run("retry", "unknown")[0] == 1
    code, said = run("skip", str(refused.event_id), "--reason", "a test")
    assert (code, "handled 1 events of K1" in said) == (0, True)
    assert await applied(review) == [2]
    code, said = run("doctor")
    assert (code, said.strip()) == (0, "review: sound")


async def test_a_message_with_a_key_that_no_index_takes_is_parked(review, open_database, topic):
    consumer = Consumer(await open_database("review"), "review", (topic,), HANDLERS)
    key = "".join(random.Random(1).choices(string.printable, k=9000))
    await consumer.take(delivery(on_topic(topic, number=1), key))
    await consumer.take(delivery(on_topic(topic, number=2), "K1"))
    assert await review.fetchval("select reason from parked where not behind") == (
        "Malformed: the message has no key, or one longer than any of ours"
    )
    assert await applied(review) == [2]
