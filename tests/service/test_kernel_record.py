"""The only writer of audit and outbox: atomic, ordered per key, chained, and closed to the app role."""

import asyncio
import json
import random
from dataclasses import dataclass
from typing import ClassVar

import asyncpg
import pytest

from services.common.context import caused_by
from services.common.record import Actor, Entry, Fact, record, record_all, verify_chain
from services.common.settings import SCHEMAS

ROBOT = Actor("service", "intake")


@dataclass(frozen=True, kw_only=True)
class Happened(Fact):
    TYPE: ClassVar[str] = "no.innoflyt.intake.something-happened.v1"
    number: int


async def write(conn, key="K1", number=0, action="thing.done"):
    await record(
        conn, key=key, actor=ROBOT, action=action, body={"n": number}, events=[Happened(number=number)]
    )


async def test_state_audit_and_event_commit_together(open_database):
    database = await open_database("intake")
    with caused_by("call-1", "cause-1"):
        async with database.transaction() as conn:
            await write(conn, number=7)
    async with database.read() as conn:
        event = await conn.fetchrow("select * from outbox")
        audit = await conn.fetchrow("select * from audit")
    assert (event["key"], event["topic"], event["type"]) == ("K1", "intake.events", Happened.TYPE)
    assert json.loads(event["payload"]) == {"number": 7}
    assert (event["call_id"], event["causation_id"], event["published_at"]) == ("call-1", "cause-1", None)
    assert (audit["key"], audit["n"], audit["action"], audit["body"]) == ("K1", 1, "thing.done", '{"n":7}')


async def test_a_rolled_back_command_leaves_nothing(open_database):
    database = await open_database("intake")
    with pytest.raises(RuntimeError, match="on purpose"):
        async with database.transaction() as conn:
            await write(conn)
            raise RuntimeError("on purpose")
    async with database.read() as conn:
        counts = await conn.fetchrow(
            """select (select count(*) from audit), (select count(*) from outbox),
                      (select count(*) from audit_head)"""
        )
    assert tuple(counts) == (0, 0, 0)


async def test_record_outside_a_transaction_is_refused(as_role):
    conn = await as_role("intake", "app")
    with pytest.raises(RuntimeError, match="open transaction"):
        await write(conn)
    assert await conn.fetchval("select count(*) from outbox") == 0


async def test_record_twice_in_one_transaction_is_refused_and_later_transactions_are_not(as_role):
    conn = await as_role("intake", "app")
    with pytest.raises(asyncpg.RaiseError, match="twice"):
        async with conn.transaction():
            await write(conn)
            await write(conn)
    for _ in range(2):
        async with conn.transaction():
            await write(conn)
    assert await conn.fetchval("select count(*) from audit") == 2


async def test_several_keys_get_a_chain_each(open_database):
    database = await open_database("intake")
    for _ in range(3):
        async with database.transaction() as conn:
            entries = [Entry(key, ROBOT, "many", {}, [Happened(number=1)]) for key in ("b", "a", "c")]
            await record_all(conn, entries)
    async with database.read() as conn:
        heads = await conn.fetch("select key, n from audit_head order by key")
        assert [tuple(row) for row in heads] == [("a", 3), ("b", 3), ("c", 3)]
        assert await verify_chain(conn) == []


async def test_writers_of_many_keys_in_any_order_do_not_deadlock(open_database):
    database = await open_database("intake")
    keys = [f"k{number}" for number in range(6)]

    async def one(seed):
        chosen = random.Random(seed).sample(keys, 3)
        async with database.transaction() as conn:
            await record_all(conn, [Entry(key, ROBOT, "many", {}, ()) for key in chosen])

    await asyncio.gather(*(one(seed) for seed in range(60)))
    async with database.read() as conn:
        assert await conn.fetchval("select sum(n) from audit_head") == 180
        assert await verify_chain(conn) == []


OUT_OF_ORDER = "the order of numbers is not the order of commits"


async def test_for_one_key_the_order_of_numbers_is_the_order_of_commits(open_database):
    """Two different commands that lock no row in common write to the same keys; 16 writers, 10 % slow."""
    database = await open_database("intake")
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    plan = [
        (chance.choice(["A", "B"]), chance.choice(["one", "two"]), chance.random() < 0.1) for _ in range(320)
    ]
    work = iter(enumerate(plan))
    committed: dict[str, list[int]] = {"A": [], "B": []}
    seen: dict[str, list[int]] = {"A": [], "B": []}
    done = asyncio.Event()

    async def writer():
        for number, (key, command, slow) in work:
            async with database.transaction() as conn:
                if command == "one":
                    await conn.execute("select pg_advisory_xact_lock(1)")  # a row that only command one locks
                await write(conn, key, number, action=f"command.{command}")
                # The commits become visible in this order: the lock on the key is still held here.
                committed[key].append(number)
                if slow:
                    await conn.execute("select pg_sleep(0.02)")

    async def observer():
        """Whoever looks sees rows of a key appear in rising order: none turns up before one already seen."""
        while not done.is_set():
            async with database.read() as conn:
                rows = await conn.fetch("select key, seq from outbox order by seq")
            for key, numbers in seen.items():
                fresh = [row["seq"] for row in rows if row["key"] == key and row["seq"] not in numbers]
                assert all(number > max(numbers, default=0) for number in fresh), OUT_OF_ORDER
                numbers.extend(fresh)

    watching = asyncio.create_task(observer())
    await asyncio.gather(*(writer() for _ in range(16)))
    done.set()
    await watching
    assert len(seen["A"]) + len(seen["B"]) > 50, "the observer was not looking while the writers wrote"
    async with database.read() as conn:
        for key in committed:
            rows = await conn.fetch(
                "select payload::jsonb ->> 'number' as n from outbox where key = $1 order by seq", key
            )
            assert [int(row["n"]) for row in rows] == committed[key], OUT_OF_ORDER
            numbers = await conn.fetch("select n from audit where key = $1 order by seq", key)
            assert [row["n"] for row in numbers] == list(range(1, len(numbers) + 1))
        assert await verify_chain(conn) == []


