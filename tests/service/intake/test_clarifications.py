"""A clarification from the draft (X14): asked, readable for who is asked, answered through review."""

import uuid
from uuid import UUID

from services.intake.consumers import HANDLERS
from services.review.events import ClarificationAnswered
from tests.service.intake.world import World, made, problem
from tests.support.facts import deliver


async def test_the_asked_organisation_reads_the_draft_and_its_answer_arrives(world: World) -> None:
    holder = world.person(organisation="HNT")
    consultant, other = (world.person("consultant", organisation=code) for code in ("HP", "HEMIT"))
    application_id = await world.draft(holder, organisation="HNT")
    path = f"/v1/applications/{application_id}/clarifications"
    problem(await world.api.get(consultant, path), 404, "not-found")
    body = {"organisation": "HP", "question": "Dekkes dette av plattformen?"}
    asked = made(await world.api.post(holder, path, body))
    [fact] = await world.facts(application_id, "clarification-asked")
    assert fact["organisation"] == "HP"
    assert "question" not in fact
    problem(await world.api.post(holder, path, body), 409, "clarification-open")
    problem(await world.api.post(holder, path, body | {"organisation": "STOLAV"}), 422, "invalid")
    [seen] = (await world.api.get(consultant, path)).json()["items"]
    assert seen["question"] == body["question"]
    problem(await world.api.get(other, path), 404, "not-found")

    answered = ClarificationAnswered(
        application_id=application_id,
        call_id=world.call.id,
        clarification_id=UUID(asked["id"]),
        n=asked["n"],
        organisation="HP",
        outcome="feasible",
        answered_by=uuid.uuid4(),
    )
    await deliver(world.database, "intake", HANDLERS, answered, key=str(application_id))
    [after] = (await world.api.get(holder, path)).json()["items"]
    assert after["outcome"] == "feasible"
    made(await world.api.post(holder, path, body))
