"""Withdrawal and its undo, from where it can be done and until when."""

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
    async with world.database.transaction() as conn:
        moment = await conn.fetchval("select clock_timestamp()")
        await facts.prescreening_decided(conn, application_id, 1, "returned", moment)


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
    async with world.database.transaction() as conn:
        await conn.execute(
            "update call set opens_at = now() - interval '1 day', deadline = now() - interval '1 minute', "
            "closes_at = now() - interval '1 second'"
        )
        await close_call(conn, world.call.id, WORKFLOW)
    problem(await world.api.delete(holder, f"/v1/applications/{second}/withdrawal"), 409, "call-is-closed")
    assert (await world.status(holder, first))["outcomes"] == ["expired"]


async def test_a_withdrawal_that_gave_up_an_award_stands(world: World) -> None:
    """It crossed with the decision, and funding took it as the holder's no."""
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    path = await withdraw(world, holder, application_id)
    async with world.database.transaction() as conn:
        at = await conn.fetchval("select clock_timestamp()")
        await facts.outcome_reached(conn, application_id, "not_accepted", "award_lost", at)
    problem(await world.api.delete(holder, path), 409, "step-out-of-order")


async def test_what_comes_after_a_withdrawal_has_no_effect(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    await withdraw(world, holder, application_id)
    await hand_back(world, application_id)
    async with world.database.transaction() as conn:
        await facts.case_decided(conn, application_id, 1, "awarded")
    status = await world.status(holder, application_id)
    assert (status["state"], status["outcomes"]) == ("withdrawn", ["withdrawn"])
    async with world.database.read() as conn:
        actions = await conn.fetch(
            "select action, actor_id from audit where key = $1 order by n desc limit 2", str(application_id)
        )
    assert [row["action"] for row in actions] == ["decision.without_effect", "prescreening.without_effect"]
    assert Actor("service", actions[0]["actor_id"]) == facts.INTAKE