async def chain_of_five(open_database):
    database = await open_database("intake")
    for key in ("K1", "K2"):
        for number in range(1, 6):
            async with database.transaction() as conn:
                await write(conn, key, number)
    return database


TAMPERINGS = {
    "a flipped byte of a body": "update audit set body = replace(body, '3', '8') where key = 'K1' and n = 3",
    "another actor": "update audit set actor_id = 'somebody' where key = 'K1' and n = 3",
    "another instant": "update audit set at = at + interval '1 microsecond' where key = 'K1' and n = 3",
    "a row removed from the middle": "delete from audit where key = 'K1' and n = 3",
    "a row whose hash was recomputed": """update audit set body = '{}', hash =
        audit_hash(prev, key, n, at, actor_kind, actor_id, action, '{}') where key = 'K1' and n = 3""",
}


@pytest.mark.parametrize("change", TAMPERINGS)
async def test_the_verifier_names_the_row_that_was_altered(open_database, as_role, change):
    database = await chain_of_five(open_database)
    owner = await as_role("intake", "owner")
    assert await verify_chain(owner) == []
    await owner.execute(TAMPERINGS[change])
    async with database.read() as conn:
        broken = await verify_chain(conn)
        assert await verify_chain(conn, "K2") == []
    assert [link.key for link in broken] == ["K1"]
    # A removed row, or one that was altered together with its own hash, shows at the next one.
    assert broken[0].n == (4 if "row" in change else 3)


async def test_the_verifier_sees_an_end_that_was_cut_off(open_database, as_role):
    await chain_of_five(open_database)
    owner = await as_role("intake", "owner")
    await owner.execute("delete from audit where key = 'K2' and n = 5")
    broken = await verify_chain(owner)
    assert [(link.key, link.n) for link in broken] == [("K2", 5)]


FORBIDDEN = [
    "update audit set body = ''",
    "delete from audit",
    "truncate audit",
    "delete from outbox",
    "truncate outbox",
    "delete from audit_head",
    "delete from inbox",
    "delete from parked",
    "update access_log set reason = ''",
    "delete from access_log",
    "create table mine (x int)",
    "alter table audit disable trigger all",
    "drop table audit",
    "create function f() returns int language sql as 'select 1'",
    "set session_replication_role = replica",
]


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_the_app_role_cannot_alter_history_or_the_schema(as_role, schema):
    conn = await as_role(schema, "app")
    for statement in FORBIDDEN:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(statement)


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_services_connect_as_their_app_role_and_it_is_neither_superuser_nor_owner(
    open_database, schema
):
    database = await open_database(schema)
    async with database.read() as conn:
        role = await conn.fetchrow("select * from pg_roles where rolname = current_user")
        owned = await conn.fetchval("select count(*) from pg_class where relowner = $1", role["oid"])
        member = await conn.fetchval("select count(*) from pg_auth_members where member = $1", role["oid"])
        seen = await conn.fetchval(
            """select count(*) from pg_class c join pg_namespace s on s.oid = c.relnamespace
               where s.nspname = any($1) and s.nspname <> $2 and c.relkind = 'r'
                 and has_schema_privilege(s.oid, 'usage') and has_table_privilege(c.oid, 'select')""",
            list(SCHEMAS),
            schema,
        )
    assert role["rolname"] == f"{schema}_app"
    powers = ("rolsuper", "rolcreatedb", "rolcreaterole", "rolbypassrls", "rolreplication")
    assert [name for name in powers if role[name]] == []
    assert (owned, member, seen) == (0, 0, 0)


async def test_the_inspector_reads_and_changes_nothing(open_database, as_role):
    await chain_of_five(open_database)
    inspector = await as_role("intake", "inspector")
    assert await inspector.fetchval("select count(*) from audit") == 10
    assert await verify_chain(inspector) == []
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
        await inspector.execute("delete from audit")


async def test_a_connection_to_what_has_become_a_standby_is_given_up(open_database):
    """After a failover the pool would else keep it, and every command would be refused for ever."""
    database = await open_database("intake")

    async def process():
        async with database.transaction() as conn:
            return await conn.fetchval("select pg_backend_pid()")

    before = await process()
    assert await process() == before
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with database.transaction() as conn:
            await conn.execute("set transaction read only")
            await conn.execute("create temporary table t ()")
    assert await process() != before
