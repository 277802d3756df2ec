"""Calls: published whole or not at all, moved for everyone at once, closed once."""

import asyncio
import copy
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.demo.calls import real_call
from services.common.calendar import due, parse_rule
from services.intake.commands.calls import NotYetClosing, close_call
from services.intake.commands.drafts import close_drafts, warn_drafts
from tests.service.intake.test_withdrawal import close, hand_back
from tests.service.intake.world import WORKFLOW, World, call_for_tests, made, problem


async def test_the_real_call_is_published_with_its_instants_and_mailboxes(world: World) -> None:
    call = real_call()
    published = made(await world.api.post(world.adviser, "/v1/calls", call.model_dump(mode="json")))
    assert published["deadline"] == "2023-10-25T13:00:00Z"
    assert published["closes_at"] == "2023-10-25T13:05:00Z"
    assert (
        published["straggler_at"] == "2023-11-08T14:00:00Z"
    )  # ten working days later, at the same local time
    assert published["draft_warnings"][0] == "2023-10-11T13:00:00Z"
    [fact] = await world.facts(call.id, "call-published")
    assert fact["definition"] == call.model_dump(mode="json")
    people = (await world.api.get(world.adviser, "/v1/people?role=lead&organisation=HP")).json()["items"]
    assert [each["email"] for each in people] == ["innovasjon@helseplattformen.test"]
    listed = (await world.api.get(world.person(), "/v1/calls")).json()["items"]
    assert [each["id"] for each in listed] == [call.id, world.call.id]

    holder = world.person(organisation="HMR")
    body = {"call_id": call.id, "category": "service", "organisation": "HMR"}
    refused = problem(await world.api.post(holder, "/v1/applications", body), 409, "deadline-passed")
    assert "onsdag 25. oktober 2023 kl. 15:00" in refused["detail"]


MISTAKES: list[tuple[list[Any], Any, str]] = [
    (["deadline"], "tomorrow", "deadline"),
    (["scale"], {"lowest": 1}, "scale.highest"),
    (["categories", 0, "panel"], "jury", ""),
    (["consultations", 2, "categories"], ["poem"], ""),
    (["tasks", "prescreen", "due"], {"workdays": "ten"}, "tasks.prescreen.due"),
    (["tasks", "prescreen"], None, "tasks.prescreen"),
    (["tasks", "tea_break"], {"due": {"workdays": 1}}, "tasks.tea_break"),
    (["categories", 0, "form"], {"type": "poem"}, "categories.product.form"),
    (["categories", 0, "form"], {"$ref": "http://127.0.0.1/schema"}, "categories.product.form"),
    (["colour"], "blue", "colour"),
    (["formal_rules", 0, "enforcement"], "shout", "formal_rules.0.enforcement"),
    (["deadline"], "9999-12-31T23:59:59Z", "deadline"),
    (["opens_at"], "0001-01-01T00:00:00Z", "opens_at"),
    (["times", "straggler"], {"after": "P9000Y"}, "times.straggler"),
    (["times", "straggler"], {"after": "P99999999999D"}, "times.straggler"),
    (["tasks", "prescreen", "due"], {"instant": "9999-12-31T23:59:59Z"}, "tasks.prescreen.due"),
    (["times", "draft_warnings"], [{"after": "-P1D"}] * 21, "times.draft_warnings"),
    (["categories", 0, "form"], {"$ref": "#/$defs/nothing"}, "categories.product.form"),
    (["categories", 0, "form"], {"properties": {"a": {"$ref": "#nowhere"}}}, "categories.product.form"),
    (["categories", 0, "form"], {"minLength": 3, "$ref": "#/minLength"}, "categories.product.form"),
    (["categories", 0, "form"], {"words": {"minLength": "a"}, "$ref": "#/words"}, "categories.product.form"),
    (["categories", 0, "form"], {"properties": {"a": {"$ref": "#/properties/a"}}}, "categories.product.form"),
    (["categories", 0, "form"], {"properties": {"a": {"pattern": "["}}}, "categories.product.form"),
    (["categories", 0, "form"], {"allOf": [{"$ref": "#"}]}, "categories.product.form"),
    (["categories", 0, "form"], {"title": "\ud800"}, "categories.0.form"),
    (["categories", 0, "form_hints"], {"\ud800": 1}, "categories.0.form_hints"),
    (["categories", 0, "code"], "service", "categories"),
    (["panels", 0, "code"], "service", "panels"),
    (["formal_rules", 0, "id"], "X07", "formal_rules"),
    (["categories", 0, "max_amount"], -1, "categories.0.max_amount"),
    (["categories", 0, "own_share_percent"], 101, "categories.0.own_share_percent"),
    (["panels", 0, "pot"], -1, "panels.0.pot"),
    (["panels", 0, "pot"], 10**30, "panels.0.pot"),
    (["attachment_kinds", 0, "max_bytes"], 0, "attachment_kinds.0.max_bytes"),
    (["scale"], {"lowest": 8, "highest": 1, "threshold": 4}, "scale"),
    (["scale"], {"lowest": 1, "highest": 8, "threshold": 9}, "scale"),
    (["mailboxes", 0, "address"], "Postmottak", "mailboxes.0.address"),
    (["organisations", 0, "lead_mailbox"], "a@b@c", "organisations.0.lead_mailbox"),
    (["organisations", 0, "code"], "hf 1", "organisations.0.code"),
    (["guidance", "nb"], "Les dette. " * 30_000, "guidance"),
]
"""Where something is wrong, what stands there (None: nothing), and the field that the answer names."""


