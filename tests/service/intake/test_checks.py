"""Each check of the doctor finds the fault that is planted, names its case, and is quiet without."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from services.common.doctor import examine
from services.intake.checks import CHECKS
from services.intake.commands.formal_check import run_formal_check
from tests.service.intake.world import WORKFLOW, World

AsRole = Callable[[str, str], Awaitable[Any]]

# One statement per check, run as owner on a submitted application ($1) that was healthy.
FAULTS = {
    "submitted_without_version": "update application set version = 2 where id = $1",
    "submitted_without_fact": "delete from outbox where key = $1::uuid::text",
    "received_after_the_deadline": "update submission set submitted_at = deadline + interval '1 ms' "
    "where application_id = $1",
    "attachment_of_a_version_not_verified": "update attachment set state = 'uploading' "
    "where application_id = $1",
    "state_without_a_path": "update application set state = 'expired' where id = $1",
    "state_without_an_actor": "update state_history set actor_id = 'somebody' where application_id = $1",
    "rejected_by_nobody": "update formal_check set state = 'rejected' where application_id = $1",
    "rejected_without_a_formal_check": "update application set state = 'rejected' where id = $1",
    "formal_check_of_an_unscanned_file": "update attachment set state = 'verified' where application_id = $1",
    "returned_in_a_closed_call": "with closed as (update call set closed_at = now()) "
    "update application set state = 'returned' where id = $1",
    "call_not_closed": "update call set opens_at = now() - interval '3 hours', "
    "deadline = now() - interval '2 hours', closes_at = now() - interval '1 hour' "
    "where id = (select call_id from application where id = $1)",
    "ended_without_an_outcome": "update application set state = 'withdrawn' where id = $1",
    "case_number_out_of_line": "update case_counter set last = last + 1 where $1::uuid is not null",
    "endorsed_by_the_applicant": "update endorsement set person_id = "
    "(select holder_id from application where id = $1) where application_id = $1",
    "attachment_waits_for_the_scanner": "update attachment set state = 'verified', "
    "verified_at = now() - interval '1 hour' where application_id = $1",
    "clean_without_a_document": "update attachment set cleaned_at = null where application_id = $1",
}


async def healthy(world: World) -> UUID:
    application_id = await world.submitted(world.person(organisation="HMR"))
    async with world.database.transaction() as conn:
        await run_formal_check(conn, application_id, 1, WORKFLOW)
    return application_id


async def test_a_healthy_case_has_no_finding(world: World, as_role: AsRole) -> None:
    await healthy(world)
    assert await examine(await as_role("intake", "inspector"), CHECKS) == []


def test_every_check_has_its_fault() -> None:
    assert set(FAULTS) == {check.name for check in CHECKS}
    assert len(CHECKS) == len(FAULTS)


async def test_each_planted_fault_is_found_and_named(world: World, as_role: AsRole) -> None:
    application_id = await healthy(world)
    owner = await as_role("intake", "owner")
    missed = []
    for name, fault in FAULTS.items():
        planted = owner.transaction()
        await planted.start()
        await owner.execute("alter table submission disable trigger submission_is_final")
        await owner.execute(fault, application_id)
        keys = {finding.key for finding in await examine(owner, CHECKS) if finding.check.name == name}
        await planted.rollback()
        if keys != {world.call.id if name == "call_not_closed" else str(application_id)}:
            missed.append(f"{name}: {keys}")
    assert not missed, "\n".join(missed)
