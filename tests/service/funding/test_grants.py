"""Plan, start, extension, report, invoice: what goes, what is refused, and how."""

from datetime import datetime, timedelta
from typing import Any

import pytest

import workflows.contracts.funding as contract
from services.common.calendar import OSLO
from services.common.errors import NotYet
from tests.service.funding.play import Case, Play

LONG = {"after": "P100D"}


def _problem(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


def _today() -> str:
    """Never the day before the start, which an invoice must not have."""
    return datetime.now(OSLO).date().isoformat()


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
    over = {"reason": "Nyansatt", "until": (due + timedelta(milliseconds=1)).isoformat()}
    assert _problem(await play.api.post(case.holder, path, over)) == "extension-too-long"
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


async def test_a_kept_award_has_new_time_that_a_refused_extension_does_not_take_back(play: Play) -> None:
    now = {"after": "PT0S"}
    case = await _award(play, start_window=now, start_lapse=now, start_extension=LONG)
    await play.accepted(case)
    made = (await play.facts("award-made", case))[0]
    await play.run(
        "propose_loss", contract.Loss(case.id, 1, "lapsed", datetime.fromisoformat(made["start_lapses_at"]))
    )
    keep = {"confirmed": False, "reason": "Var syk"}
    assert (await play.api.post(play.adviser, f"{case.grant}/loss/decision", keep)).status_code == 201
    (kept,) = await play.facts("loss-decided", case)
    assert made["start_lapses_at"] < kept["start_due_at"] <= kept["start_lapses_at"]
    assert kept["accept_due_at"] is None

    path = f"{case.grant}/extension"
    assert (await play.api.post(case.holder, path, {"reason": "Nyansatt"})).status_code == 201
    no = {"granted": False, "reason": "Nei"}
    assert (await play.api.post(play.adviser, f"{path}/decision", no)).status_code == 201
    (refused,) = await play.facts("extension-decided", case)
    lapses_at = datetime.fromisoformat(refused["start_lapses_at"])
    assert lapses_at > datetime.fromisoformat(kept["start_lapses_at"])  # by as long as the answer took
    assert refused["start_due_at"] >= kept["start_due_at"]
    await play.run("propose_loss", contract.Loss(case.id, 2, "lapsed", lapses_at))
    assert [each["n"] for each in await play.facts("loss-proposed", case)] == [1, 2]


async def test_reports_out_of_order_are_refused_and_late_ones_marked(play: Play) -> None:
    now = {"after": "PT0S"}
    case = await _award(play, first_report_ask=now, report_due=now, next_report_ask={"after": "P1D"})
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


async def test_invoices_stay_within_the_award(play: Play) -> None:
    case = await _award(play)
    institution = play.person("institution", organisation="HNT")
    path = f"{case.grant}/invoices"
    early = {"amount": 300_000, "invoiced_on": _today()}
    assert _problem(await play.api.post(institution, path, early)) == "step-out-of-order"
    await play.started(case)
    invoice = {"amount": 300_000, "invoiced_on": _today()}
    assert (await play.api.post(institution, path, invoice)).json()["n"] == 1
    assert _problem(await play.api.post(institution, path, invoice)) == "invoiced-too-much"
    old = await play.api.post(institution, path, {**invoice, "amount": 1, "invoiced_on": "2020-01-01"})
    assert old.json()["errors"][0]["field"] == "invoiced_on"
    assert (await play.api.post(institution, path, {**invoice, "amount": 0})).status_code == 422
    last = {**invoice, "amount": 200_000, "last": True}
    assert (await play.api.post(institution, path, last)).json()["n"] == 2
    assert _problem(await play.api.post(institution, path, {**invoice, "amount": 1})) == "invoicing-closed"


async def test_a_trust_with_nothing_to_invoice_says_so(play: Play) -> None:
    case = await _award(play)
    institution = play.person("institution", organisation="HNT")
    await play.started(case)
    nothing = {"amount": 0, "invoiced_on": _today()}
    refused = await play.api.post(institution, f"{case.grant}/invoices", nothing)
    assert refused.json()["errors"][0]["field"] == "amount"
    last = await play.api.post(institution, f"{case.grant}/invoices", {**nothing, "last": True})
    assert last.status_code == 201, last.text
    assert [each["last"] for each in await play.facts("invoice-registered", case)] == [True]


async def test_invoicing_expires_once_at_the_deadline_that_counts(play: Play) -> None:
    now = {"after": "PT0S"}
    case = await _award(play, project_length=now, invoicing=now)
    await play.started(case)
    (start,) = await play.facts("start-confirmed", case)
    due_at = datetime.fromisoformat(start["invoicing_due_at"])
    await play.run("expire_invoicing", contract.Invoicing(case.id, due_at - timedelta(days=1)))
    assert not await play.facts("invoicing-expired", case)
    for _ in range(2):
        await play.run("expire_invoicing", contract.Invoicing(case.id, due_at))
    assert len(await play.facts("invoicing-expired", case)) == 1


async def test_invoicing_does_not_expire_early_nor_after_the_last_invoice(play: Play) -> None:
    case = await _award(play)
    institution = play.person("institution", organisation="HNT")
    await play.started(case)
    (start,) = await play.facts("start-confirmed", case)
    invoicing = contract.Invoicing(case.id, datetime.fromisoformat(start["invoicing_due_at"]))
    with pytest.raises(NotYet):
        await play.run("expire_invoicing", invoicing)
    last = {"amount": 1, "invoiced_on": _today(), "last": True}
    assert (await play.api.post(institution, f"{case.grant}/invoices", last)).status_code == 201
    await play.run("expire_invoicing", invoicing)
    assert not await play.facts("invoicing-expired", case)
