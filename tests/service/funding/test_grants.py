"""Plan, start, extension, report, change, invoice, complaint: what goes, what is refused, and how."""

from datetime import UTC, datetime, timedelta
from typing import Any

import workflows.contracts.funding as contract
from tests.service.funding.play import Case, Play

LONG = {"after": "P100D"}


def _problem(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def _award(play: Play, *conditions: str, **times: Any) -> Case:
    await play.publish_call({"service": 1_000_000}, **times)
    case = Case("HNT", 500_000, "awarded", 1, conditions=conditions)
    await play.recommended(case)
    await play.decide()
    return case


async def test_the_start_waits_for_the_adjusted_plan(play: Play) -> None:
    case = await _award(play, "adjusted_plan_HP")
    consultant = play.person("consultant", organisation="HP")
    plan = {"organisation": "HP", "statement": "Vi venter med modulen til høsten."}
    early = await play.api.post(case.holder, f"{case.grant}/plan", plan)
    assert early.status_code == 404  # nothing is owed before the award is accepted
    await play.accepted(case)
    refused = await play.api.post(case.holder, f"{case.grant}/start", {})
    assert (refused.status_code, _problem(refused)) == (409, "plan-not-confirmed")
    judged = {"organisation": "HP", "confirmed": True}
    unasked = await play.api.post(consultant, f"{case.grant}/plan/judgement", judged)
    assert _problem(unasked) == "step-out-of-order"
    assert (await play.api.post(case.holder, f"{case.grant}/plan", plan)).json()["n"] == 1
    back = {"organisation": "HP", "confirmed": False}
    assert (await play.api.post(consultant, f"{case.grant}/plan/judgement", back)).status_code == 422
    back["reason"] = "Kapasiteten er brukt opp før jul"
    assert (await play.api.post(consultant, f"{case.grant}/plan/judgement", back)).status_code == 201
    assert (await play.api.post(case.holder, f"{case.grant}/plan", plan)).json()["n"] == 2
    assert (await play.api.post(consultant, f"{case.grant}/plan/judgement", judged)).status_code == 201
    assert (await play.api.post(case.holder, f"{case.grant}/start", {})).status_code == 201
    outcomes = [(each["n"], each["outcome"]) for each in await play.facts("plan-judged")]
    assert outcomes == [(1, "returned"), (2, "confirmed")]
    again = await play.api.post(case.holder, f"{case.grant}/start", {})
    assert (again.status_code, _problem(again)) == (409, "step-out-of-order")


async def test_an_extension_moves_the_start_and_a_late_start_says_so(play: Play) -> None:
    case = await _award(play, start_window={"after": "PT0S"}, start_lapse=LONG, start_extension=LONG)
    await play.accepted(case)
    due = datetime.fromisoformat((await play.facts("award-made", case))[0]["start_due_at"])
    until = due + timedelta(days=30)
    path = f"{case.grant}/extension"
    too_long = {"reason": "Nyansatt", "until": (due + timedelta(days=101)).isoformat()}
    assert _problem(await play.api.post(case.holder, path, too_long)) == "extension-too-long"
    naive = {"reason": "Nyansatt", "until": "2030-01-01T12:00:00"}
    assert (await play.api.post(case.holder, path, naive)).status_code == 422
    none = await play.api.post(play.adviser, f"{path}/decision", {"granted": True, "reason": "Ja"})
    assert _problem(none) == "step-out-of-order"
    asked = await play.api.post(case.holder, path, {"reason": "Nyansatt", "until": until.isoformat()})
    assert asked.json()["n"] == 1
    assert _problem(await play.api.post(case.holder, path, {"reason": "Mer"})) == "step-out-of-order"

    # While the answer is owed, nothing lapses.
    lapses = datetime.fromisoformat((await play.facts("award-made", case))[0]["start_lapses_at"])
    moved = await play.api.post(play.adviser, f"{path}/decision", {"granted": True, "reason": "Ja"})
    assert datetime.fromisoformat(moved.json()["due_at"]) == until
    decided = (await play.facts("extension-decided", case))[0]
    assert (decided["granted"], decided["version"]) == (True, 1)
    assert datetime.fromisoformat(decided["start_lapses_at"]) > lapses
    await play.run("propose_loss", contract.Loss(case.id, 1, "lapsed", lapses))  # an older instant
    assert not await play.facts("loss-proposed")

    assert (await play.api.post(case.holder, f"{case.grant}/start", {})).status_code == 201
    assert (await play.facts("start-confirmed", case))[0]["late"] is True


async def test_a_start_overtakes_the_open_wish_for_more_time(play: Play) -> None:
    case = await _award(play, start_extension=LONG)
    await play.accepted(case)
    assert (await play.api.post(case.holder, f"{case.grant}/extension", {"reason": "Nei"})).status_code == 201
    assert (await play.api.post(case.holder, f"{case.grant}/start", {})).status_code == 201
    assert [each["granted"] for each in await play.facts("extension-decided", case)] == [False]
    assert (await play.facts("start-confirmed", case))[0]["late"] is False


async def test_a_lapsed_start_is_confirmed_by_an_adviser(play: Play) -> None:
    now = {"after": "PT0S"}
    case = await _award(play, start_window=now, start_lapse=now)
    await play.accepted(case)
    unasked = await play.api.post(
        play.adviser, f"{case.grant}/loss/decision", {"confirmed": True, "reason": "Ikke startet"}
    )
    assert _problem(unasked) == "step-out-of-order"
    lapses = datetime.fromisoformat((await play.facts("award-made", case))[0]["start_lapses_at"])
    await play.run("propose_loss", contract.Loss(case.id, 1, "lapsed", lapses))
    late = await play.api.post(case.holder, f"{case.grant}/start", {})
    assert _problem(late) == "step-out-of-order"
    lost = await play.api.post(
        play.adviser, f"{case.grant}/loss/decision", {"confirmed": True, "reason": "Ikke startet"}
    )
    assert lost.status_code == 201
    assert (await play.facts("loss-decided", case))[0]["outcome"] == "lapsed"
    assert await play.pot() == (1_000_000, 0, 0)
    assert (await play.api.get(case.holder, case.grant)).json()["lost_as"] == "lapsed"


async def test_reports_out_of_order_are_refused_and_late_ones_marked(play: Play) -> None:
    case = await _award(play, report_due={"after": "PT0S"}, next_report_ask={"after": "P1D"})
    path = f"{case.grant}/reports/yearly/1"
    report = {"summary": "Godt i gang", "spent": 1}
    assert (await play.api.post(case.holder, path, report)).status_code == 404
    await play.started(case)
    for _ in range(2):
        await play.run("request_report", contract.ReportRequest(case.id, "yearly", 1))
    requested = await play.facts("report-requested", case)
    assert len(requested) == 1
    assert requested[0]["next_ask_at"] is not None
    unread = await play.api.post(play.adviser, f"{path}/judgement", {"approved": True})
    assert _problem(unread) == "step-out-of-order"
    too_much = await play.api.post(case.holder, path, {**report, "spent": 500_001})
    assert too_much.json()["errors"][0]["field"] == "spent"
    assert (await play.api.post(case.holder, path, report)).status_code == 201
    assert (await play.facts("report-submitted", case))[0]["late"] is True
    assert _problem(await play.api.post(case.holder, path, report)) == "step-out-of-order"
    wordless = await play.api.post(play.adviser, f"{path}/judgement", {"approved": False})
    assert wordless.status_code == 422
    unknown = await play.api.post(case.holder, f"{case.grant}/reports/monthly/1", report)
    assert unknown.status_code == 422


async def test_changes_take_effect_when_granted(play: Play) -> None:
    case = await _award(play)
    await play.started(case)
    path = f"{case.grant}/changes"
    successor = play.person(organisation="HNT")
    assert (
        await play.api.post(case.holder, path, {"kind": "leader", "reason": "Permisjon"})
    ).status_code == 422
    wish = {"kind": "leader", "reason": "Permisjon", "new_holder_id": str(successor.id)}
    assert (await play.api.post(case.holder, path, wish)).json()["n"] == 1
    assert _problem(await play.api.post(case.holder, path, wish)) == "step-out-of-order"
    end = (datetime.now(UTC) + timedelta(days=500)).date().isoformat()
    past = {"kind": "end_date", "reason": "Forsinket", "new_end": "2020-01-01"}
    assert (await play.api.post(case.holder, path, past)).status_code == 422
    assert (await play.api.post(case.holder, path, {**past, "new_end": end})).json()["n"] == 2
    answer = {"granted": True, "reason": "Ja"}
    assert (await play.api.post(play.adviser, f"{path}/2/decision", answer)).status_code == 201
    assert (await play.api.post(play.adviser, f"{path}/1/decision", answer)).status_code == 201
    assert _problem(await play.api.post(play.adviser, f"{path}/1/decision", answer)) == "step-out-of-order"
    assert (await play.api.post(play.adviser, f"{path}/9/decision", answer)).status_code == 404
    decided = await play.facts("change-decided", case)
    assert decided[0]["ends_at"].startswith(end)
    assert decided[1]["holder_id"] == str(successor.id)
    assert (await play.api.get(case.holder, case.grant)).status_code == 404
    assert (await play.api.get(successor, case.grant)).status_code == 200


async def test_invoices_stay_within_the_award(play: Play) -> None:
    case = await _award(play)
    institution = play.person("institution", organisation="HNT")
    today = datetime.now(UTC).date().isoformat()
    path = f"{case.grant}/invoices"
    invoice = {"amount": 300_000, "invoiced_on": today}
    assert _problem(await play.api.post(institution, path, invoice)) == "step-out-of-order"
    await play.started(case)
    assert (await play.api.post(institution, path, invoice)).json()["n"] == 1
    assert _problem(await play.api.post(institution, path, invoice)) == "invoiced-too-much"
    old = await play.api.post(institution, path, {**invoice, "amount": 1, "invoiced_on": "2020-01-01"})
    assert old.json()["errors"][0]["field"] == "invoiced_on"
    assert (await play.api.post(institution, path, {**invoice, "amount": 0})).status_code == 422
    last = {**invoice, "amount": 200_000, "last": True}
    assert (await play.api.post(institution, path, last)).json()["n"] == 2
    assert _problem(await play.api.post(institution, path, {**invoice, "amount": 1})) == "invoicing-closed"


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
