"""From the recommendation to the closed grant, as people and workflows take it step by step."""

from datetime import datetime, timedelta

import pytest

import workflows.contracts.funding as contract
from services.funding.domain.grants import StillOwed
from tests.service.funding.play import Case, Play


async def test_one_award_goes_from_recommendation_to_closed_grant(play: Play) -> None:
    await play.publish_call({"product": 1_500_000, "service": 3_500_000})
    awarded = Case("STOLAV", 750_000, "awarded", 1)
    declined = Case("HMR", 700_000, "declined_threshold", None)
    await play.recommended(awarded, declined)
    await play.decide()
    await play.run("send_letters", play.round())
    assert len(await play.facts("letter-sent")) == 2
    await play.run("present_awards", play.round())
    await play.run("publish_round", play.call_id)

    letter = (await play.facts("letter-sent", awarded))[0]
    made = (await play.facts("award-made", awarded))[0]
    sent = datetime.fromisoformat(letter["sent_at"])
    assert datetime.fromisoformat(letter["complaint_until"]) > sent + timedelta(days=20)
    assert datetime.fromisoformat(made["accept_due_at"]) > sent + timedelta(days=20)
    assert (await play.facts("kickoff-planned", awarded))[0]["holder_id"] == str(awarded.holder.id)
    assert not await play.facts("award-made", declined)

    await play.started(awarded)
    await play.run("request_report", contract.ReportRequest(awarded.id, "yearly", 1))
    requested = (await play.facts("report-requested", awarded))[0]
    assert requested["attempt"] == 1
    # Also where the project is over by then: its end may be moved.
    assert requested["next_ask_at"] > requested["due_at"]
    path = f"{awarded.grant}/reports/yearly/1"
    report = {"summary": "Vi er i gang.", "spent": 100_000}
    assert (await play.api.post(awarded.holder, path, report)).status_code == 201
    back = await play.api.post(
        play.adviser, f"{path}/judgement", {"approved": False, "reason": "Mangler tall"}
    )
    assert back.json()["state"] == "returned"
    assert back.json()["due_at"] is not None
    assert (await play.api.post(awarded.holder, path, {**report, "results": "Tall"})).status_code == 201
    assert (await play.api.post(play.adviser, f"{path}/judgement", {"approved": True})).status_code == 201
    judged = await play.facts("report-judged", awarded)
    assert [(each["attempt"], each["outcome"]) for each in judged] == [(1, "returned"), (2, "approved")]

    with pytest.raises(StillOwed):
        await play.run("close_grant", awarded.id)
    ends_at = datetime.fromisoformat((await play.facts("start-confirmed", awarded))[0]["ends_at"])
    await play.run("request_report", contract.ReportRequest(awarded.id, "final", 1, ends_at))
    final = f"{awarded.grant}/reports/final/1"
    assert (await play.api.post(awarded.holder, final, report)).status_code == 201
    assert (await play.api.post(play.adviser, f"{final}/judgement", {"approved": True})).status_code == 201
    for _ in range(2):
        await play.run("close_grant", awarded.id)
    page = (await play.api.get(awarded.holder, awarded.grant)).json()
    assert page["state"] == "closed"
    assert [each["state"] for each in page["history"]][:3] == ["awarded", "accepted", "started"]
    assert [(each["kind"], each["state"]) for each in page["reports"]] == [
        ("yearly", "approved"),
        ("final", "approved"),
    ]
    assert [each["approved"] for each in page["report_deliveries"]] == [False, True, True]
    assert len(await play.facts("grant-closed", awarded)) == 1
