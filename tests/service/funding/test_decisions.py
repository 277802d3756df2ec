"""Decisions by two persons, deviations with reasons, letters and the public register."""

from io import BytesIO
from uuid import uuid4

import pikepdf
import pytest

from services.funding.commands.letters import NotDecidedYet
from services.funding.commands.open_round import RecommendationsMissing
from services.intake.events import ApplicationWithdrawn, WithdrawalUndone
from tests.service.funding.play import AT, Case, Play


def _problem(answer: object) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]  # type: ignore[attr-defined]


def _withdrawn(case: Case) -> ApplicationWithdrawn:
    return ApplicationWithdrawn(
        application_id=case.id, call_id="call-a", withdrawn_by=case.holder.id, undo_until=AT
    )


def _undone(case: Case) -> WithdrawalUndone:
    return WithdrawalUndone(application_id=case.id, call_id="call-a", undone_by=case.holder.id)


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


async def test_a_withdrawal_before_the_decision_leaves_the_case_out(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    case, other = Case("HMR", 300_000, "awarded", 1), Case("HNT", 200_000, "awarded", 2)
    await play.recommended(case, other)
    await play.run("open_decision_round", play.round())
    await play.prepare("call-a.d1")
    await play.fact(_withdrawn(case), case.id)
    assert (await play.take("call-a.d1")).status_code == 201
    await play.run("send_letters", play.round())
    assert await play.pot() == (1_000_000, 200_000, 0)
    assert not await play.facts("case-decided", case)
    assert not await play.facts("letter-sent", case)
    # Undone, it is decided by rounds of its own, until one of them is decided while it is there.
    own = [f"{case.id}.d1", f"{case.id}.d1.2"]
    await play.fact(_undone(case), case.id)
    await play.run("open_decision_round", play.round(own[0], case))
    await play.prepare(own[0])
    await play.fact(_withdrawn(case), case.id)
    assert (await play.take(own[0])).status_code == 201
    await play.fact(_undone(case), case.id)
    assert [each["decision_round_id"] for each in await play.facts("case-left-out", case)] == own
    await play.decide(play.round(own[1], case))
    (letter,) = await play.facts("letter-sent", case)
    assert (letter["version"], letter["outcome"]) == (1, "reserve")
    assert await play.pot() == (1_000_000, 200_000, 300_000)


@pytest.mark.parametrize("recommended", [True, False])
async def test_a_case_that_was_away_when_its_round_was_laid_out_gets_its_own(
    play: Play, recommended: bool
) -> None:
    """Unless the panel has never seen it: then there is nothing to decide yet."""
    await play.publish_call({"service": 1_000_000})
    case, other = Case("HMR", 300_000, "awarded", 1), Case("HNT", 200_000, "awarded", 2)
    if recommended:
        await play.recommended(case, other)
    else:
        await play.submit(case)
        await play.recommended(other)
    await play.fact(_withdrawn(case), case.id)
    await play.run("open_decision_round", play.round())
    await play.fact(_undone(case), case.id)
    assert len(await play.facts("case-left-out", case)) == (1 if recommended else 0)
    assert await play.state(case) == ("upheld" if recommended else "received")


async def test_a_withdrawal_that_crosses_with_the_award_is_the_holders_no(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    case = Case("HMR", 600_000, "awarded", 1)
    early = Case("HNT", 400_000, "awarded", 2)
    reserve = Case("STOLAV", 500_000, "reserve", 3)
    await play.recommended(case, early, reserve)
    await play.decide()
    for each in (case, early):
        for _ in range(2):
            await play.fact(_withdrawn(each), each.id)
    lost = await play.facts("loss-decided")
    assert [(each["outcome"], each["confirmed"]) for each in lost] == [("not_accepted", True)] * 2
    assert len(await play.facts("reserve-offered", reserve)) == 1
    assert await play.pot() == (1_000_000, 0, 500_000)


async def test_a_withdrawal_between_decision_and_letter_stops_the_letter(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    case, reserve = Case("HMR", 600_000, "awarded", 1), Case("STOLAV", 500_000, "reserve", 2)
    await play.recommended(case, reserve)
    await play.run("open_decision_round", play.round())
    await play.prepare("call-a.d1")
    await play.take("call-a.d1")
    await play.fact(_withdrawn(case), case.id)
    assert await play.pot() == (1_000_000, 0, 0)  # the reserve has no letter yet, so nothing is offered
    await play.run("send_letters", play.round())
    assert not await play.facts("letter-sent", case)
    assert not await play.facts("award-made")
    assert [each["outcome"] for each in await play.facts("loss-decided", case)] == ["not_accepted"]
    assert len(await play.facts("reserve-offered", reserve)) == 1


async def test_a_withdrawal_after_the_start_changes_nothing(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    case = Case("HMR", 600_000, "awarded", 1)
    await play.recommended(case)
    await play.decide()
    await play.started(case)
    await play.fact(_withdrawn(case), case.id)
    assert await play.state(case) == "awarded"
    assert not await play.facts("loss-decided")
    async with play.database.read() as conn:
        actions = await conn.fetch("select action from audit where key = $1 order by n", str(case.id))
    assert actions[-1]["action"] == "withdrawal.too_late"


async def test_an_undone_withdrawal_from_the_reserve_list_is_asked_anew(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    award = Case("HMR", 600_000, "awarded", 1)
    first, second = Case("STOLAV", 500_000, "reserve", 2), Case("HNT", 600_000, "reserve", 3)
    await play.recommended(award, first, second)
    await play.decide()
    await play.lose(award)
    assert await play.pot() == (1_000_000, 0, 500_000)
    await play.fact(_withdrawn(first), first.id)
    assert await play.state(second) == "offered"
    for _ in range(2):
        await play.fact(_undone(first), first.id)
    assert await play.state(first) == "reserve"  # 400 000 are left, 500 000 needed
    assert await play.pot() == (1_000_000, 0, 600_000)


async def test_unknown_rounds_and_cases_are_not_found(play: Play) -> None:
    assert (await play.api.get(play.adviser, "/v1/decision-rounds/nothing.d1")).status_code == 404
    assert (await play.prepare("nothing.d1")).status_code == 404
    assert (await play.take("nothing.d1")).status_code == 404
    assert (await play.api.get(play.adviser, f"/v1/cases/{uuid4()}/decisions")).status_code == 404
    assert (await play.api.get(play.adviser, f"/v1/grants/{uuid4()}")).status_code == 404
