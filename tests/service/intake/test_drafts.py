"""Drafts: autosave with ETags, what is refused, co-editors by invitation, caps, opening hours."""

import asyncio
import uuid
from datetime import timedelta
from uuid import UUID

from services.intake.events.call_definition import CallDefinition
from tests.service.intake.test_withdrawal import hand_back
from tests.service.intake.world import SERVICE_CONTENT, SERVICE_FORM, World, call_for_tests, made, problem


async def test_a_saved_field_leaves_the_others_alone_and_the_etag_moves(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    path = f"/v1/applications/{application_id}"
    read = await world.api.get(holder, path)
    revision = read.json()["revision"]
    assert read.headers["etag"] == f'"{revision}"'
    saved = await world.api.patch(holder, path, {"form": {"summary": "Kort og godt, men ferdig."}}, revision)
    assert saved.status_code == 200
    assert saved.headers["etag"] == f'"{revision + 1}"'
    assert saved.json()["form"] == {**SERVICE_FORM, "summary": "Kort og godt, men ferdig."}
    assert saved.json()["title"] == SERVICE_CONTENT["title"]
    stale = await world.api.patch(holder, path, {"title": "For sent"}, revision)
    assert problem(stale, 412, "precondition-failed")["revision"] == revision + 1
    missing = await world.api.request(
        "PATCH", holder, path, json={"title": "x"}, headers={"Content-Type": "application/merge-patch+json"}
    )
    problem(missing, 428, "precondition-required")
    cleared = await world.api.patch(holder, path, {"title": None, "form": None}, revision + 1)
    assert (cleared.json()["title"], cleared.json()["form"]) == ("", {})


async def test_two_editors_saving_at_once_lose_nothing_silently(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    path = f"/v1/applications/{application_id}"
    revision = (await world.api.get(holder, path)).json()["revision"]
    answers = await asyncio.gather(
        *(world.api.patch(holder, path, {"title": f"Utgave {n}"}, revision) for n in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
    assert (await world.api.get(holder, path)).json()["revision"] == revision + 1


async def test_out_only_fields_cannot_be_written(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    path = f"/v1/applications/{application_id}"
    before = (await world.api.get(holder, path)).json()
    for name in (
        "id",
        "state",
        "version",
        "revision",
        "case_number",
        "holder_id",
        "organisation",
        "category",
    ):
        answer = await world.api.patch(holder, path, {name: before[name]}, before["revision"])
        assert problem(answer, 422, "invalid")["errors"][0]["field"] == name
    assert (await world.api.get(holder, path)).json() == before


async def test_codes_the_call_does_not_have_are_named(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    path = f"/v1/applications/{application_id}"
    revision = (await world.api.get(holder, path)).json()["revision"]
    patch = {"priority_areas": ["P99"], "touches": ["STOLAV"], "budget": {"lines": {"champagne": 5}}}
    refused = problem(await world.api.patch(holder, path, patch, revision), 422, "invalid")
    assert {(each["field"], each["value"]) for each in refused["errors"]} == {
        ("priority_areas", "P99"),
        ("touches", "STOLAV"),
        ("budget.lines", "champagne"),
    }
    assert "P01" in next(e["remedy"] for e in refused["errors"] if e["field"] == "priority_areas")


async def test_a_draft_needs_an_open_call_and_an_applying_trust(world: World) -> None:
    holder = world.person(organisation="HMR")
    past = call_for_tests(opened=timedelta(hours=2), deadline=timedelta(hours=-1))
    future = call_for_tests(opened=timedelta(hours=-1), deadline=timedelta(hours=2))
    await world.publish(past)
    await world.publish(future)

    async def begin(**changes: str) -> object:
        body = {"call_id": world.call.id, "category": "service", "organisation": "HMR"} | changes
        return await world.api.post(holder, "/v1/applications", body)

    late = problem(await begin(call_id=past.id), 409, "deadline-passed")  # type: ignore[arg-type]
    assert "Fristen var" in late["detail"]
    problem(await begin(call_id=future.id), 409, "not-open-yet")  # type: ignore[arg-type]
    problem(await begin(call_id="no-such-call"), 422, "invalid")  # type: ignore[arg-type]
    problem(await begin(category="poetry"), 422, "invalid")  # type: ignore[arg-type]
    problem(await begin(organisation="HP"), 422, "invalid")  # type: ignore[arg-type]
    problem(await begin(organisation="STOLAV"), 422, "invalid")  # type: ignore[arg-type]


async def test_a_form_holds_what_it_asks_for_and_no_more_than_a_draft_may(world: World) -> None:
    holder = world.person(organisation="HMR")
    path = f"/v1/applications/{await world.draft(holder)}"
    before = (await world.api.get(holder, path)).json()
    unknown = await world.api.patch(holder, path, {"form": {"poem": "Å"}}, before["revision"])
    assert [each["field"] for each in problem(unknown, 422, "invalid")["errors"]] == ["form.poem"]
    assert (await world.api.get(holder, path)).json() == before

    free = call_for_tests(opened=timedelta(minutes=5), deadline=timedelta(hours=1)).model_dump(mode="json")
    free["categories"][1]["form"] = {"type": "object"}
    call = CallDefinition.model_validate(free)
    await world.publish(call)
    application_id = await world.draft(holder, call=call, content={})
    path = f"/v1/applications/{application_id}"
    for n in range(2):
        await world.save(holder, application_id, {"form": {f"part_{n}": "x" * 100_000}})
    before = (await world.api.get(holder, path)).json()
    third = await world.api.patch(holder, path, {"form": {"part_2": "x" * 100_000}}, before["revision"])
    assert [each["field"] for each in problem(third, 422, "invalid")["errors"]] == ["form"]
    assert (await world.api.get(holder, path)).json() == before


async def test_a_draft_acts_on_nobody_after_the_deadline(world: World) -> None:
    holder = world.person(organisation="HMR")
    draft, returned = await world.draft(holder), await world.submitted(holder)
    await hand_back(world, returned)
    async with world.database.transaction() as conn:
        await conn.execute("update call set deadline = now() - interval '1 second'")
    file = {
        "kind": "cv",
        "filename": "cv.pdf",
        "content_type": "application/pdf",
        "size": 9,
        "sha256": "0" * 64,
    }
    acts = {
        "attachments": file,
        "clarifications": {"organisation": "HP", "question": "Hva?"},
        "editors": {"email": "ny@folk.test"},
        "endorsements": {"position": "klinikksjef", "email": "leder@folk.test"},
    }
    for application_id in (draft, returned):
        for act, body in acts.items():
            answer = await world.api.post(holder, f"/v1/applications/{application_id}/{act}", body)
            problem(answer, 409, "deadline-passed")


async def test_nobody_hoards_drafts(world: World) -> None:
    holder = world.person(organisation="HMR")
    body = {"call_id": world.call.id, "category": "service", "organisation": "HMR"}
    for _ in range(20):
        made(await world.api.post(holder, "/v1/applications", body))
    problem(await world.api.post(holder, "/v1/applications", body), 409, "too-many-drafts")


async def test_a_known_colleague_writes_at_once_and_a_stranger_after_the_invitation(world: World) -> None:
    holder, colleague = world.person(organisation="HMR"), await world.known(world.person(organisation="HMR"))
    application_id = await world.draft(holder)
    path = f"/v1/applications/{application_id}"
    problem(await world.api.get(colleague, path), 404, "not-found")
    added = made(await world.api.post(holder, f"{path}/editors", {"email": await world.email(colleague)}))
    assert added == {"person_id": str(colleague.id), "invited": False}
    await world.save(colleague, application_id, {"title": "Skrevet av to"})
    problem(await world.submit(colleague, application_id), 403, "forbidden")

    invited = made(await world.api.post(holder, f"{path}/editors", {"email": "ny.kollega@helse-mr.test"}))
    assert invited["invited"]
    [contact] = await world.facts(invited["person_id"], "contact-changed")
    token = contact["invitation_token"]
    newcomer = world.person(organisation="HMR")
    problem(await world.api.get(newcomer, path), 404, "not-found")
    accepted = made(await world.api.post(newcomer, f"/v1/invitations/{token}"))
    assert accepted == {"application_ids": [str(application_id)]}
    assert (await world.api.get(newcomer, path)).status_code == 200
    third = world.person(organisation="HMR")
    problem(await world.api.post(third, f"/v1/invitations/{token}"), 409, "invitation-used")
    problem(await world.api.post(third, f"/v1/invitations/{uuid.uuid4().hex}"), 404, "not-found")
    async with world.database.read() as conn:
        kept = await conn.fetchval("select string_agg(token_hash, ' ') from invitation")
    assert token not in kept


async def test_co_editors_are_listed_and_let_go_while_the_pen_is_with_the_holder(world: World) -> None:
    holder, colleague = world.person(organisation="HMR"), await world.known(world.person(organisation="HMR"))
    application_id = await world.complete(holder)
    path = f"/v1/applications/{application_id}"
    known = made(await world.api.post(holder, f"{path}/editors", {"email": await world.email(colleague)}))
    asked = made(await world.api.post(holder, f"{path}/editors", {"email": "ny.kollega@helse-mr.test"}))
    by_id = sorted([known, asked], key=lambda each: str(each["person_id"]))
    assert (await world.api.get(colleague, f"{path}/editors")).json() == {"items": by_id}
    problem(await world.api.delete(colleague, f"{path}/editors/{known['person_id']}"), 403, "forbidden")

    for each in (known, asked):
        assert (await world.api.delete(holder, f"{path}/editors/{each['person_id']}")).status_code == 204
        problem(await world.api.delete(holder, f"{path}/editors/{each['person_id']}"), 404, "not-found")
    problem(await world.api.get(colleague, path), 404, "not-found")
    [contact] = await world.facts(asked["person_id"], "contact-changed")
    late = await world.api.post(world.person(), f"/v1/invitations/{contact['invitation_token']}")
    problem(late, 404, "not-found")
    made(await world.api.post(holder, f"{path}/editors", {"email": await world.email(colleague)}))
    made(await world.submit(holder, application_id))
    [fact] = await world.facts(application_id, "application-submitted")
    assert fact["editor_ids"] == [str(colleague.id)]
    # The other services know them as authors now, also when the pen is back with the holder.
    problem(await world.api.delete(holder, f"{path}/editors/{colleague.id}"), 409, "step-out-of-order")
    await hand_back(world, application_id)
    problem(await world.api.delete(holder, f"{path}/editors/{colleague.id}"), 409, "step-out-of-order")


async def test_lists_show_what_may_be_read_page_by_page(world: World) -> None:
    holder, other = world.person(organisation="HMR"), world.person(organisation="HNT")
    mine = [await world.draft(holder) for _ in range(5)]
    await world.draft(other, organisation="HNT")
    seen: list[UUID] = []
    cursor = ""
    while True:
        page = (await world.api.get(holder, f"/v1/applications?limit=2{cursor}")).json()
        seen += [UUID(item["id"]) for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == mine[::-1]
    bad = await world.api.get(holder, "/v1/applications?cursor=bogus")
    problem(bad, 422, "invalid")
