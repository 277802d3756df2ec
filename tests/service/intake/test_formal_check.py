"""The formal check: passed or proposed by rule, confirmed by a person, undone within the window."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.common.calendar import due, parse_rule
from services.intake.commands.formal_check import NotYetScanned, run_formal_check
from tests.service.intake.test_withdrawal import close, hand_back, screen
from tests.service.intake.world import SERVICE_CONTENT, WORKFLOW, World, made, problem
from tests.support.tokens import Person


async def judge(world: World, application_id: UUID, version: int = 1) -> None:
    async with world.database.transaction() as conn:
        await run_formal_check(conn, application_id, version, WORKFLOW)


async def proposed(world: World, holder: Person) -> UUID:
    """A submitted application whose amount is too large, with the rejection proposed."""
    budget = {"lines": {"salary": 1_100_000}, "own_share": 300_000, "applied_amount": 800_000}
    application_id = await world.complete(holder, content={**SERVICE_CONTENT, "budget": budget})
    made(await world.submit(holder, application_id, ["X08"]))
    await judge(world, application_id)
    return application_id


async def decide(world: World, adviser: Person, application_id: UUID, confirmed: bool, **more: Any) -> Any:
    body = {"version": 1, "confirmed": confirmed, "reason": "Beløpet er over grensen."} | more
    return await world.api.post(adviser, f"/v1/applications/{application_id}/rejection", body)


async def test_without_findings_the_version_passes_once(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    await asyncio.gather(*(judge(world, application_id) for _ in range(5)))
    [fact] = await world.facts(application_id, "formal-check-passed")
    assert (fact["version"], fact["decided_by"]) == (1, None)
    await judge(world, application_id, version=2)
    assert len(await world.facts(application_id, "formal-check-passed")) == 1


async def test_findings_propose_a_rejection_that_a_person_confirms(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await proposed(world, holder)
    [fact] = await world.facts(application_id, "rejection-proposed")
    assert fact["rules"] == ["X08"]
    problem(await decide(world, holder, application_id, True), 403, "forbidden")
    problem(await decide(world, world.adviser, application_id, True, reason=""), 422, "invalid")
    assert made(await decide(world, world.adviser, application_id, True)) == {"state": "rejected"}
    [rejected] = await world.facts(application_id, "application-rejected")
    assert (rejected["rules"], rejected["decided_by"]) == (["X08"], str(world.adviser.id))
    status = await world.status(holder, application_id)
    assert status["outcomes"] == ["rejected"]
    problem(await decide(world, world.adviser, application_id, True), 409, "step-out-of-order")
    seen = (await world.api.get(holder, f"/v1/applications/{application_id}/rejection")).json()
    assert (seen["state"], seen["findings"][0]["rule"]) == ("rejected", "X08")


async def test_an_adviser_decides_on_the_version_they_read(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await proposed(world, holder)
    path = f"/v1/applications/{application_id}/rejection"
    unsaid = await world.api.post(world.adviser, path, {"confirmed": True, "reason": "Ja."})
    assert problem(unsaid, 422, "invalid")["errors"][0]["field"] == "version"
    await hand_back(world, application_id)
    made(await world.submit(holder, application_id, ["X08"]))
    await judge(world, application_id, version=2)
    stale = await decide(world, world.adviser, application_id, True)
    assert problem(stale, 409, "version-superseded")["version"] == 2
    assert await world.facts(application_id, "application-rejected") == []
    made(await decide(world, world.adviser, application_id, True, version=2))


async def test_an_adviser_may_find_that_it_holds_after_all(world: World) -> None:
    application_id = await proposed(world, world.person(organisation="HMR"))
    made(await decide(world, world.adviser, application_id, False))
    [fact] = await world.facts(application_id, "formal-check-passed")
    assert fact["decided_by"] == str(world.adviser.id)
    assert await world.facts(application_id, "application-rejected") == []


async def test_a_mistaken_rejection_is_undone_within_the_window_only(world: World) -> None:
    holder = world.person(organisation="HMR")
    path = f"/v1/applications/{await proposed(world, holder)}/rejection"
    application_id = UUID(path.split("/")[3])
    problem(await world.api.delete(world.adviser, path), 409, "step-out-of-order")
    made(await decide(world, world.adviser, application_id, True))
    problem(await world.api.delete(holder, path), 403, "forbidden")
    assert (await world.api.delete(world.adviser, path)).json() == {"state": "submitted"}
    assert len(await world.facts(application_id, "rejection-undone")) == 1
    assert (await world.status(holder, application_id))["outcomes"] == []

    late = await proposed(world, world.person(organisation="HMR"))
    before = datetime.now(UTC)
    made(await decide(world, world.adviser, late, True))
    [rejected] = await world.facts(late, "application-rejected")
    window = parse_rule(world.call.times.complaint_window)
    until = datetime.fromisoformat(rejected["undo_until"])
    assert until >= due(window, before, world.call.calendar), "as long as the trust may complain about it"
    path = f"/v1/applications/{late}/rejection"
    seen = (await world.api.get(world.adviser, path)).json()
    assert datetime.fromisoformat(seen["complaint_until"]) == until
    async with world.database.transaction() as conn:
        await conn.execute("update formal_check set undo_until = now() - interval '1 second'")
    problem(
        await world.api.delete(world.adviser, f"/v1/applications/{late}/rejection"), 409, "undo-window-closed"
    )


@pytest.mark.parametrize("outcome", ["returned", "not_recommended"])
async def test_what_the_trust_said_before_it_heard_of_the_rejection_is_where_its_undo_leads(
    world: World, outcome: str
) -> None:
    holder = world.person(organisation="HMR")
    application_id = await proposed(world, holder)
    made(await decide(world, world.adviser, application_id, True))
    await screen(world, application_id, outcome)
    assert (await world.status(holder, application_id))["outcomes"] == ["rejected"]
    assert await world.faults() == []
    path = f"/v1/applications/{application_id}/rejection"
    assert (await world.api.delete(world.adviser, path)).json() == {"state": outcome}
    [undone] = await world.facts(application_id, "rejection-undone")
    assert undone["state"] == outcome
    outcomes = (await world.status(holder, application_id))["outcomes"]
    assert outcomes == ([] if outcome == "returned" else ["not_recommended"])
    assert await world.faults() == []


async def test_a_rejection_of_what_the_trust_had_returned_is_undone_only_while_the_call_is_open(
    world: World,
) -> None:
    application_id = await proposed(world, world.person(organisation="HMR"))
    made(await decide(world, world.adviser, application_id, True))
    await hand_back(world, application_id)
    await close(world)
    path = f"/v1/applications/{application_id}/rejection"
    problem(await world.api.delete(world.adviser, path), 409, "call-is-closed")


async def test_the_check_waits_for_the_scanner_and_then_counts_what_it_found(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    await world.endorse(holder, application_id)
    await world.attach(application_id, "project_description", pages=11)
    cv = await world.attach(application_id, "cv", state="verified", pages=None)
    made(await world.submit(holder, application_id, ["X10"]))
    with pytest.raises(NotYetScanned):
        await judge(world, application_id)
    async with world.database.transaction() as conn:
        await conn.execute("update attachment set state = 'refused', reason = 'infected' where id = $1", cv)
    await judge(world, application_id)
    [fact] = await world.facts(application_id, "rejection-proposed")
    assert fact["rules"] == ["X09", "X10"]


async def test_a_case_that_was_withdrawn_is_not_judged(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    made(await world.api.post(holder, f"/v1/applications/{application_id}/withdrawal", {"reason": "Nei."}))
    await judge(world, application_id)
    assert await world.facts(application_id, "formal-check-passed") == []
