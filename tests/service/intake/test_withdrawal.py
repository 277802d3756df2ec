"""Withdrawal and its undo, from where it can be done and until when."""

from datetime import datetime
from uuid import UUID

from services.common.record import Actor
from services.intake.commands import facts
from services.intake.commands.calls import close_call
from tests.service.intake.world import WORKFLOW, World, made, problem
from tests.support.tokens import Person


async def withdraw(world: World, holder: Person, application_id: UUID) -> str:
    path = f"/v1/applications/{application_id}/withdrawal"
    made(await world.api.post(holder, path, {"reason": "Prosjektet får annen finansiering."}))
    return path


async def hand_back(world: World, application_id: UUID) -> None:
    await screen(world, application_id, "returned")


async def screen(world: World, application_id: UUID, outcome: str) -> None:
    """Intake hears what the trust said of the first version."""
    async with world.database.transaction() as conn:
        moment = await conn.fetchval("select clock_timestamp()")
        await facts.prescreening_decided(conn, application_id, 1, outcome, moment)


async def close(world: World) -> None:
    """The deadline is over, and the call closes."""
    async with world.database.transaction() as conn:
        await conn.execute(
            "update call set opens_at = now() - interval '1 day', deadline = now() - interval '1 minute', "
            "closes_at = now() - interval '1 second'"
        )
        await close_call(conn, world.call.id, WORKFLOW)


async def test_a_withdrawal_ends_the_case_and_can_be_undone(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    path = await withdraw(world, holder, application_id)
    [fact] = await world.facts(application_id, "application-withdrawn")
    assert fact["withdrawn_by"] == str(holder.id)
    assert (await world.status(holder, application_id))["outcomes"] == ["withdrawn"]
    problem(await world.api.post(holder, path, {"reason": "Igjen"}), 409, "step-out-of-order")
    assert (await world.api.delete(holder, path)).json() == {"state": "submitted"}
    assert (await world.status(holder, application_id))["outcomes"] == []
    assert len(await world.facts(application_id, "withdrawal-undone")) == 1
    problem(await world.api.delete(holder, path), 409, "step-out-of-order")


async def test_a_draft_and_a_decided_case_are_not_withdrawn(world: World) -> None:
    holder = world.person(organisation="HMR")
    draft = await world.draft(holder)
    body = {"reason": "Nei"}
    problem(
        await world.api.post(holder, f"/v1/applications/{draft}/withdrawal", body), 409, "step-out-of-order"
    )
    decided = await world.submitted(holder)
    async with world.database.transaction() as conn:
        await facts.case_decided(conn, decided, 1, "awarded")
    problem(
        await world.api.post(holder, f"/v1/applications/{decided}/withdrawal", body), 409, "step-out-of-order"
    )


async def test_the_window_closes(world: World) -> None:
    holder = world.person(organisation="HMR")
    path = await withdraw(world, holder, await world.submitted(holder))
    async with world.database.transaction() as conn:
        await conn.execute("update withdrawal set undo_until = now() - interval '1 millisecond'")
    problem(await world.api.delete(holder, path), 409, "undo-window-closed")


async def test_a_returned_case_comes_back_as_returned_and_only_while_the_call_is_open(world: World) -> None:
    holder = world.person(organisation="HMR")
    first, second = await world.submitted(holder), await world.submitted(holder)
    for application_id in (first, second):
        await hand_back(world, application_id)
        await withdraw(world, holder, application_id)
    path = f"/v1/applications/{first}/withdrawal"
    assert (await world.api.delete(holder, path)).json() == {"state": "returned"}
    await close(world)
    problem(await world.api.delete(holder, f"/v1/applications/{second}/withdrawal"), 409, "call-is-closed")
    assert (await world.status(holder, first))["outcomes"] == ["expired"]


async def test_what_was_returned_can_come_back_no_longer_than_the_call_receives_it(world: World) -> None:
    holder = world.person(organisation="HMR")
    returned, submitted = await world.submitted(holder), await world.submitted(holder)
    await hand_back(world, returned)
    async with world.database.transaction() as conn:  # it closes within the window, which is 20 s
        await conn.execute("update call set deadline = now() + interval '5 s'")
        closes_at = await conn.fetchval("update call set closes_at = deadline returning closes_at")
    until = {}
    for application_id in (returned, submitted):
        await withdraw(world, holder, application_id)
        [fact] = await world.facts(application_id, "application-withdrawn")
        until[application_id] = datetime.fromisoformat(fact["undo_until"])
    assert until[returned] == closes_at < until[submitted]


async def test_a_withdrawal_that_gave_up_an_award_stands(world: World) -> None:
    """It crossed with the decision, and funding took it as the holder's no."""
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    path = await withdraw(world, holder, application_id)
    async with world.database.transaction() as conn:
        at = await conn.fetchval("select clock_timestamp()")
        await facts.outcome_reached(conn, application_id, "not_accepted", "award_lost", at)
    problem(await world.api.delete(holder, path), 409, "step-out-of-order")


async def test_a_return_that_crossed_with_the_withdrawal_is_where_the_undo_leads(world: World) -> None:
    """Review had not heard of the withdrawal: there the case is returned, and waits for the next version."""
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    path = await withdraw(world, holder, application_id)
    await hand_back(world, application_id)
    status = await world.status(holder, application_id)
    assert (status["outcomes"], status["timeline"][-1]["code"]) == (["withdrawn"], "returned")
    assert (await world.api.delete(holder, path)).json() == {"state": "returned"}
    [undone] = await world.facts(application_id, "withdrawal-undone")
    assert undone["state"] == "returned"
    assert made(await world.submit(holder, application_id))["version"] == 2


async def test_a_no_that_crossed_with_the_withdrawal_holds_after_the_undo(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    path = await withdraw(world, holder, application_id)
    await screen(world, application_id, "not_recommended")
    assert (await world.status(holder, application_id))["outcomes"] == ["withdrawn"]
    assert (await world.api.delete(holder, path)).json() == {"state": "not_recommended"}
    [undone] = await world.facts(application_id, "withdrawal-undone")
    assert undone["state"] == "not_recommended"
    assert (await world.status(holder, application_id))["outcomes"] == ["not_recommended"]
    assert await world.faults() == []


async def test_a_decision_that_comes_after_a_withdrawal_has_no_effect(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    await withdraw(world, holder, application_id)
    async with world.database.transaction() as conn:
        await facts.case_decided(conn, application_id, 1, "awarded")
    status = await world.status(holder, application_id)
    assert (status["state"], status["outcomes"]) == ("withdrawn", ["withdrawn"])
    async with world.database.read() as conn:
        last = await conn.fetchrow(
            "select action, actor_id from audit where key = $1 order by n desc limit 1", str(application_id)
        )
    assert last["action"] == "decision.without_effect"
    assert Actor("service", last["actor_id"]) == facts.INTAKE
