"""From draft to receipt: what is accepted, what is refused and why, and that once is once."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

from services.intake.commands.submission import submit_application
from services.intake.store import calls
from tests.service.intake.test_withdrawal import hand_back
from tests.service.intake.world import SERVICE_CONTENT, World, made, problem
from tests.support.tokens import Person


async def test_a_complete_application_is_received_with_receipt_and_fact(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.complete(holder)

    check = (await world.api.get(holder, f"/v1/applications/{application_id}/check")).json()
    assert check == {"findings": [], "accept_findings": [], "ready": True}

    receipt = made(await world.submit(holder, application_id))
    assert receipt["version"] == 1
    assert receipt["case_number"].endswith("-0001")
    assert {file["kind"] for file in receipt["attachments"]} == {"project_description", "cv"}
    again = await world.api.get(holder, f"/v1/applications/{application_id}/receipt")
    assert again.json() == receipt

    [fact] = await world.facts(application_id, "application-submitted")
    assert fact["version"] == 1
    assert fact["case_number"] == receipt["case_number"]
    assert fact["amount"] == 600_000
    assert fact["total_budget"] == 800_000
    assert fact["panel"] == world.call.category("service").panel
    assert fact["findings"] == []
    assert not fact["after_internal_deadline"]
    assert "form" not in fact
    status = await world.status(holder, application_id)
    assert (status["state"], status["stage"], status["owner"]) == ("submitted", "submitted", "rhf")


async def test_too_large_an_amount_is_the_only_finding_and_must_be_acknowledged(world: World) -> None:
    holder = world.person(organisation="HMR")
    budget = {"lines": {"salary": 1_100_000}, "own_share": 300_000, "applied_amount": 800_000}
    application_id = await world.complete(holder, content={**SERVICE_CONTENT, "budget": budget})

    check = (await world.api.get(holder, f"/v1/applications/{application_id}/check")).json()
    assert [(each["rule"], each["field"]) for each in check["findings"]] == [("X08", "budget.applied_amount")]
    assert check["accept_findings"] == ["X08"]

    refused = problem(await world.submit(holder, application_id), 422, "findings-not-acknowledged")
    assert [each["rule"] for each in refused["findings"]] == ["X08"]
    problem(await world.submit(holder, application_id, ["X08", "X09"]), 422, "findings-not-acknowledged")
    assert await world.facts(application_id, "application-submitted") == []

    receipt = made(await world.submit(holder, application_id, ["X08"]))
    assert receipt["accepted_findings"] == ["X08"]
    [fact] = await world.facts(application_id, "application-submitted")
    assert fact["findings"] == ["X08"]


async def test_a_missing_attachment_and_endorsement_are_x09(world: World) -> None:
    holder = world.person(organisation="HNT")
    application_id = await world.draft(holder, organisation="HNT")
    await world.attach(application_id, "cv")
    check = (await world.api.get(holder, f"/v1/applications/{application_id}/check")).json()
    assert [each["field"] for each in check["findings"]] == [
        "attachments.project_description",
        "endorsements.klinikksjef",
    ]
    made(await world.submit(holder, application_id, ["X09"]))


async def test_a_form_that_is_not_filled_in_is_refused_whatever_is_acknowledged(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder, content={"title": "Nesten tom"})
    refused = problem(
        await world.submit(holder, application_id, ["X06", "X07", "X09"]), 422, "submission-refused"
    )
    fields = {each["field"] for each in refused["errors"]}
    assert {"form.summary", "form.plan", "statement", "budget.lines", "earlier_awards"} <= fields
    assert all(each["remedy"] for each in refused["errors"])


async def test_others_read_the_version_that_was_sent_until_the_next_one(world: World) -> None:
    holder, trust = world.person(organisation="HMR"), world.person("hf_adviser", organisation="HMR")
    application_id = await world.submitted(holder)
    path = f"/v1/applications/{application_id}"
    readers = (world.adviser, trust)
    sent = [await as_read(world, reader, path) for reader in readers]
    assert sent[1]["content"]["title"] == SERVICE_CONTENT["title"]
    await hand_back(world, application_id)
    files = (await world.api.get(holder, f"{path}/attachments")).json()["items"]
    cv = next(file["id"] for file in files if file["kind"] == "cv")
    assert (await world.api.delete(holder, f"{path}/attachments/{cv}")).status_code == 204
    new = await world.attach(application_id, "cv")
    budget = {"own_share": 210_000, "applied_amount": 610_000}
    await world.save(holder, application_id, {"title": "Halvferdig", "form": None, "budget": budget})

    for reader, seen in zip(readers, sent, strict=True):
        assert await as_read(world, reader, path) == seen
        assert (await world.api.get(reader, f"{path}/attachments/{cv}/download")).status_code == 200
        problem(await world.api.get(reader, f"{path}/attachments/{new}/download"), 404, "not-found")
    mine = await as_read(world, holder, path)
    assert (mine["content"]["title"], mine["listed"]) == ("Halvferdig", ("Halvferdig", 610_000))
    assert str(new) in mine["files"]
    assert mine["check"]["findings"] != []

    await world.save(holder, application_id, SERVICE_CONTENT | {"title": "Mye bedre"})
    made(await world.submit(holder, application_id, ["X09"]))
    seen = await as_read(world, trust, path)
    assert (seen["version"], seen["content"]["title"]) == (2, "Mye bedre")
    assert str(new) in seen["files"]


async def as_read(world: World, reader: Person, path: str) -> dict[str, Any]:
    """What this person reads of the case: content, files, live check, and the line in the list."""
    content = (await world.api.get(reader, path)).json()
    [line] = (await world.api.get(reader, "/v1/applications")).json()["items"]
    files = (await world.api.get(reader, f"{path}/attachments")).json()["items"]
    return {
        "version": content["version"],
        "content": {name: content[name] for name in SERVICE_CONTENT},
        "files": {file["id"] for file in files},
        "check": (await world.api.get(reader, f"{path}/check")).json(),
        "listed": (line["title"], line["applied_amount"]),
    }


async def test_the_same_submission_again_gets_the_first_answer(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.complete(holder)
    path = f"/v1/applications/{application_id}"
    revision = (await world.api.get(holder, path)).json()["revision"]
    key = str(uuid.uuid4())
    first = await world.api.post(holder, f"{path}/submission", {}, version=revision, key=key)
    second = await world.api.post(holder, f"{path}/submission", {}, version=revision, key=key)
    assert made(first) == made(second)
    assert second.headers["idempotent-replay"] == "true"
    assert len(await world.facts(application_id, "application-submitted")) == 1
    other = await world.api.post(
        holder, f"{path}/submission", {"accept_findings": ["X08"]}, version=revision, key=key
    )
    problem(other, 422, "idempotency-key-reused")


async def test_a_submission_names_the_revision_it_has_seen(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.complete(holder)
    path = f"/v1/applications/{application_id}"
    revision = (await world.api.get(holder, path)).json()["revision"]
    problem(await world.api.post(holder, f"{path}/submission", {}), 428, "precondition-required")
    stale = await world.api.post(holder, f"{path}/submission", {}, version=revision - 1)
    assert problem(stale, 412, "precondition-failed")["revision"] == revision
    assert await world.facts(application_id, "application-submitted") == []
    made(await world.api.post(holder, f"{path}/submission", {}, version=revision))


async def test_a_hundred_submissions_at_once_are_one(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.complete(holder)
    path = f"/v1/applications/{application_id}"
    revision = (await world.api.get(holder, path)).json()["revision"]
    one_key = str(uuid.uuid4())
    answers = await asyncio.gather(
        *(
            world.api.post(
                holder,
                f"{path}/submission",
                {},
                version=revision,
                key=one_key if n % 2 else str(uuid.uuid4()),
            )
            for n in range(100)
        )
    )
    received = [answer for answer in answers if answer.status_code == 201]
    assert received
    assert len({answer.text for answer in received}) == 1
    assert {answer.status_code for answer in answers} <= {201, 409, 412, 503}
    assert len(await world.facts(application_id, "application-submitted")) == 1


async def test_what_reached_us_in_time_is_received_and_a_millisecond_later_is_not(world: World) -> None:
    holder = await world.known(world.person(organisation="HMR"))
    in_time, late = await world.complete(holder), await world.complete(holder)
    caller = await world.api.app.state.authenticator.verify(holder.headers["Authorization"].split()[1])
    async with world.database.read() as conn:
        call = await calls.require(conn, world.call.id)
        revisions = dict(
            await conn.fetch("select id, revision from application where holder_id = $1", holder.id)
        )
    millisecond = timedelta(milliseconds=1)
    async with world.database.transaction() as conn:
        assert await submit_application(
            conn, caller, in_time, revisions[in_time], call.deadline - millisecond, []
        )
    refused = None
    try:
        async with world.database.transaction() as conn:
            await submit_application(conn, caller, late, revisions[late], call.deadline + millisecond, [])
    except Exception as error:
        refused = type(error).__name__
    assert refused == "DeadlinePassed"
    assert len(await world.facts(in_time, "application-submitted")) == 1
    assert await world.facts(late, "application-submitted") == []
