"""Withdrawals that cross with decisions, and their undoing: nothing is decided twice, lost or overtaken."""

from dataclasses import replace

import pytest

from deploy.demo.calls import real_call
from services.intake.events import ApplicationWithdrawn, WithdrawalUndone
from services.review.events import PrescreeningDecided
from tests.service.funding.play import AT, Case, Play


def _withdrawn(case: Case) -> ApplicationWithdrawn:
    return ApplicationWithdrawn(
        application_id=case.id, call_id="call-a", withdrawn_by=case.holder.id, undo_until=AT
    )


def _undone(case: Case) -> WithdrawalUndone:
    return WithdrawalUndone(application_id=case.id, call_id="call-a", undone_by=case.holder.id)


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


async def test_a_no_is_about_the_version_that_was_read_in_whatever_order_it_comes(play: Play) -> None:
    """Intake handed the case back before it heard of the no, so the next version is judged anew."""
    await play.publish_call({"service": 1_000_000})
    for first in ("no", "version"):
        case = await play.submit(Case("HMR", 300_000, "awarded", 1))
        no = PrescreeningDecided(
            application_id=case.id, call_id="call-a", version=1, outcome="not_recommended", decided_by=case.id
        )
        if first == "no":
            await play.fact(no, case.id)
            assert await play.state(case) == "ended"
        await play.submit(case, version=2)
        if first == "version":
            await play.fact(no, case.id)
        assert await play.state(case) == "received"


