"""Changes of a grant: who asks for them, of whom, and until when."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

import workflows.contracts.funding as contract
from services.intake.events import ContactDeleted
from tests.service.funding.play import Case, Play
from tests.support.tokens import Person

YES = {"granted": True, "reason": "Ja"}


def _problem(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def _award(play: Play, **times: Any) -> Case:
    await play.publish_call({"service": 1_000_000}, **times)
    case = Case("HNT", 500_000, "awarded", 1)
    await play.recommended(case)
    await play.decide()
    return case


def _leader(person: Person) -> dict[str, Any]:
    return {"kind": "leader", "reason": "Har sluttet", "new_holder_id": str(person.id)}


async def test_changes_take_effect_when_granted(play: Play) -> None:
    case = await _award(play)
    await play.started(case)
    path = f"{case.grant}/changes"
    successor = await play.known(play.person(organisation="HNT"))
    nobody = {"kind": "leader", "reason": "Permisjon"}
    assert (await play.api.post(case.holder, path, nobody)).status_code == 422
    wish = _leader(successor)
    assert (await play.api.post(case.holder, path, wish)).json()["n"] == 1
    assert _problem(await play.api.post(case.holder, path, wish)) == "step-out-of-order"
    end = (datetime.now(UTC) + timedelta(days=500)).date().isoformat()
    past = {"kind": "end_date", "reason": "Forsinket", "new_end": "2020-01-01"}
    assert (await play.api.post(case.holder, path, past)).status_code == 422
    assert (await play.api.post(case.holder, path, {**past, "new_end": end})).json()["n"] == 2
    assert (await play.api.post(play.adviser, f"{path}/2/decision", YES)).status_code == 201
    assert (await play.api.post(play.adviser, f"{path}/1/decision", YES)).status_code == 201
    assert _problem(await play.api.post(play.adviser, f"{path}/1/decision", YES)) == "step-out-of-order"
    assert (await play.api.post(play.adviser, f"{path}/9/decision", YES)).status_code == 404
    decided = await play.facts("change-decided", case)
    assert decided[0]["ends_at"].startswith(end)
    assert decided[1]["holder_id"] == str(successor.id)
    assert [each["asked_by"] for each in decided] == [str(case.holder.id)] * 2
    assert (await play.api.get(case.holder, case.grant)).status_code == 404
    assert (await play.api.get(successor, case.grant)).status_code == 200


@pytest.mark.parametrize("role", ["institution", "rhf_adviser"])
async def test_a_leader_who_is_gone_is_replaced_before_anybody_has_accepted(play: Play, role: str) -> None:
    case = await _award(play)
    who = play.person(role, organisation="HNT" if role == "institution" else "HMN")
    successor = await play.known(play.person(organisation="HNT"))
    path = f"{case.grant}/changes"
    asked = await play.api.post(who, path, _leader(successor))
    assert asked.status_code == 201, asked.text
    assert (await play.api.post(play.second_adviser, f"{path}/1/decision", YES)).status_code == 201
    accepted = await play.api.post(successor, f"{case.grant}/acceptance", {"accepted": True})
    assert accepted.status_code == 201, accepted.text


async def test_everything_else_stays_the_leaders_to_ask_for(play: Play) -> None:
    case = await _award(play)
    path = f"{case.grant}/changes"
    plan = {"kind": "plan", "reason": "Ny plan"}
    assert _problem(await play.api.post(case.holder, path, plan)) == "step-out-of-order"
    await play.accepted(case)
    for who in (play.adviser, play.person("institution", organisation="HNT")):
        assert (await play.api.post(who, path, plan)).status_code == 404
    successor = await play.known(play.person(organisation="HNT"))
    stranger = play.person("institution", organisation="HMR")
    assert (await play.api.post(stranger, path, _leader(successor))).status_code == 404
    assert (await play.api.post(case.holder, path, plan)).status_code == 201


async def test_a_leader_must_have_signed_in_when_asked_for_and_when_granted(play: Play) -> None:
    case = await _award(play)
    path = f"{case.grant}/changes"
    invited = await play.known(play.person(organisation="HNT"), signed_in=False)
    for person_id in (uuid4(), invited.id):
        body = {"kind": "leader", "reason": "Permisjon", "new_holder_id": str(person_id)}
        refused = await play.api.post(case.holder, path, body)
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert (error["field"], error["value"]) == ("new_holder_id", str(person_id))
        assert "signed in" in error["remedy"]
    successor = await play.known(play.person(organisation="HNT"))
    assert (await play.api.post(case.holder, path, _leader(successor))).status_code == 201
    await play.fact(ContactDeleted(person_id=successor.id), successor.id)
    refused = await play.api.post(play.adviser, f"{path}/1/decision", YES)
    assert refused.json()["errors"][0]["field"] == "new_holder_id"
    assert not await play.facts("change-decided", case)
    no = {"granted": False, "reason": "Nei"}
    assert (await play.api.post(play.adviser, f"{path}/1/decision", no)).status_code == 201


async def test_of_people_funding_keeps_nothing_but_their_ids(play: Play) -> None:
    await play.known(play.person(organisation="HNT"))
    async with play.database.read() as conn:
        columns = await conn.fetch(
            "select column_name from information_schema.columns"
            " where table_schema = current_schema() and table_name = 'person'"
        )
    assert {row["column_name"] for row in columns} == {"id", "signed_in"}


async def _end_of(play: Play, case: Case) -> datetime:
    (start,) = await play.facts("start-confirmed", case)
    return datetime.fromisoformat(start["ends_at"])


async def test_the_final_report_waits_for_the_answer_to_a_later_end(play: Play) -> None:
    case = await _award(play, project_length={"after": "PT0S"})
    await play.started(case)
    ends_at = await _end_of(play, case)
    path = f"{case.grant}/changes"
    later = {"kind": "end_date", "reason": "Forsinket", "new_end": "2035-01-01"}
    later["new_end"] = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()
    final = contract.ReportRequest(case.id, "final", 1, ends_at)
    assert (await play.api.post(case.holder, path, later)).status_code == 201
    await play.run("request_report", final)
    assert not await play.facts("report-requested", case), "its end is not known yet"
    assert (await play.api.post(play.adviser, f"{path}/1/decision", YES)).status_code == 201
    await play.run("request_report", final)
    assert not await play.facts("report-requested", case), "that end does not count any more"
    (decided,) = await play.facts("change-decided", case)
    moved = datetime.fromisoformat(decided["ends_at"])
    await play.run("request_report", contract.ReportRequest(case.id, "final", 1, moved))
    assert len(await play.facts("report-requested", case)) == 1
    refused = await play.api.post(case.holder, path, later)
    assert (refused.status_code, _problem(refused)) == (409, "final-report-requested")
