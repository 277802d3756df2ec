"""The person directory: who signs in is known at once, contacts follow, and nobody speaks for another."""

import asyncio
import uuid

from tests.service.intake.world import World, made, problem


async def test_any_first_request_enters_the_caller_and_publishes_the_contact_once(world: World) -> None:
    newcomer = world.person("hf_adviser", organisation="HNT", name="Ny Rådgiver", email="ny@hnt.test")
    assert (await world.api.get(newcomer, "/v1/calls")).status_code == 200
    for _ in range(3):
        await world.api.get(newcomer, "/v1/me")
    [contact] = await world.facts(newcomer.id, "contact-changed")
    assert contact["email"] == "ny@hnt.test"
    assert contact["roles"] == ["applicant", "hf_adviser"]
    assert (contact["organisation"], contact["language"]) == ("HNT", "nb")
    async with world.database.read() as conn:
        body = await conn.fetchval("select body from audit where key = $1", str(newcomer.id))
    assert "hnt.test" not in body


async def test_a_hundred_first_requests_at_once_enter_one_person(world: World) -> None:
    newcomer = world.person(organisation="HNT")
    answers = await asyncio.gather(*(world.api.get(newcomer, "/v1/me") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await world.facts(newcomer.id, "contact-changed")) == 1


async def test_a_new_role_in_the_token_is_noticed(world: World) -> None:
    before = world.person(organisation="HNT", subject="the-same", email="a@hnt.test")
    after = world.person("leader", organisation="HNT", subject="the-same", email="a@hnt.test")
    await world.known(before)
    me = (await world.api.get(after, "/v1/me")).json()
    assert me["id"] == str(before.id)
    assert me["roles"] == ["applicant", "leader"]
    assert len(await world.facts(before.id, "contact-changed")) == 2


async def test_language_and_deputy_are_ones_own(world: World) -> None:
    anna, berit = [await world.known(world.person(organisation="HNT")) for _ in range(2)]

    async def change(**body: object) -> object:
        return await world.api.request("PATCH", anna, "/v1/me", json=body)

    changed = await world.api.request(
        "PATCH", anna, "/v1/me", json={"language": "nn", "deputy_id": str(berit.id)}
    )
    assert changed.json()["language"] == "nn"
    assert changed.json()["deputy_id"] == str(berit.id)
    kept = await world.api.request("PATCH", anna, "/v1/me", json={"language": "en"})
    assert kept.json()["deputy_id"] == str(berit.id)
    cleared = await world.api.request("PATCH", anna, "/v1/me", json={"deputy_id": None})
    assert (cleared.json()["deputy_id"], cleared.json()["language"]) == (None, "en")
    for deputy in (anna.id, uuid.uuid4()):
        problem(await change(deputy_id=str(deputy)), 422, "invalid")  # type: ignore[arg-type]
    problem(await change(language="sv"), 422, "invalid")  # type: ignore[arg-type]
    problem(await change(roles=["leader"]), 422, "invalid")  # type: ignore[arg-type]


async def test_remedies_speak_the_language_of_the_reader(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder, content={"title": "Nesten tom"})
    path = f"/v1/applications/{application_id}/check"

    async def remedy() -> str:
        found = (await world.api.get(holder, path)).json()["findings"]
        return str(next(each["remedy"] for each in found if each["field"] == "attachments.cv"))

    assert await remedy() == "Last opp dette vedlegget."
    await world.api.request("PATCH", holder, "/v1/me", json={"language": "en"})
    assert await remedy() == "Upload this attachment."


async def test_an_adviser_enters_people_and_mailboxes(world: World) -> None:
    body = {
        "name": "Panelmedlem",
        "email": "medlem@ntnu.test",
        "roles": ["member"],
        "organisation": "NTNU",
        "language": "nn",
    }
    entered = made(await world.api.post(world.adviser, "/v1/people", body))
    assert (entered["signed_in"], entered["language"]) == (False, "nn")
    assert made(await world.api.post(world.adviser, "/v1/people", body))["id"] == entered["id"]
    [contact] = await world.facts(entered["id"], "contact-changed")
    member = world.person(organisation="NTNU")
    accepted = made(await world.api.post(member, f"/v1/invitations/{contact['invitation_token']}"))
    assert accepted == {"application_ids": []}
    mailbox = {"kind": "mailbox", "name": "Postmottak", "email": "post@hnt.test", "roles": ["contact"]}
    assert made(await world.api.post(world.adviser, "/v1/people", mailbox))["kind"] == "mailbox"
    for bad in (
        {"email": "no address"},
        {"email": "a@b@c.test"},
        {"email": "a\r\nBcc: x@y.test"},
        {"roles": ["king"]},
    ):
        problem(await world.api.post(world.adviser, "/v1/people", body | bad), 422, "invalid")
    listed = (await world.api.get(world.adviser, "/v1/people?limit=1")).json()
    assert len(listed["items"]) == 1
    following = await world.api.get(world.adviser, f"/v1/people?limit=100&cursor={listed['next']}")
    assert listed["items"][0]["id"] not in {each["id"] for each in following.json()["items"]}


async def test_who_is_part_of_no_case_can_be_forgotten(world: World) -> None:
    body = {"name": "Feil Adresse", "email": "feil@hnt.test"}
    entered = made(await world.api.post(world.adviser, "/v1/people", body))
    path = f"/v1/people/{entered['id']}"
    problem(await world.api.delete(world.person("hf_adviser"), path), 403, "forbidden")
    assert (await world.api.delete(world.adviser, path)).status_code == 204
    problem(await world.api.delete(world.adviser, path), 404, "not-found")
    async with world.database.read() as conn:
        sent = await conn.fetch("select type, payload from outbox where key = $1 order by seq", entered["id"])
    assert [row["type"].split(".")[-2] for row in sent] == ["contact-changed", "contact-deleted"]
    assert sent[-1]["payload"] is None

    holder = world.person(organisation="HMR")
    await world.draft(holder)
    problem(await world.api.delete(world.adviser, f"/v1/people/{holder.id}"), 409, "still-needed")


async def test_who_was_forgotten_and_comes_back_is_entered_again(world: World) -> None:
    person = await world.known(world.person(organisation="HMR"))
    assert (await world.api.delete(world.adviser, f"/v1/people/{person.id}")).status_code == 204
    await world.draft(person)
    assert (await world.api.get(person, "/v1/me")).status_code == 200
    assert len(await world.facts(person.id, "contact-changed")) == 2


async def test_who_signs_in_by_invitation_is_one_person_and_can_be_forgotten_as_one(world: World) -> None:
    body = {"name": "Rådgiver", "email": "ny@hmn.test", "roles": ["rhf_adviser"], "organisation": "HMN"}
    entered = made(await world.api.post(world.adviser, "/v1/people", body))
    [invited] = await world.facts(entered["id"], "contact-changed")
    assert (invited["roles"], invited["signed_in"]) == (["rhf_adviser"], False)
    adviser = world.person("rhf_adviser", organisation="HMN", email="ny@hmn.test")
    made(await world.api.post(adviser, f"/v1/invitations/{invited['invitation_token']}"))
    [_, bound] = await world.facts(entered["id"], "contact-changed")
    assert (bound["roles"], bound["email"]) == ([], "ny@hmn.test")
    [own] = await world.facts(adviser.id, "contact-changed")
    assert (own["roles"], own["signed_in"]) == (["applicant", "rhf_adviser"], True)

    assert (await world.api.delete(world.adviser, f"/v1/people/{adviser.id}")).status_code == 204
    for each in (entered["id"], adviser.id):
        async with world.database.read() as conn:
            last = await conn.fetchrow("select * from outbox where key = $1 order by seq desc", str(each))
        assert last is not None
        assert (last["type"], last["payload"]) == ("no.innoflyt.intake.contact-deleted.v1", None)