async def test_an_undo_does_not_revive_what_the_trust_has_not_recommended(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    case = await play.submit(Case("HMR", 300_000, "awarded", 1))
    await play.fact(_withdrawn(case), case.id)
    await play.fact(replace(_undone(case), state="not_recommended"), case.id)
    assert await play.state(case) == "ended"


async def test_an_ending_undone_before_the_decision_waits_for_it_and_takes_nothing_from_it(
    play: Play,
) -> None:
    """It was away when the round was laid out; the round's own cases come first, in money and in order."""
    await play.publish_call({"service": 1_000_000})
    away, award = Case("HMR", 150_000, "awarded", 1), Case("HNT", 800_000, "awarded", 2)
    place = Case("STOLAV", 600_000, "reserve", 3)
    await play.recommended(away, award, place)
    await play.fact(_withdrawn(away), away.id)
    await play.run("open_decision_round", play.round())
    await play.fact(_undone(away), away.id)
    assert await play.state(away) == "received"
    assert not await play.facts("case-left-out")
    await play.prepare("call-a.d1")
    assert (await play.take("call-a.d1")).status_code == 201
    (left_out,) = await play.facts("case-left-out")
    assert left_out["application_id"] == str(away.id)
    assert left_out["decision_round_id"] == f"{away.id}.d1"
    assert await play.state(away) == "upheld"

    # Its own letter may be out before those of the round: the list is one list all the same.
    await play.decide(play.round(left_out["decision_round_id"], away))
    assert not await play.facts("reserve-offered")
    await play.run("send_letters", play.round())
    seen = await play.api.get(play.adviser, "/v1/calls/call-a/panels/service/reserve")
    order = [(each["case_number"], each["position"]) for each in seen.json()["items"]]
    assert order == [(place.number, 1), (away.number, 2)]
    assert (await play.lose(award)).status_code == 201
    assert [each["application_id"] for each in await play.facts("reserve-offered")] == [
        str(place.id),
        str(away.id),
    ]


async def test_a_round_of_its_own_waits_until_the_case_is_back(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    case, other = Case("HMR", 300_000, "awarded", 1), Case("HNT", 200_000, "awarded", 2)
    await play.recommended(case, other)
    await play.fact(_withdrawn(case), case.id)
    await play.decide()
    await play.fact(_undone(case), case.id)
    await play.fact(_withdrawn(case), case.id)
    own = play.round(f"{case.id}.d1", case)
    with pytest.raises(Exception, match="has ended"):
        await play.run("open_decision_round", own)
    await play.fact(_undone(case), case.id)
    await play.decide(own)
    assert len(await play.facts("letter-sent", case)) == 1


async def test_an_ending_undone_while_its_round_is_prepared_is_decided_in_it(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    case, other = Case("HMR", 300_000, "awarded", 1), Case("HNT", 200_000, "awarded", 2)
    await play.recommended(case, other)
    await play.run("open_decision_round", play.round())
    await play.fact(_withdrawn(case), case.id)
    await play.fact(_undone(case), case.id)
    assert await play.state(case) == "in_decision"
    await play.prepare("call-a.d1")
    assert (await play.take("call-a.d1")).status_code == 201
    assert not await play.facts("case-left-out")
    assert await play.pot() == (1_000_000, 500_000, 0)


@pytest.mark.parametrize("signed", ["before the decision", "after it"])
async def test_a_case_that_its_panel_never_assessed_is_decided_after_an_assessment_of_its_own(
    play: Play, signed: str
) -> None:
    await play.publish_call({"service": 1_000_000})
    case, other = Case("HMR", 300_000, "awarded", 1), Case("HNT", 200_000, "awarded", 2)
    await play.submit(case)
    await play.fact(_withdrawn(case), case.id)
    await play.recommended(other)
    await play.run("open_decision_round", play.round())
    await play.prepare("call-a.d1")
    await play.fact(_undone(case), case.id)

    async def assess() -> None:
        await play.recommend(case, f"{case.id}.r0")
        await play.sign("service", [case], f"{case.id}.r0")

    if signed == "before the decision":
        await assess()
        assert not await play.facts("case-left-out")
    await play.take("call-a.d1")
    if signed == "after it":
        assert not await play.facts("case-left-out")
        assert await play.state(case) == "received"
        await assess()
    await play.sign("service", [case], f"{case.id}.r0")
    (left_out,) = await play.facts("case-left-out")
    await play.decide(play.round(left_out["decision_round_id"], case))
    assert [each["outcome"] for each in await play.facts("letter-sent", case)] == ["reserve"]


@pytest.mark.parametrize("last", ["the panel's signature", "its own"])
async def test_a_case_of_a_call_that_has_nothing_to_decide_waits_for_no_decision(
    play: Play, last: str
) -> None:
    """All others were withdrawn: the panels sign empty lists, and no round of the call is opened."""
    await play.publish_call({"service": 1_000_000})
    case = Case("HMR", 300_000, "awarded", 1)
    await play.submit(case)

    async def its_own() -> None:
        await play.recommend(case, f"{case.id}.r0")
        await play.sign("service", [case], f"{case.id}.r0")

    for panel in [each.code for each in real_call().panels][1:]:
        await play.sign(panel, [])
    if last == "its own":
        await play.sign(real_call().panels[0].code, [])
        await its_own()
    else:
        await its_own()
        assert not await play.facts("case-left-out")
        await play.sign(real_call().panels[0].code, [])
    (left_out,) = await play.facts("case-left-out")
    await play.decide(play.round(left_out["decision_round_id"], case))
    assert [each["outcome"] for each in await play.facts("letter-sent", case)] == ["reserve"]


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


@pytest.mark.parametrize("outcome", ["declined_ranking", "reserve"])
async def test_a_letter_that_a_withdrawal_held_back_follows_its_undoing(play: Play, outcome: str) -> None:
    await play.publish_call({"service": 1_000_000})
    award, case = Case("HMR", 600_000, "awarded", 1), Case("STOLAV", 400_000, outcome, 2)
    await play.recommended(award, case)
    await play.run("open_decision_round", play.round())
    await play.prepare("call-a.d1")
    await play.take("call-a.d1")
    # Nobody gets a letter before the leader meeting.
    await play.fact(_withdrawn(case), case.id)
    await play.fact(_undone(case), case.id)
    assert not await play.facts("letter-sent", case)
    await play.fact(_withdrawn(case), case.id)
    await play.run("present_awards", play.round())
    await play.run("send_letters", play.round())
    assert not await play.facts("letter-sent", case)
    for _ in range(2):
        await play.fact(_undone(case), case.id)
    assert [each["outcome"] for each in await play.facts("letter-sent", case)] == [outcome]
    letter = await play.api.get(case.holder, f"{case.path}/letter")
    assert letter.content.startswith(b"%PDF")
    # The money that is left waits for no other letter.
    assert len(await play.facts("reserve-offered", case)) == (outcome == "reserve")
    await play.run("send_letters", play.round())
    assert len(await play.facts("letter-sent", case)) == 1


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
    (answer,) = await play.facts("reserve-move-decided", first)
    assert (answer["n"], answer["confirmed"]) == (1, False)
    for _ in range(2):
        await play.fact(_undone(first), first.id)
    assert await play.state(first) == "reserve"  # 400 000 are left, 500 000 needed
    assert await play.pot() == (1_000_000, 0, 600_000)
