"""Decisions by two persons, deviations with reasons, letters and the public register."""

from io import BytesIO
from uuid import uuid4

import pikepdf
import pytest

from services.funding.commands.letters import NotDecidedYet
from services.funding.commands.open_round import RecommendationsMissing
from services.review.events import ConsultationAnswered
from tests.service.funding.play import Case, Play


def _problem(answer: object) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]  # type: ignore[attr-defined]


async def test_a_condition_that_comes_after_the_signature_is_in_the_decision(play: Play) -> None:
    """Up to the decision: laid out or not, prepared or not. What is decided stays as it was decided."""
    await play.publish_call({"service": 1_000_000})
    early, late, over = (
        Case(each, 300_000, "awarded", n) for n, each in enumerate(("HMR", "HNT", "SAMN"), 1)
    )
    await play.recommended(early, late, over)

    async def adjust(case: Case, outcome: str = "adjust") -> None:
        answered = ConsultationAnswered(
            application_id=case.id,
            call_id=play.call_id,
            organisation="HP",
            outcome=outcome,
            answered_by=play.chair,
        )
        await play.fact(answered, case.id)

    await adjust(early)
    await adjust(early)
    await play.run("open_decision_round", play.round())
    await play.prepare("call-a.d1")
    await adjust(late)
    await adjust(over, "feasible")
    assert (await play.take("call-a.d1")).status_code == 201
    await adjust(over)
    await play.run("send_letters", play.round())
    letters = [(await play.facts("letter-sent", each))[0] for each in (early, late, over)]
    assert [each["conditions"] for each in letters] == [["adjusted_plan_HP"], ["adjusted_plan_HP"], []]
    async with play.database.read() as conn:
        added = await conn.fetch("select key from audit where action = 'condition.added'")
    assert sorted(row["key"] for row in added) == sorted(str(each.id) for each in (early, late, over))


async def test_the_round_waits_for_every_signed_recommendation(play: Play) -> None:
    await play.publish_call({"product": 1_000_000, "service": 1_000_000})
    case, late = Case("HMR", 100_000, "awarded", 1), Case("HNT", 100_000, "awarded", 2)
    await play.submit(case)
    await play.recommend(case)
    await play.sign("product", [])
    with pytest.raises(RecommendationsMissing, match="not signed"):
        await play.run("open_decision_round", play.round())
    await play.sign("service", [case, late])
    with pytest.raises(RecommendationsMissing, match="1 recommendations"):
        await play.run("open_decision_round", play.round())
    await play.recommend(late)
    with pytest.raises(RecommendationsMissing, match="still on its way"):
        await play.run("open_decision_round", play.round())
    await play.submit(late)
    await play.run("open_decision_round", play.round())
    await play.run("open_decision_round", play.round())
    seen = (await play.api.get(play.adviser, "/v1/decision-rounds/call-a.d1")).json()
    assert [each["rank"] for each in seen["cases"]] == [1, 2]
    with pytest.raises(NotDecidedYet):
        await play.run("send_letters", play.round())


async def test_a_decision_needs_two_persons_and_can_be_sent_back(play: Play) -> None:
    both = play.person("rhf_adviser", "leader", organisation="HMN")
    await play.publish_call({"service": 1_000_000})
    case = Case("HMR", 300_000, "awarded", 1)
    await play.recommended(case)
    await play.run("open_decision_round", play.round())
    assert _problem(await play.take("call-a.d1")) == "step-out-of-order"
    assert (await play.prepare("call-a.d1", by=both)).status_code == 201
    assert _problem(await play.prepare("call-a.d1")) == "step-out-of-order"
    alone = await play.take("call-a.d1", by=both)
    assert (alone.status_code, _problem(alone)) == (403, "two-persons-needed")
    wordless = await play.take("call-a.d1", approved=False)
    assert wordless.json()["errors"][0]["field"] == "reason"
    assert (await play.take("call-a.d1", approved=False, reason="Se på HMR")).status_code == 201
    assert (await play.prepare("call-a.d1")).json()["attempt"] == 2
    assert (await play.take("call-a.d1", by=both)).status_code == 201
    assert [each["attempt"] for each in await play.facts("decisions-prepared")] == [1, 2]
    assert [each["attempt"] for each in await play.facts("decisions-sent-back")] == [1]
    assert [each["attempt"] for each in await play.facts("decisions-taken")] == [2]
    assert _problem(await play.take("call-a.d1")) == "step-out-of-order"


