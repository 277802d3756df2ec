"""What intake makes of the facts of others, and how the applicant sees it; stages move by activity alone."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.common.errors import Invalid
from services.funding import events as funding
from services.review import events as review
from tests.service.intake.world import World, problem


async def parked(world: World) -> int:
    async with world.database.read() as conn:
        return int(await conn.fetchval("select count(*) from parked"))


async def test_a_return_gives_the_pen_back_and_the_next_version_keeps_the_case_number(world: World) -> None:
    holder = world.person(organisation="STOLAV")
    application_id = await world.submitted(holder, organisation="STOLAV")
    first = (await world.api.get(holder, f"/v1/applications/{application_id}/receipt")).json()
    locked = await world.api.patch(
        holder, f"/v1/applications/{application_id}", {"title": "Nei"}, first["revision"]
    )
    problem(locked, 409, "step-out-of-order")
    returned = review.PrescreeningDecided(
        application_id=application_id,
        call_id=world.call.id,
        version=1,
        outcome="returned",
        decided_by=uuid.uuid4(),
    )
    await world.take(returned, application_id)
    status = await world.status(holder, application_id)
    assert (status["state"], status["timeline"][-1]["code"]) == ("returned", "returned")
    assert status["stage"] == "draft", "only the workflow moves the stage"

    await world.save(holder, application_id, {"statement": "En klarere offentlig tekst."})
    second = (await world.submit(holder, application_id)).json()
    assert (second["version"], second["case_number"]) == (2, first["case_number"])
    facts = await world.facts(application_id, "application-submitted")
    assert [fact["version"] for fact in facts] == [1, 2]
    # A late word about the version before has no effect.
    await world.take(returned, application_id)
    assert (await world.status(holder, application_id))["state"] == "submitted"
    async with world.database.read() as conn:
        kept = await conn.fetch("select content ->> 'statement' as s from submission order by version")
    assert [row["s"] for row in kept] == [
        "Pasienter følges opp hjemme etter hjerteoperasjon.",
        "En klarere offentlig tekst.",
    ]


async def test_a_submitted_version_can_never_be_changed(world: World) -> None:
    await world.submitted(world.person(organisation="HMR"))
    for statement in ("update submission set accepted = '{}'", "delete from submission"):
        with pytest.raises(Exception, match="never changed"):
            async with world.database.transaction() as conn:
                await conn.execute(statement)


async def test_outcomes_are_told_in_order_and_with_the_letter(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    common: dict[str, Any] = {"application_id": application_id, "call_id": world.call.id}
    decided = funding.CaseDecided(
        **common, decision_round_id="d1", version=1, outcome="awarded", amount=600_000, conditions=[]
    )
    await world.take(decided, application_id)
    status = await world.status(holder, application_id)
    assert (status["state"], status["outcomes"]) == ("decided", []), "not before the letter"
    now = datetime.now(UTC)
    letter = funding.LetterSent(
        **common,
        version=1,
        outcome="awarded",
        amount=600_000,
        conditions=[],
        sent_at=now,
        complaint_until=now + timedelta(days=21),
        reserve_until=None,
        holder_id=holder.id,
        organisation="HMR",
    )
    await world.take(letter, application_id)
    await world.take(letter, application_id)
    lost = funding.LossDecided(
        **common, n=1, outcome="lapsed", confirmed=True, decided_by=uuid.uuid4(), holder_id=holder.id
    )
    await world.take(lost, application_id)
    status = await world.status(holder, application_id)
    assert status["outcomes"] == ["awarded", "lapsed"]
    assert await parked(world) == 0


async def test_the_content_opens_to_a_member_and_a_conflict_closes_it_for_good(world: World) -> None:
    holder, member = world.person(organisation="HMR"), world.person(organisation="HNT")
    application_id = await world.submitted(holder)
    path = f"/v1/applications/{application_id}"
    unknown = await world.api.get(member, f"/v1/applications/{uuid.uuid4()}")
    granted = review.AccessGranted(application_id=application_id, call_id=world.call.id, person_id=member.id)
    await world.take(granted, application_id)
    assert (await world.api.get(member, path)).status_code == 200
    assert len((await world.api.get(member, "/v1/applications")).json()["items"]) == 1

    conflict = review.ConflictDeclared(
        application_id=application_id, call_id=world.call.id, person_id=member.id
    )
    await world.take(conflict, application_id)
    await world.take(granted, application_id)  # whatever comes later
    for suffix in ("", "/status", "/receipt", "/check", "/attachments", "/endorsements", "/clarifications"):
        refused = await world.api.get(member, path + suffix)
        assert (refused.status_code, refused.content) == (404, unknown.content), suffix
        assert refused.headers["content-type"] == unknown.headers["content-type"]
    assert (await world.api.get(member, "/v1/applications")).json() == {"items": [], "next": None}


async def test_an_adviser_with_a_conflict_loses_the_case_and_the_holder_never_does(world: World) -> None:
    holder = world.person(organisation="HMR")
    adviser = world.person("hf_adviser", organisation="HMR")
    application_id = await world.submitted(holder)
    for who in (holder, adviser):
        fact = review.ConflictDeclared(application_id=application_id, call_id=world.call.id, person_id=who.id)
        await world.take(fact, application_id)
    problem(await world.api.get(adviser, f"/v1/applications/{application_id}"), 404, "not-found")
    assert (await world.api.get(holder, f"/v1/applications/{application_id}")).status_code == 200


async def test_waiting_is_split_between_us_and_them(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    await world.stage(application_id, "consultation", "HP")
    async with world.database.transaction() as conn:
        await conn.execute(
            """update application set first_submitted_at = now() - interval '100 seconds' where id = $1""",
            application_id,
        )
        await conn.execute(
            "update stage_history set entered_at = now() - interval '100 seconds' where application_id = $1",
            application_id,
        )
        await conn.execute(
            "insert into holder_question "
            "values ($1, $2, now() - interval '60 seconds', now() - interval '20 seconds')",
            uuid.uuid4(),
            application_id,
        )
    status = await world.status(holder, application_id)
    assert status["waited"]["unit"] == "seconds"
    assert status["waited"]["them"] == pytest.approx(40, abs=0.2)
    assert status["waited"]["us"] == pytest.approx(60, abs=3)


async def test_a_question_to_the_holder_is_theirs_until_answered(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    question = uuid.uuid4()
    asked = review.QuestionAsked(
        application_id=application_id,
        call_id=world.call.id,
        question_id=question,
        task_id=None,
        asked_by=uuid.uuid4(),
        asked_of=review.Audience(role="holder", person_id=holder.id),
    )
    answered = review.QuestionAnswered(
        application_id=application_id,
        call_id=world.call.id,
        question_id=question,
        task_id=None,
        asked_by=uuid.uuid4(),
        answered_by=holder.id,
    )
    await world.take(asked, application_id)
    await world.take(answered, application_id)
    codes = [entry["code"] for entry in (await world.status(holder, application_id))["timeline"]]
    assert codes[-2:] == ["question_asked", "question_answered"]


async def test_the_applicant_reads_that_the_case_goes_on_without_an_answer(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    waived = review.ConsultationWaived(
        application_id=application_id, call_id=world.call.id, organisation="HP", waived_by=uuid.uuid4()
    )
    await world.take(waived, application_id)
    assert (await world.status(holder, application_id))["timeline"][-1]["code"] == "consultation_waived"


async def test_stages_move_by_activity_once_each_and_only_to_known_ones(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    expected = datetime(2030, 1, 2, 14, 0, tzinfo=UTC)
    for _ in range(2):
        await world.stage(application_id, "prescreening", "hf:HMR", expected_at=expected)
    status = await world.status(holder, application_id)
    assert (status["stage"], status["owner"]) == ("prescreening", "hf:HMR")
    assert datetime.fromisoformat(status["expected_at"]) == expected
    async with world.database.read() as conn:
        assert await conn.fetchval("select count(*) from stage_history") == 1
    with pytest.raises(Invalid):
        await world.stage(application_id, "limbo", "rhf")
    with pytest.raises(Invalid):
        await world.stage(application_id, "round", "somebody else")


async def test_a_fact_about_an_unknown_case_is_parked(world: World) -> None:
    application_id = uuid.uuid4()
    fact = review.RoundEntered(
        application_id=application_id, call_id=world.call.id, panel="service", flags=[]
    )
    with pytest.raises(AssertionError, match="UnknownApplication"):
        await world.take(fact, application_id)
    assert await parked(world) == 1


async def test_a_granted_change_of_leader_hands_the_case_over(world: World) -> None:
    holder, heir = world.person(organisation="HMR"), await world.known(world.person(organisation="HMR"))
    application_id = await world.submitted(holder)
    changed = funding.ChangeDecided(
        application_id=application_id,
        call_id=world.call.id,
        n=1,
        kind="leader",
        granted=True,
        asked_by=holder.id,
        holder_id=heir.id,
        ends_at=None,
        final_report_due_at=None,
        invoicing_due_at=None,
    )
    await world.take(changed, application_id)
    assert (await world.api.get(heir, f"/v1/applications/{application_id}")).status_code == 200
    problem(await world.api.get(holder, f"/v1/applications/{application_id}"), 404, "not-found")