async def test_a_mistake_in_the_call_is_named_and_nothing_is_published(world: World) -> None:
    call = call_for_tests(opened=timedelta(0), deadline=timedelta(hours=1))
    for path, value, field in MISTAKES:
        data = copy.deepcopy(call.model_dump(mode="json"))
        target: Any = data
        for step in path[:-1]:
            target = target[step]
        if value is None:
            del target[path[-1]]
        else:
            target[path[-1]] = value
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        content = json.dumps(data)  # in ASCII, so that half a character can be sent
        answer = await world.api.request("POST", world.adviser, "/v1/calls", content=content, headers=headers)
        refused = problem(answer, 422, "invalid")
        named = [each["field"] for each in refused["errors"] if each["remedy"]]
        assert any(name.startswith(field) for name in named), (path, named)
    assert await world.facts(call.id) == []


async def test_an_id_is_published_once_and_only_by_an_adviser(world: World) -> None:
    data = world.call.model_dump(mode="json")
    problem(await world.api.post(world.adviser, "/v1/calls", data), 409, "call-exists")
    problem(await world.api.post(world.person("hf_adviser"), "/v1/calls", data), 403, "forbidden")
    problem(await world.api.get(world.person(), "/v1/calls/unknown"), 404, "not-found")


async def test_a_moved_deadline_holds_for_everyone_at_once(world: World) -> None:
    holder, other = world.person(organisation="HMR"), world.person(organisation="HNT")
    await world.draft(holder)
    await world.draft(other, organisation="HNT")
    path = f"/v1/calls/{world.call.id}/deadline"
    later = datetime.now(UTC) + timedelta(days=2)
    body = {"deadline": later.isoformat(), "reason": "Innsendingen var nede i to timer."}
    problem(await world.api.post(holder, path, body), 403, "forbidden")
    past = body | {"deadline": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    problem(await world.api.post(world.adviser, path, past), 422, "invalid")
    naive = body | {"deadline": "2030-01-01T12:00:00"}
    problem(await world.api.post(world.adviser, path, naive), 422, "invalid")
    never = body | {"deadline": "9999-12-31T23:59:59Z"}
    problem(await world.api.post(world.adviser, path, never), 422, "invalid")
    moved = made(await world.api.post(world.adviser, path, body))
    assert datetime.fromisoformat(moved["deadline"]) == later
    grace = due(parse_rule(world.call.times.closing_grace), later, world.call.calendar)
    assert datetime.fromisoformat(moved["closes_at"]) == grace
    [fact] = await world.facts(world.call.id, "deadline-moved")
    assert set(fact["holder_ids"]) == {str(holder.id), str(other.id)}


async def test_a_moved_deadline_brings_in_time_who_missed_the_trusts_own(world: World) -> None:
    """STOLAV's own deadline is 20 s before the common one; each version is judged by the first's instant."""
    holder = world.person(organisation="STOLAV")
    late, later = [await world.submitted(holder, organisation="STOLAV") for _ in range(2)]
    async with world.database.transaction() as conn:
        await conn.execute("update application set after_internal_deadline = true")
        await conn.execute(
            "update application set first_submitted_at = now() + interval '3 days' where id = $1", later
        )
    body = {"deadline": (datetime.now(UTC) + timedelta(days=2)).isoformat(), "reason": "Nede."}
    made(await world.api.post(world.adviser, f"/v1/calls/{world.call.id}/deadline", body))
    for application_id, flag in ((late, False), (later, True)):
        seen = (await world.api.get(holder, f"/v1/applications/{application_id}")).json()
        assert seen["after_internal_deadline"] == flag
        assert len(await world.facts(application_id, "submission-in-time")) == (not flag)
    earlier = body | {"deadline": (datetime.now(UTC) + timedelta(seconds=5)).isoformat()}
    made(await world.api.post(world.adviser, f"/v1/calls/{world.call.id}/deadline", earlier))
    seen = (await world.api.get(holder, f"/v1/applications/{late}")).json()
    assert not seen["after_internal_deadline"], "what was in time stays so"


async def test_a_draft_that_missed_the_call_says_so_and_its_holder_is_told_once(world: World) -> None:
    holder = world.person(organisation="HMR")
    draft, sent = await world.draft(holder), await world.submitted(holder)
    await close(world)
    for told in (1, 0):
        async with world.database.transaction() as conn:
            assert await close_drafts(conn, world.call.id, WORKFLOW) == told
    [fact] = await world.facts(draft, "draft-closed")
    assert fact["holder_id"] == str(holder.id)
    assert await world.facts(sent, "draft-closed") == []
    status = await world.status(holder, draft)
    assert (status["state"], status["stage"], status["owner"]) == ("draft", "closed", "nobody")
    assert status["timeline"][-1]["code"] == "call_closed"
    problem(await world.submit(holder, draft), 409, "deadline-passed")


async def test_drafts_are_closed_with_their_call_only(world: World) -> None:
    draft = await world.draft(world.person(organisation="HMR"))
    async with world.database.transaction() as conn:
        assert await close_drafts(conn, world.call.id, WORKFLOW) == 0
    assert await world.facts(draft, "draft-closed") == []


async def test_closing_expires_returned_cases_and_names_the_living(world: World) -> None:
    holder = world.person(organisation="HMR")
    alive, returned = await world.submitted(holder), await world.submitted(holder)
    await world.draft(holder)
    await hand_back(world, returned)
    async with world.database.transaction() as conn:
        with pytest.raises(NotYetClosing):
            await close_call(conn, world.call.id, WORKFLOW)
    async with world.database.transaction() as conn:
        await conn.execute(
            "update call set opens_at = now() - interval '1 day', deadline = now() - interval '1 minute', "
            "closes_at = now() - interval '1 second'"
        )

    async def close() -> None:
        async with world.database.transaction() as conn:
            await close_call(conn, world.call.id, WORKFLOW)

    await asyncio.gather(close(), close(), close())
    [closed] = await world.facts(world.call.id, "call-closed")
    assert closed["application_ids"] == [str(alive)]
    assert len(await world.facts(returned, "application-expired")) == 1
    again = {
        "deadline": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "reason": "For sent å flytte",
    }
    path = f"/v1/calls/{world.call.id}/deadline"
    problem(await world.api.post(world.adviser, path, again), 409, "call-is-closed")
    problem(await world.submit(holder, returned), 409, "step-out-of-order")


async def test_holders_of_what_is_not_in_are_warned_once_each_time(world: World) -> None:
    holder = world.person(organisation="HMR")
    draft, sent, returned = (
        await world.draft(holder),
        await world.submitted(holder),
        await world.submitted(holder),
    )
    await hand_back(world, returned)
    for _ in range(2):
        async with world.database.transaction() as conn:
            await warn_drafts(conn, world.call.id, 1, WORKFLOW)
    async with world.database.transaction() as conn:
        assert await warn_drafts(conn, world.call.id, 2, WORKFLOW) == 2
    assert [fact["n"] for fact in await world.facts(draft, "draft-warned")] == [1, 2]
    assert [fact["n"] for fact in await world.facts(returned, "draft-warned")] == [1, 2]
    assert await world.facts(sent, "draft-warned") == []