async def test_a_deviation_needs_a_reason_and_cannot_break_pot_or_list(play: Play) -> None:
    await play.publish_call({"service": 1_000_000}, reserve_size=1)
    first, second = Case("HMR", 700_000, "awarded", 1), Case("HNT", 500_000, "reserve", 2)
    third = Case("STOLAV", 300_000, "declined_ranking", 3)
    await play.recommended(first, second, third)
    await play.run("open_decision_round", play.round())

    def deviation(case: Case, outcome: str, amount: int, reason: str = "Ledig rest") -> dict[str, object]:
        return {"application_id": str(case.id), "outcome": outcome, "amount": amount, "reason": reason}

    async def refused(*deviations: dict[str, object]) -> tuple[int, str]:
        answer = await play.prepare("call-a.d1", *deviations)
        return answer.status_code, _problem(answer)

    assert await refused(deviation(third, "awarded", 300_000, " ")) == (422, "deviation-needs-reason")
    assert await refused(deviation(third, "awarded", 300_001)) == (422, "invalid")
    assert await refused(deviation(third, "awarded", 0)) == (422, "invalid")
    assert await refused(deviation(third, "declined_threshold", 5)) == (422, "invalid")
    assert await refused(deviation(third, "lapsed", 0)) == (422, "invalid")
    assert await refused(*[deviation(third, "awarded", 300_000)] * 2) == (422, "invalid")
    assert await refused(deviation(second, "awarded", 500_000)) == (409, "pot-exceeded")
    assert await refused(deviation(third, "reserve", 300_000)) == (409, "reserve-full")
    stranger = Case("HNT", 1, "awarded", 1)
    assert await refused(deviation(stranger, "awarded", 1)) == (422, "invalid")
    assert await play.pot() == (1_000_000, 0, 0)

    moved = await play.prepare("call-a.d1", deviation(third, "awarded", 300_000))
    assert moved.status_code == 201
    assert (await play.take("call-a.d1")).status_code == 201
    await play.run("send_letters", play.round())
    assert await play.pot() == (1_000_000, 1_000_000, 0)
    shown = (await play.api.get(third.holder, f"{third.path}/decisions")).json()["items"]
    assert (shown[0]["outcome"], shown[0]["reason"]) == ("awarded", "Ledig rest")


async def test_letters_are_archivable_pdf_in_three_languages(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    title = "#let x = 1 *ikke* markup"
    cases = [
        Case("HMR", 300_000, "awarded", 1, conditions=["adjusted_plan_HP"], title=title),
        Case("HMR", 800_000, "reserve", 2),
        Case("HMR", 300_000, "declined_ranking", 3),
        Case("HMR", 300_000, "declined_threshold", None),
        Case("HMR", 300_000, "referred", None),
    ]
    await play.recommended(*cases)
    await play.decide()
    for case in cases:
        for language in ("nb", "nn", "en"):
            answer = await play.api.get(case.holder, f"{case.path}/letter?lang={language}")
            assert answer.headers["content-type"] == "application/pdf"
            with pikepdf.open(BytesIO(answer.content)) as pdf, pdf.open_metadata() as metadata:
                assert metadata.pdfa_status == "2B"
                assert str(pdf.Root.Lang).startswith(language)
        assert (await play.api.get(case.holder, f"{case.path}/letter")).content == (
            await play.api.get(play.leader, f"{case.path}/letter?lang=nb&version=1")
        ).content
    assert (await play.api.get(cases[0].holder, f"{cases[0].path}/letter?version=2")).status_code == 404
    assert (await play.api.get(cases[0].holder, f"{cases[0].path}/letter?lang=de")).status_code == 422


async def test_the_presentation_is_made_once_and_kept(play: Play) -> None:
    await play.publish_call({"product": 1_000_000, "service": 1_000_000})
    await play.recommended(Case("HMR", 300_000, "awarded", 1), Case("HNT", 800_000, "reserve", 2))
    await play.run("open_decision_round", play.round())
    path = "/v1/decision-rounds/call-a.d1/presentation"
    assert (await play.api.get(play.leader, path)).content.startswith(b"%PDF")
    await play.prepare("call-a.d1")
    await play.take("call-a.d1")
    await play.run("present_awards", play.round())
    first = (await play.api.get(play.leader, path)).content
    await play.run("present_awards", play.round())
    assert (await play.api.get(play.leader, path)).content == first
    assert len(await play.facts("leader-meeting-presented")) == 1


async def test_the_register_shows_only_what_is_published_and_stands(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    kept, lost = Case("HMR", 300_000, "awarded", 1), Case("HNT", 200_000, "awarded", 2)
    more = Case("STOLAV", 100_000, "awarded", 3)
    declined = Case("HNT", 200_000, "declined_threshold", None)
    await play.recommended(kept, lost, more, declined)
    await play.decide()
    assert (await play.api.get(None, "/v1/recipients")).json()["items"] == []
    await play.run("publish_round", "call-a")
    await play.run("publish_round", "call-a")
    await play.lose(lost)
    page = (await play.api.get(None, "/v1/recipients?call_id=call-a&limit=1")).json()
    assert [each["case_number"] for each in page["items"]] == [kept.number]
    assert page["items"][0]["statement"] == "Pasienten kommer trygt hjem."
    rest = (await play.api.get(None, f"/v1/recipients?call_id=call-a&cursor={page['next']}")).json()
    assert [each["case_number"] for each in rest["items"]] == [more.number]
    assert rest["next"] is None
    assert (await play.api.get(None, "/v1/recipients?call_id=nothing")).json()["items"] == []
    assert (await play.api.get(None, "/v1/recipients?cursor=bm8")).status_code == 422
    published = await play.facts("round-published")
    assert len(published) == 1
    assert set(published[0]["holder_ids"]) == {str(case.holder.id) for case in play.cases}
    assert len(await play.facts("kickoff-planned")) == 3


async def test_unknown_rounds_and_cases_are_not_found(play: Play) -> None:
    assert (await play.api.get(play.adviser, "/v1/decision-rounds/nothing.d1")).status_code == 404
    assert (await play.prepare("nothing.d1")).status_code == 404
    assert (await play.take("nothing.d1")).status_code == 404
    assert (await play.api.get(play.adviser, f"/v1/cases/{uuid4()}/decisions")).status_code == 404
    assert (await play.api.get(play.adviser, f"/v1/grants/{uuid4()}")).status_code == 404
