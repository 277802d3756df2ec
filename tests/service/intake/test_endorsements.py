"""The endorsement chain: in order, by who was asked, voided by a change of budget or plan alone."""

from uuid import UUID

from tests.service.intake.world import SERVICE_FORM, World, made, problem


async def rules(world: World, holder: object, application_id: UUID) -> list[str]:
    check = await world.api.get(holder, f"/v1/applications/{application_id}/check")  # type: ignore[arg-type]
    return [each["field"] for each in check.json()["findings"] if each["field"].startswith("endorsements")]


async def test_the_leaders_are_asked_in_order(world: World) -> None:
    holder = world.person(organisation="STOLAV")
    application_id = await world.draft(holder, organisation="STOLAV")
    path = f"/v1/applications/{application_id}/endorsements"
    director = await world.known(world.person("endorser", organisation="STOLAV"))
    early = {"position": "administrerende_direktor", "email": await world.email(director)}
    refused = problem(await world.api.post(holder, path, early), 409, "endorsement-out-of-order")
    assert refused["expected"] == "klinikksjef"
    unknown = {"position": "vaktmester", "email": await world.email(director)}
    problem(await world.api.post(holder, path, unknown), 422, "invalid")
    assert await rules(world, holder, application_id) == [
        "endorsements.administrerende_direktor",
        "endorsements.klinikksjef",
    ]
    await world.endorse(holder, application_id, "klinikksjef")
    assert await rules(world, holder, application_id) == ["endorsements.administrerende_direktor"]
    await world.endorse(holder, application_id, "administrerende_direktor")
    assert await rules(world, holder, application_id) == []
    again = {"position": "klinikksjef", "email": await world.email(director)}
    problem(await world.api.post(holder, path, again), 409, "endorsement-out-of-order")


async def test_a_change_of_plan_or_budget_voids_and_any_other_change_does_not(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    await world.endorse(holder, application_id)
    await world.save(
        holder, application_id, {"title": "Ny tittel", "form": {"need": SERVICE_FORM["need"] + " Ja."}}
    )
    assert await rules(world, holder, application_id) == []
    await world.save(holder, application_id, {"form": {"plan": SERVICE_FORM["plan"] + " Og mer."}})
    assert await rules(world, holder, application_id) == ["endorsements.klinikksjef"]
    facts = await world.facts(application_id, "endorsement-decided")
    assert [fact["outcome"] for fact in facts] == ["endorsed", "voided"]

    await world.endorse(holder, application_id)
    await world.save(holder, application_id, {"budget": {"own_share": 250_000, "applied_amount": 550_000}})
    assert await rules(world, holder, application_id) == ["endorsements.klinikksjef"]


async def test_only_who_was_asked_decides_and_only_once(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    leader = await world.known(world.person("endorser", organisation="HMR"))
    path = f"/v1/applications/{application_id}/endorsements"
    body = {"position": "klinikksjef", "email": await world.email(leader)}
    asked = made(await world.api.post(holder, path, body))
    problem(await world.api.post(holder, path, body), 409, "endorsement-out-of-order")
    decision = f"{path}/{asked['id']}/decision"
    problem(await world.api.post(holder, decision, {"endorsed": True}), 403, "forbidden")
    stranger = world.person("endorser", organisation="HMR")
    problem(await world.api.post(stranger, decision, {"endorsed": True}), 404, "not-found")
    problem(await world.api.post(leader, decision, {"endorsed": False}), 422, "invalid")
    made(await world.api.post(leader, decision, {"endorsed": False, "reason": "Planen er for knapp."}))
    problem(await world.api.post(leader, decision, {"endorsed": True}), 409, "step-out-of-order")
    [fact] = await world.facts(application_id, "endorsement-decided")
    assert fact["outcome"] == "declined"
    own = {"position": "klinikksjef", "email": await world.email(holder)}
    problem(await world.api.post(holder, path, own), 422, "invalid")


async def test_an_invited_leader_is_asked_again_under_their_own_sign_in(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    path = f"/v1/applications/{application_id}/endorsements"
    body = {"position": "klinikksjef", "email": "klinikksjef@helse-mr.test"}
    first = made(await world.api.post(holder, path, body))
    [contact] = await world.facts(first["person_id"], "contact-changed")
    leader = world.person("endorser", organisation="HMR")
    made(await world.api.post(leader, f"/v1/invitations/{contact['invitation_token']}"))
    items = (await world.api.get(holder, path)).json()["items"]
    assert [(each["state"], each["person_id"]) for each in items] == [
        ("voided", first["person_id"]),
        ("asked", str(leader.id)),
    ]
    made(await world.api.post(leader, f"{path}/{items[1]['id']}/decision", {"endorsed": True}))
    assert await rules(world, holder, application_id) == []


async def test_a_submission_releases_the_leader_who_has_not_answered(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    for kind in ("project_description", "cv"):
        await world.attach(application_id, kind)
    leader = await world.known(world.person("endorser", organisation="HMR"))
    path = f"/v1/applications/{application_id}/endorsements"
    body = {"position": "klinikksjef", "email": await world.email(leader)}
    asked = made(await world.api.post(holder, path, body))
    made(await world.submit(holder, application_id, ["X09"]))
    [fact] = await world.facts(application_id, "endorsement-decided")
    assert fact["outcome"] == "voided"
    late = await world.api.post(leader, f"{path}/{asked['id']}/decision", {"endorsed": True})
    assert late.status_code in (404, 409)
