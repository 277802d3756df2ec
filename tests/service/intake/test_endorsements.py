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
    assert [(fact["outcome"], fact["cause"]) for fact in facts] == [("endorsed", None), ("voided", "changed")]

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


async def test_a_leader_endorses_in_that_role_and_for_that_trust(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    path = f"/v1/applications/{application_id}/endorsements"
    for wrong in (world.person(organisation="HMR"), world.person("endorser", organisation="STOLAV")):
        await world.known(wrong)
        body = {"position": "klinikksjef", "email": await world.email(wrong)}
        refused = problem(await world.api.post(holder, path, body), 422, "invalid")
        assert refused["errors"][0]["field"] == "email"
    for n, wrong in enumerate(
        (world.person(organisation="HMR"), world.person("endorser", organisation="HNT"))
    ):
        # Nobody knows who will sign in behind an address; their token does.
        asked = made(
            await world.api.post(holder, path, {"position": "klinikksjef", "email": f"l{n}@hmr.test"})
        )
        [contact] = await world.facts(asked["person_id"], "contact-changed")
        made(await world.api.post(wrong, f"/v1/invitations/{contact['invitation_token']}"))
        again = (await world.api.get(holder, path)).json()["items"][-1]
        decision = f"{path}/{again['id']}/decision"
        problem(await world.api.post(wrong, decision, {"endorsed": True}), 403, "forbidden")
        assert (await world.api.delete(holder, f"{path}/{again['id']}")).status_code == 204


async def test_no_author_endorses_and_nobody_twice(world: World) -> None:
    holder = world.person(organisation="STOLAV")
    application_id = await world.draft(holder, organisation="STOLAV")
    path = f"/v1/applications/{application_id}/endorsements"
    editor = await world.known(world.person("endorser", organisation="STOLAV"))
    invited = {"email": await world.email(editor)}
    made(await world.api.post(holder, f"/v1/applications/{application_id}/editors", invited))
    body = {"position": "klinikksjef", "email": await world.email(editor)}
    problem(await world.api.post(holder, path, body), 422, "invalid")
    clinic = await world.endorse(holder, application_id, "klinikksjef")
    too = {"email": await world.email(clinic)}
    problem(await world.api.post(holder, f"/v1/applications/{application_id}/editors", too), 422, "invalid")
    again = {"position": "administrerende_direktor", "email": await world.email(clinic)}
    problem(await world.api.post(holder, path, again), 422, "invalid")
    # The same person behind another address.
    asked = made(await world.api.post(holder, path, again | {"email": "direktor@stolav.test"}))
    [contact] = await world.facts(asked["person_id"], "contact-changed")
    made(await world.api.post(clinic, f"/v1/invitations/{contact['invitation_token']}"))
    last = (await world.api.get(holder, path)).json()["items"][-1]
    decision = f"{path}/{last['id']}/decision"
    problem(await world.api.post(clinic, decision, {"endorsed": True}), 403, "forbidden")


async def test_an_open_request_can_be_cancelled_and_another_leader_asked(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    away = await world.known(world.person("endorser", organisation="HMR"))
    path = f"/v1/applications/{application_id}/endorsements"
    body = {"position": "klinikksjef", "email": await world.email(away)}
    asked = made(await world.api.post(holder, path, body))
    problem(await world.api.delete(away, f"{path}/{asked['id']}"), 403, "forbidden")
    assert (await world.api.delete(holder, f"{path}/{asked['id']}")).status_code == 204
    problem(await world.api.delete(holder, f"{path}/{asked['id']}"), 409, "step-out-of-order")
    problem(await world.api.delete(holder, f"{path}/{application_id}"), 404, "not-found")
    [fact] = await world.facts(application_id, "endorsement-decided")
    assert (fact["n"], fact["outcome"], fact["cause"]) == (asked["n"], "voided", "cancelled")
    late = await world.api.post(away, f"{path}/{asked['id']}/decision", {"endorsed": True})
    problem(late, 404, "not-found")
    assert (await world.status(holder, application_id))["timeline"][-1]["code"] == "endorsement_cancelled"
    await world.endorse(holder, application_id)
    assert await rules(world, holder, application_id) == []


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
    [voided] = await world.facts(application_id, "endorsement-decided")
    assert voided["cause"] == "reassigned"
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
    assert (fact["outcome"], fact["cause"]) == ("voided", "submitted")
    timeline = (await world.status(holder, application_id))["timeline"]
    assert "endorsement_voided" not in [each["code"] for each in timeline]
    late = await world.api.post(leader, f"{path}/{asked['id']}/decision", {"endorsed": True})
    assert late.status_code in (404, 409)
