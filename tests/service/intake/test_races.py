"""What happens at the same time: saving and submitting, closing and submitting, asking and changing."""

import asyncio
from uuid import UUID

from services.intake.commands import facts
from services.intake.commands.attachments import mark_refused
from services.intake.commands.calls import close_call
from tests.service.intake.world import WORKFLOW, World, made, problem


async def test_what_is_frozen_is_what_the_submitter_saw(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.complete(holder)
    path = f"/v1/applications/{application_id}"
    revision = (await world.api.get(holder, path)).json()["revision"]
    saves = [world.api.patch(holder, path, {"title": f"Utgave {n}"}, revision) for n in range(5)]
    sends = [world.api.post(holder, f"{path}/submission", {}, version=revision) for _ in range(5)]
    answers = await asyncio.gather(*(each for pair in zip(saves, sends, strict=True) for each in pair))
    assert sum(answer.status_code in (200, 201) for answer in answers) == 1
    async with world.database.read() as conn:
        row = await conn.fetchrow(
            """select a.title, s.content ->> 'title' as frozen, s.revision from application a
               left join submission s on s.application_id = a.id where a.id = $1""",
            application_id,
        )
    assert row["frozen"] in (None, row["title"])
    assert row["revision"] in (None, revision)


async def test_closing_waits_for_the_submissions_under_way_and_counts_each_once(world: World) -> None:
    holders = [world.person(organisation="HMR") for _ in range(10)]
    drafts = [await world.complete(holder) for holder in holders]
    sends = [world.submit(holder, draft) for holder, draft in zip(holders, drafts, strict=True)]
    under_way = [asyncio.create_task(send) for send in sends[:8]]
    # One has been received, and the others are anywhere between their arrival and their commit.
    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    async with world.database.transaction() as conn:
        await conn.execute("update call set deadline = clock_timestamp(), closes_at = clock_timestamp()")
    async with world.database.transaction() as conn:
        await close_call(conn, world.call.id, WORKFLOW)
    answers = [*await asyncio.gather(*under_way), await sends[8], await sends[9]]
    received = [answer.status_code == 201 for answer in answers]
    assert any(received[:8])
    assert not any(received[8:])
    [closed] = await world.facts(world.call.id, "call-closed")
    expected = {str(draft) for draft, done in zip(drafts, received, strict=True) if done}
    assert set(closed["application_ids"]) == expected
    async with world.database.read() as conn:
        late = await conn.fetchval("select count(*) from submission where submitted_at > deadline")
    assert late == 0


async def test_an_endorsement_never_covers_a_budget_its_leader_did_not_see(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    leader = await world.known(world.person("endorser", organisation="HMR"))
    path = f"/v1/applications/{application_id}"
    body = {"position": "klinikksjef", "email": await world.email(leader)}
    asked = made(await world.api.post(holder, f"{path}/endorsements", body))
    revision = (await world.api.get(holder, path)).json()["revision"]
    changed = {"budget": {"own_share": 250_000, "applied_amount": 550_000}}
    await asyncio.gather(
        world.api.patch(holder, path, changed, revision),
        world.api.post(leader, f"{path}/endorsements/{asked['id']}/decision", {"endorsed": True}),
    )
    check = (await world.api.get(holder, f"{path}/check")).json()
    assert "endorsements.klinikksjef" in [each["field"] for each in check["findings"]]


async def test_a_case_is_withdrawn_or_decided_and_never_both(world: World) -> None:
    holders = [world.person(organisation="HMR") for _ in range(6)]
    cases = [await world.submitted(holder) for holder in holders]

    async def decide(case: UUID) -> None:
        async with world.database.transaction() as conn:
            await facts.case_decided(conn, case, 1, "awarded")

    answers = await asyncio.gather(
        *(
            world.api.post(holder, f"/v1/applications/{case}/withdrawal", {"reason": "Nei."})
            for holder, case in zip(holders, cases, strict=True)
        ),
        *(decide(case) for case in cases),
    )
    for holder, case, answer in zip(holders, cases, answers[: len(cases)], strict=True):
        assert answer is not None
        withdrawn = answer.status_code == 201
        if not withdrawn:
            problem(answer, 409, "step-out-of-order")
        state = (await world.status(holder, case))["state"]
        assert state == ("withdrawn" if withdrawn else "decided")
        assert len(await world.facts(case, "application-withdrawn")) == withdrawn


async def test_a_file_refused_at_the_instant_of_the_submission_never_stays_in_it(world: World) -> None:
    holders = [world.person(organisation="HMR") for _ in range(6)]
    cases = [await world.draft(holder) for holder in holders]
    files = []
    for holder, case in zip(holders, cases, strict=True):
        await world.attach(case, "project_description")
        files.append(await world.attach(case, "cv", state="verified"))
        await world.endorse(holder, case)

    async def refuse(case: UUID, file: UUID) -> None:
        async with world.database.transaction() as conn:
            await mark_refused(conn, case, file, "infected", WORKFLOW)

    answers = await asyncio.gather(
        *(world.submit(holder, case) for holder, case in zip(holders, cases, strict=True)),
        *(refuse(case, file) for case, file in zip(cases, files, strict=True)),
    )
    for holder, case, answer in zip(holders, cases, answers[: len(cases)], strict=True):
        assert answer is not None
        received = answer.status_code == 201
        if not received:
            problem(answer, 422, "findings-not-acknowledged")
        assert (await world.status(holder, case))["state"] == ("returned" if received else "draft")
        assert len(await world.facts(case, "application-returned")) == received


async def test_case_numbers_have_no_gaps_and_no_twins(world: World) -> None:
    holders = [world.person(organisation="HMR") for _ in range(8)]
    drafts: list[UUID] = [await world.complete(holder) for holder in holders]
    refused = await world.draft(holders[0], content={"title": "Nesten tom"})
    answers = await asyncio.gather(
        *(world.submit(holder, draft) for holder, draft in zip(holders, drafts, strict=True)),
        world.submit(holders[0], refused),
    )
    numbers = sorted(made(answer)["case_number"] for answer in answers[:-1])
    year = numbers[0].partition("-")[0]
    assert numbers == [f"{year}-{n:04d}" for n in range(1, 9)]
