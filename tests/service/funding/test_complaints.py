"""Complaints about decisions: from whom, until when, and what follows when one is upheld."""

from typing import Any

from services.intake.events import ApplicationRejected
from tests.service.funding.play import AT, Case, Play


def _problem(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def test_complaints_come_once_in_time_and_never_about_an_award(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    award, declined = Case("HNT", 500_000, "awarded", 1), Case("HNT", 500_000, "declined_ranking", 2)
    await play.recommended(award, declined)
    institution = play.person("institution", organisation="HNT")
    ground = {"ground": "Saken ble behandlet av en som var inhabil"}
    assert (
        _problem(await play.api.post(institution, f"{award.path}/complaints", ground)) == "step-out-of-order"
    )
    await play.decide()
    assert _problem(await play.api.post(institution, f"{award.path}/complaints", ground)) == "award-stands"
    path = f"{declined.path}/complaints"
    assert (await play.api.post(institution, path, ground)).status_code == 201
    assert _problem(await play.api.post(institution, path, ground)) == "complaint-exists"
    upheld = {"upheld": True, "reason": "Ja"}
    answer = f"{path}/1/answer"
    assert (await play.api.post(play.second_adviser, answer, upheld)).status_code == 422
    dismissed = {"upheld": False, "reason": "Ingen feil er funnet"}
    assert (await play.api.post(play.second_adviser, answer, dismissed)).status_code == 201
    assert _problem(await play.api.post(play.second_adviser, answer, dismissed)) == "step-out-of-order"
    assert await play.state(declined) == "declined"
    assert (await play.facts("complaint-decided", declined))[0]["upheld"] is False
    shown = (await play.api.get(declined.holder, path)).json()["items"]
    assert [(each["n"], each["state"]) for each in shown] == [(1, "refused")]


async def test_who_complains_about_a_rejection_here_is_told_how(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    case = await play.submit(Case("HNT", 500_000, "awarded", 1))
    rejected = ApplicationRejected(
        application_id=case.id,
        call_id="call-a",
        version=1,
        rules=["X08"],
        decided_by=play.adviser.id,
        undo_until=AT,
    )
    await play.fact(rejected, case.id)
    institution = play.person("institution", organisation="HNT")
    answer = await play.api.post(institution, f"{case.path}/complaints", {"ground": "Beløpet er lest feil"})
    assert _problem(answer) == "step-out-of-order"
    assert "in writing" in answer.json()["detail"]


async def test_an_upheld_complaint_withdraws_the_offer_that_waits(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    award = Case("HMR", 900_000, "awarded", 1)
    first, second = Case("HNT", 500_000, "reserve", 2), Case("HMR", 500_000, "reserve", 3)
    await play.recommended(award, first, second)
    await play.decide()
    institution = play.person("institution", organisation="HNT")
    await play.api.post(institution, f"{first.path}/complaints", {"ground": "Feil rangert"})
    await play.lose(award)
    assert await play.state(first) == "offered"
    answer = {"upheld": True, "stage": "decision", "reason": "Begrunnelsen manglet"}
    done = await play.api.post(play.second_adviser, f"{first.path}/complaints/1/answer", answer)
    assert done.status_code == 201, done.text
    assert [each["confirmed"] for each in await play.facts("reserve-move-decided", first)] == [False]
    assert [await play.state(case) for case in (first, second)] == ["upheld", "offered"]
    assert await play.pot() == (1_000_000, 0, 500_000)


async def test_a_complaint_after_its_window_is_refused(play: Play) -> None:
    await play.publish_call({"service": 1_000_000}, complaint_window={"after": "PT0S"})
    declined = Case("HNT", 500_000, "declined_ranking", 1)
    await play.recommended(declined)
    await play.decide()
    institution = play.person("institution", organisation="HNT")
    late = await play.api.post(institution, f"{declined.path}/complaints", {"ground": "Feil"})
    assert (late.status_code, _problem(late)) == (409, "complaint-too-late")


async def test_an_upheld_complaint_can_return_to_the_decision_alone(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    declined = Case("HNT", 500_000, "declined_ranking", 1)
    await play.recommended(declined)
    await play.decide()
    institution = play.person("institution", organisation="HNT")
    await play.api.post(institution, f"{declined.path}/complaints", {"ground": "Feil i vedtaket"})
    answer = {"upheld": True, "stage": "decision", "reason": "Begrunnelsen manglet"}
    done = await play.api.post(play.second_adviser, f"{declined.path}/complaints/1/answer", answer)
    assert done.status_code == 201
    await play.decide(play.round(f"{declined.id}.d2", declined))
    assert [each["outcome"] for each in await play.facts("case-decided", declined)] == [
        "declined_ranking",
        "reserve",
    ]
    # The pot is untouched, so the place is offered its money as soon as the letter is out.
    assert await play.pot() == (1_000_000, 0, 500_000)
