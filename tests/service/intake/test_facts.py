"""What intake makes of the facts of others, and how the applicant sees it; stages move by activity alone."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.common.calendar import due, parse_rule
from services.common.errors import Invalid
from services.common.record import Fact
from services.funding import events as funding
from services.intake.commands.stages import enter_stage
from services.intake.consumers import HANDLERS
from services.review import events as review
from tests.service.intake.world import WORKFLOW, World, problem
from tests.support.facts import deliver
from workflows.contracts.tasks import task_id


async def take(world: World, fact: Fact, key: object) -> None:
    await deliver(world.database, "intake", HANDLERS, fact, key=str(key))


async def stage(world: World, application_id: UUID, name: str, owner: str, **more: Any) -> None:
    async with world.database.transaction() as conn:
        await enter_stage(conn, application_id, name, owner, more.get("expected_at"), WORKFLOW)


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
    await take(world, returned, application_id)
    status = await world.status(holder, application_id)
    assert (status["state"], status["timeline"][-1]["code"]) == ("returned", "returned")
    assert status["stage"] == "draft", "only the workflow moves the stage"

    await world.save(holder, application_id, {"statement": "En klarere offentlig tekst."})
    second = (await world.submit(holder, application_id)).json()
    assert (second["version"], second["case_number"]) == (2, first["case_number"])
    facts = await world.facts(application_id, "application-submitted")
    assert [fact["version"] for fact in facts] == [1, 2]
    # A late word about the version before has no effect.
    await take(world, returned, application_id)
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
    await take(world, decided, application_id)
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
    await take(world, letter, application_id)
    await take(world, letter, application_id)
    lost = funding.LossDecided(
        **common, n=1, outcome="lapsed", confirmed=True, decided_by=uuid.uuid4(), holder_id=holder.id
    )
    await take(world, lost, application_id)
    status = await world.status(holder, application_id)
    assert status["outcomes"] == ["awarded", "lapsed"]
    assert await parked(world) == 0


async def test_the_content_opens_to_a_member_and_a_conflict_closes_it_for_good(world: World) -> None:
    holder, member = world.person(organisation="HMR"), world.person(organisation="HNT")
    application_id = await world.submitted(holder)
    path = f"/v1/applications/{application_id}"
    unknown = await world.api.get(member, f"/v1/applications/{uuid.uuid4()}")
    granted = review.AccessGranted(application_id=application_id, call_id=world.call.id, person_id=member.id)
    await take(world, granted, application_id)
    assert (await world.api.get(member, path)).status_code == 200
    assert len((await world.api.get(member, "/v1/applications")).json()["items"]) == 1

    conflict = review.ConflictDeclared(
        application_id=application_id, call_id=world.call.id, person_id=member.id
    )
    await take(world, conflict, application_id)
    await take(world, granted, application_id)  # whatever comes later
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
        await take(world, fact, application_id)
    problem(await world.api.get(adviser, f"/v1/applications/{application_id}"), 404, "not-found")
    assert (await world.api.get(holder, f"/v1/applications/{application_id}")).status_code == 200


async def test_waiting_is_split_between_us_and_them(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    await stage(world, application_id, "consultation", "HP")
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
    await take(world, asked, application_id)
    await take(world, answered, application_id)
    codes = [entry["code"] for entry in (await world.status(holder, application_id))["timeline"]]
    assert codes[-2:] == ["question_asked", "question_answered"]


async def test_the_applicant_reads_that_the_case_goes_on_without_an_answer(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    waived = review.ConsultationWaived(
        application_id=application_id, call_id=world.call.id, organisation="HP", waived_by=uuid.uuid4()
    )
    await take(world, waived, application_id)
    assert (await world.status(holder, application_id))["timeline"][-1]["code"] == "consultation_waived"


async def test_stages_move_by_activity_once_each_and_only_to_known_ones(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    expected = datetime(2030, 1, 2, 14, 0, tzinfo=UTC)
    for _ in range(2):
        await stage(world, application_id, "prescreening", "hf:HMR", expected_at=expected)
    status = await world.status(holder, application_id)
    assert (status["stage"], status["owner"]) == ("prescreening", "hf:HMR")
    assert datetime.fromisoformat(status["expected_at"]) == expected
    async with world.database.read() as conn:
        assert await conn.fetchval("select count(*) from stage_history") == 1
    with pytest.raises(Invalid):
        await stage(world, application_id, "limbo", "rhf")
    with pytest.raises(Invalid):
        await stage(world, application_id, "round", "somebody else")


async def test_the_expected_date_follows_the_tasks_of_the_case_and_the_rules_of_the_call(
    world: World,
) -> None:
    """From the pre-screening to the decision: each stage says when it should be over, and no task of the
    panel moves what the applicant reads."""
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    start = datetime(2030, 1, 2, 14, 0, tzinfo=UTC)

    async def expected(name: str, owner: str) -> datetime | None:
        await stage(world, application_id, name, owner)
        return await shown()

    async def shown() -> datetime | None:
        found = (await world.status(holder, application_id))["expected_at"]
        return None if found is None else datetime.fromisoformat(found)

    def task(kind: str, n: str = "1", *, of: UUID | None = application_id) -> dict[str, Any]:
        subject = str(of or "a-round")
        return {
            "task_id": task_id(subject, kind, n),
            "kind": kind,
            "subject": subject,
            "n": n,
            "call_id": world.call.id,
            "application_id": of,
        }

    async def opened(kind: str, due_at: datetime, n: str = "1", *, of: UUID | None = application_id) -> None:
        more = {"audience": review.Audience(role="x"), "opened_at": start, "ladder": [], "act_path": "/"}
        await take(world, review.TaskOpened(**task(kind, n, of=of), due_at=due_at, **more), of or "a-call")

    async def closed(kind: str, n: str = "1") -> None:
        fact = review.TaskClosed(**task(kind, n), outcome="done", closed_at=start)
        await take(world, fact, application_id)

    day = timedelta(days=1)
    assert await expected("prescreening", "hf:HMR") is None, "the trust has not been asked yet"
    await opened("prescreen", start)
    await opened("confirm_rejection", start + day)
    assert await shown() == start
    moved = review.TaskMoved(**task("prescreen"), due_at=start + 3 * day, ladder=[], cause="resumed")
    await take(world, moved, application_id)
    assert await shown() == start + 3 * day, "the trust had waited for an answer"
    await closed("prescreen")

    await opened("consult", start + 4 * day, "HP")
    await opened("consult", start + 5 * day, "HEMIT")
    assert await expected("consultation", "HP") == start + 5 * day
    await closed("consult", "HEMIT")
    assert await shown() == start + 4 * day
    assert await expected("formal_check", "rhf") == start + day

    async with world.database.read() as conn:
        straggler_at = await conn.fetchval("select straggler_at from call")
    conflicts = due(parse_rule(world.call.tasks["declare_conflicts"].due), straggler_at, world.call.calendar)
    assert await expected("round", "committee") == conflicts
    by_the_call = await expected("assessment", "committee")
    assert by_the_call is not None
    await opened("judge_applications", start, of=None)
    assert await shown() == by_the_call
    assert await expected("decision", "rhf") is not None

    await opened("answer_complaint", start + 9 * day)
    assert await expected("complaint", "rhf") == start + 9 * day


async def test_a_fact_about_an_unknown_case_is_parked(world: World) -> None:
    application_id = uuid.uuid4()
    fact = review.RoundEntered(
        application_id=application_id, call_id=world.call.id, panel="service", flags=[]
    )
    with pytest.raises(AssertionError, match="UnknownApplication"):
        await take(world, fact, application_id)
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
    await take(world, changed, application_id)
    assert (await world.api.get(heir, f"/v1/applications/{application_id}")).status_code == 200
    problem(await world.api.get(holder, f"/v1/applications/{application_id}"), 404, "not-found")
