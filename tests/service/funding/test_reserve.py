"""Freed money and the reserve list: strict order, no skipping, never more than the pot, whatever races."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

import workflows.contracts.funding as contract
from services.common.db import now
from services.common.errors import NotYet
from tests.service.funding.play import Case, Play

SOON = {"after": "PT0S"}


async def _service_round(play: Play, **times: Any) -> dict[str, Case]:
    """The service panel of the demo: 3 500 000, of which 400 000 are left."""
    await play.publish_call({"product": 1_500_000, "service": 3_500_000}, reserve_size=1, **times)
    cast = {
        "A02": Case("HMR", 750_000, "awarded", 1),
        "A03": Case("HNT", 600_000, "awarded", 2),
        "A04": Case("STOLAV", 750_000, "awarded", 3),
        "A13": Case("HNT", 500_000, "awarded", 4),
        "A05": Case("SAMN", 250_000, "awarded", 5),
        "A15": Case("HMR", 250_000, "awarded", 6),
        "A08": Case("STOLAV", 700_000, "reserve", 7),
        "A12": Case("STOLAV", 400_000, "declined_ranking", 8),
        "A07": Case("HNT", 700_000, "declined_ranking", 9),
    }
    await play.recommended(*cast.values())
    await play.decide()
    return cast


async def test_money_waits_until_the_first_on_the_list_fits_and_then_moves_it_up(play: Play) -> None:
    cast = await _service_round(play)
    reserve = cast["A08"]
    assert await play.pot() == (3_500_000, 3_100_000, 0)
    assert not await play.facts("reserve-offered")

    assert (await play.lose(cast["A05"])).status_code == 201
    assert await play.pot() == (3_500_000, 2_850_000, 0)  # 650 000 free, 700 000 needed
    assert not await play.facts("reserve-offered")

    assert (await play.lose(cast["A04"])).status_code == 201
    offered = await play.facts("reserve-offered")
    assert [(each["application_id"], each["amount"]) for each in offered] == [(str(reserve.id), 700_000)]
    assert offered[0]["freed_by"] == str(cast["A04"].id)
    assert await play.pot() == (3_500_000, 2_100_000, 700_000)

    moved = await play.api.post(
        play.adviser, f"{reserve.path}/reserve-move", {"confirmed": True, "reason": "Midler er frigjort"}
    )
    round_id = f"{reserve.id}.d2"
    assert moved.json()["decision_round_id"] == round_id
    assert (await play.facts("reserve-move-decided"))[0]["decision_round_id"] == round_id
    await play.decide(play.round(round_id, reserve))
    assert await play.pot() == (3_500_000, 2_800_000, 0)
    made = (await play.facts("award-made", reserve))[0]
    assert (made["version"], made["amount"]) == (2, 700_000)
    letters = await play.facts("letter-sent", reserve)
    assert [each["outcome"] for each in letters] == ["reserve", "awarded"]
    assert letters[0]["reserve_until"] is not None
    # A12 would fit in the 700 000 that are left, but it was declined, so it is never asked.
    assert await play.state(cast["A12"]) == "declined"
    assert len(await play.facts("reserve-offered")) == 1


async def test_a_place_that_is_let_wait_keeps_its_money_free_and_nobody_is_skipped(play: Play) -> None:
    await play.publish_call({"service": 1_000_000}, reserve_size=3)
    award = Case("HMR", 500_000, "awarded", 1)
    other = Case("HMR", 500_000, "awarded", 2)
    first, second = Case("HNT", 500_000, "reserve", 3), Case("HNT", 100_000, "reserve", 4)
    await play.recommended(award, other, second, first)
    await play.decide()
    await play.lose(award)
    wait = {"confirmed": False, "reason": "Søkeren ber om å vente"}
    assert (await play.api.post(play.adviser, f"{first.path}/reserve-move", wait)).status_code == 201
    assert await play.pot() == (1_000_000, 500_000, 0)
    assert [each["application_id"] for each in await play.facts("reserve-offered")] == [str(first.id)]

    await play.lose(other)  # other money comes free: the first is asked again, and now both fit
    asked = [each["application_id"] for each in await play.facts("reserve-offered")]
    assert asked == [str(first.id), str(first.id), str(second.id)]
    assert [each["n"] for each in await play.facts("reserve-offered", first)] == [1, 2]
    assert await play.pot() == (1_000_000, 0, 600_000)


async def test_losses_and_decisions_that_race_never_exceed_the_pot_or_the_order(play: Play) -> None:
    await play.publish_call({"service": 2_000_000}, reserve_size=8)
    awards = [Case("HMR", 200_000, "awarded", rank) for rank in range(1, 11)]
    reserve = [Case("HNT", 200_000, "reserve", rank) for rank in range(11, 19)]
    await play.recommended(*awards, *reserve)
    await play.decide()
    for case in awards:
        await play.accepted(case, accepted=False)
        await play.run("propose_loss", contract.Loss(case.id, 1, "not_accepted", None))

    async def lose(case: Case) -> int:
        body = {"confirmed": True, "reason": "Takket nei"}
        for _ in range(20):
            answer = await play.api.post(play.adviser, f"{case.grant}/loss/decision", body)
            if answer.status_code != 503:
                return int(answer.status_code)
        return 503

    assert await asyncio.gather(*(lose(case) for case in awards)) == [201] * 10
    amount, awarded, held = await play.pot()
    assert (amount, awarded, held) == (2_000_000, 0, 1_600_000)
    # The order of the offers' rows is the order of their transactions: the list's own order.
    asked = [each["application_id"] for each in await play.facts("reserve-offered")]
    assert asked == [str(case.id) for case in reserve]

    async def move_and_decide(case: Case) -> None:
        body = {"confirmed": True, "reason": "Ja"}
        moved = await play.api.post(play.adviser, f"{case.path}/reserve-move", body)
        await play.decide(play.round(moved.json()["decision_round_id"], case))

    await asyncio.gather(*(move_and_decide(case) for case in reserve))
    assert await play.pot() == (2_000_000, 1_600_000, 0)


async def test_two_takings_of_one_round_at_once_decide_each_case_once(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    case = Case("HMR", 600_000, "awarded", 1)
    await play.recommended(case)
    await play.run("open_decision_round", play.round())
    await play.prepare("call-a.d1")
    answers = await asyncio.gather(*(play.take("call-a.d1") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert await play.pot() == (1_000_000, 600_000, 0)
    assert len(await play.facts("case-decided", case)) == 1


async def test_the_database_itself_refuses_more_than_the_pot(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    async with play.database.transaction() as conn:
        with pytest.raises(Exception, match="check constraint"):
            await conn.execute("update pot set awarded = amount + 1 where panel = 'service'")


async def test_a_loss_is_proposed_only_when_the_instant_that_counts_has_passed(play: Play) -> None:
    cast = await _service_round(play, accept_award=SOON, acceptance_lapse=SOON)
    case = cast["A02"]
    made = (await play.facts("award-made", case))[0]
    lapses_at = datetime.fromisoformat(made["acceptance_lapses_at"])
    async with play.database.read() as conn:
        older = await now(conn)
    await play.run("propose_loss", contract.Loss(case.id, 1, "not_accepted", older))
    assert not await play.facts("loss-proposed")
    await play.run("propose_loss", contract.Loss(case.id, 1, "not_accepted", lapses_at))
    await play.run("propose_loss", contract.Loss(case.id, 1, "not_accepted", lapses_at))
    assert len(await play.facts("loss-proposed")) == 1

    kept = await play.api.post(
        play.adviser, f"{case.grant}/loss/decision", {"confirmed": False, "reason": "Var på ferie"}
    )
    assert kept.status_code == 201
    decided = (await play.facts("loss-decided", case))[0]
    assert decided["confirmed"] is False
    assert datetime.fromisoformat(decided["accept_due_at"]) > lapses_at
    assert datetime.fromisoformat(decided["acceptance_lapses_at"]) > lapses_at
    assert decided["start_due_at"] is None
    await play.accepted(case)


async def test_an_expired_place_gives_way_to_the_next(play: Play) -> None:
    await play.publish_call({"service": 1_000_000}, reserve_size=3, reserve_validity=SOON)
    award = Case("HMR", 800_000, "awarded", 1)
    first, second = Case("HNT", 500_000, "reserve", 2), Case("HNT", 200_000, "reserve", 3)
    await play.recommended(award, first, second)
    await play.decide()
    assert not await play.facts("reserve-offered")
    await play.run("expire_reserve", first.id)
    assert len(await play.facts("reserve-expired", first)) == 1
    assert [each["application_id"] for each in await play.facts("reserve-offered")] == [str(second.id)]
    await play.run("expire_reserve", second.id)  # it has moved up: nothing happens
    assert await play.state(second) == "offered"


async def test_a_place_does_not_expire_while_it_is_valid(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    award, place = Case("HMR", 800_000, "awarded", 1), Case("HNT", 500_000, "reserve", 2)
    await play.recommended(award, place)
    await play.decide()
    with pytest.raises(NotYet):
        await play.run("expire_reserve", place.id)
    assert await play.state(place) == "reserve"


async def test_a_case_assessed_again_gets_the_empty_place_on_the_reserve_list(play: Play) -> None:
    await play.publish_call({"product": 1_500_000}, reserve_size=1)
    awards = [
        Case("STOLAV", 750_000, "awarded", 1, "product"),
        Case("STOLAV", 600_000, "awarded", 2, "product"),
    ]
    case = Case("HMR", 400_000, "declined_threshold", None, "product")
    await play.recommended(*awards, case)
    await play.decide()
    institution = play.person("institution", organisation="HMR")
    complaint = {"ground": "Et inhabilt medlem deltok i møtet", "error": "conflict_of_interest"}
    assert (await play.api.post(institution, f"{case.path}/complaints", complaint)).json()["n"] == 1
    answer = {"upheld": True, "stage": "assessment", "reason": "Feilen kan ha virket inn"}
    path = f"{case.path}/complaints/1/answer"
    assert (await play.api.post(play.adviser, path, answer)).status_code == 403  # prepared the decision
    assert (await play.api.post(play.second_adviser, path, answer)).status_code == 201

    case.outcome, case.rank = "awarded", 1
    await play.recommend(case, f"{case.id}.r1")
    await play.sign("product", [case], f"{case.id}.r1")
    await play.decide(play.round(f"{case.id}.d2", case))
    decided = await play.facts("case-decided", case)
    assert [(each["version"], each["outcome"], each["amount"]) for each in decided] == [
        (1, "declined_threshold", 0),
        (2, "reserve", 400_000),
    ]
    assert await play.pot("product") == (1_500_000, 1_350_000, 0)  # 150 000 are too little
    seen = (await play.api.get(case.holder, f"{case.path}/decisions")).json()["items"]
    assert [each["superseded"] for each in seen] == [True, False]
    assert (await play.lose(awards[1])).status_code == 201
    assert [each["application_id"] for each in await play.facts("reserve-offered")] == [str(case.id)]
