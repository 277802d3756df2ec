"""Doctor: each fault that can be in the kernel's tables is planted, found, and named by its case."""

import json

import pytest

from services.common.anchors import anchor_heads, compare
from services.common.doctor import KERNEL_CHECKS, Check, examine
from services.common.record import Actor, record
from services.common.run import Worker
from services.common.storage import Storage

ROBOT = Actor("service", "intake")

# The faults as the owner of the tables can make them, one for each check; a check without one fails below.
FAULTS = {
    "audit chain": "update audit set body = '{\"amount\":9}' where key = 'CASE-1'",
    "parked events": """
        insert into parked
          (consumer, key, event_id, type, topic, partition, "offset", headers, behind, reason)
        values ('intake', 'CASE-1', gen_random_uuid(), 't', 'x.events', 0, 0, '[]', false, 'why')""",
    "halted consumer": "insert into halted (consumer, reason) values ('CASE-1', '20 keys are parked')",
    "unsent events": """
        insert into outbox (id, key, topic, type, payload, created_at)
        values (gen_random_uuid(), 'CASE-1', 'x', 't', '{}', clock_timestamp() - interval '61 seconds')""",
    "personal data kept": """
        insert into outbox (id, key, topic, type, payload, published_at)
        values (gen_random_uuid(), 'CASE-1', 'intake.contacts', 't', '{"name": "x"}', clock_timestamp())""",
}

RESOLVED_BUT_KEPT = """
    insert into parked
      (consumer, key, event_id, type, topic, partition, "offset", headers, behind, reason, value,
       resolved_at)
    values ('intake', 'P1', gen_random_uuid(), 't', 'intake.contacts', 0, 0, '[]', false, 'x', 'n', now())"""

REWRITTEN = """
    update audit
    set body = '{"amount":9}',
        hash = audit_hash(prev, key, n, at, actor_kind, actor_id, action, '{"amount":9}')
    where key = 'CASE-1' and n = 1;
    update audit a
    set prev = b.hash,
        hash = audit_hash(b.hash, a.key, a.n, a.at, a.actor_kind, a.actor_id, a.action, a.body)
    from audit b where a.key = 'CASE-1' and a.n = 2 and b.key = a.key and b.n = 1;
    update audit_head
    set hash = (select hash from audit where key = 'CASE-1' and n = 2) where key = 'CASE-1'"""


@pytest.fixture
def brand_new():
    """One of these tests anchors the ends of the chains outside the database."""
    return True


@pytest.fixture
async def sound(open_database):
    database = await open_database("intake")
    for key in ("CASE-1", "CASE-2"):
        async with database.transaction() as conn:
            await record(conn, key=key, actor=ROBOT, action="paid", body={"amount": 1})
    return database


async def test_nothing_is_found_where_nothing_is_wrong(sound, as_role):
    assert await examine(await as_role("intake", "inspector"), ()) == []


@pytest.mark.parametrize("check", KERNEL_CHECKS, ids=lambda check: check.name)
async def test_each_fault_is_found_and_names_its_case(sound, as_role, check):
    owner = await as_role("intake", "owner")
    await owner.execute(FAULTS[check.name])
    findings = await examine(await as_role("intake", "inspector"), ())
    assert [(finding.check.name, finding.key) for finding in findings] == [(check.name, "CASE-1")]


async def test_personal_data_in_resolved_parked_events_is_found(sound, as_role):
    owner = await as_role("intake", "owner")
    await owner.execute(RESOLVED_BUT_KEPT)
    findings = await examine(await as_role("intake", "inspector"), ())
    assert [(finding.check.name, finding.key) for finding in findings] == [("personal data kept", "P1")]


async def test_a_services_own_checks_are_run_too(sound, as_role):
    own = Check("of intake", "select key, n from audit where key = 'CASE-2'", "explained")
    (finding,) = await examine(await as_role("intake", "inspector"), [own])
    assert (finding.check, finding.key, finding.details) == (own, "CASE-2", {"n": "1"})


async def test_a_chain_that_was_rewritten_as_a_whole_is_found_by_its_anchor(sound, settings, as_role):
    storage = Storage(settings)
    worker = Worker(settings, sound, storage, None)
    inspector = await as_role("intake", "inspector")
    assert await compare(inspector, storage) == []
    await anchor_heads(worker)
    async with sound.transaction() as conn:
        await record(conn, key="CASE-1", actor=ROBOT, action="paid", body={"amount": 2})
    await anchor_heads(worker)  # once a day: the first stays
    assert await compare(inspector, storage) == []
    owner = await as_role("intake", "owner")
    await owner.execute(REWRITTEN)
    assert await examine(inspector, ()) == []  # every hash is right again
    assert [(finding.check.name, finding.key) for finding in await compare(inspector, storage)] == [
        ("audit anchor", "CASE-1")
    ]
    names = await storage.anchors.names("intake/")
    assert json.loads(await storage.anchors.read(names[-1]))
