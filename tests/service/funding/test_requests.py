"""Bad input, repeated requests, and what a conflict of interest hides."""

import json
from typing import Any

import pytest

import workflows.contracts.funding as contract
from tests.service.funding.play import Case, Play
from tests.service.funding.test_access import BODIES

TEXTS: tuple[Any, ...] = ("", " ", "x" * 20_000, "nul\x00inside", "\ud800", 5, None, [], {}, True)
NUMBERS: tuple[Any, ...] = (-1, 2**31, 2**63, 2**64, 10**400, 0.5, "mange", None, [], True)

ACTS = {
    "acceptance": "holder",
    "plan": "holder",
    "plan/judgement": "consultant",
    "start": "holder",
    "extension": "holder",
    "extension/decision": "rhf_adviser",
    "loss/decision": "rhf_adviser",
    "reports/{kind}/{n}": "holder",
    "reports/{kind}/{n}/judgement": "rhf_adviser",
    "changes": "holder",
    "changes/{n}/decision": "rhf_adviser",
    "invoices": "institution",
    "reserve-move": "rhf_adviser",
    "complaints": "institution",
    "complaints/{n}/answer": "rhf_adviser",
    "preparation": "rhf_adviser",
    "decision": "leader",
}
"""Who may send which body."""


def _worse(body: dict[str, Any]) -> list[Any]:
    """The body with one thing wrong at a time; some are harmless, none may break anything."""
    worse: list[Any] = [None, [], "text", 7, {**body, "unknown": 1}, {}]
    for name, value in body.items():
        values = NUMBERS if isinstance(value, int) and not isinstance(value, bool) else TEXTS
        worse += [{**body, name: wrong} for wrong in values]
        worse.append({each: body[each] for each in body if each != name})
    return worse


async def _case(play: Play) -> Case:
    await play.publish_call({"service": 1_000_000})
    case = Case("STOLAV", 500_000, "awarded", 1, conditions=["adjusted_plan_HP"])
    await play.recommended(case, Case("STOLAV", 600_000, "reserve", 2))
    await play.decide()
    return case


@pytest.mark.parametrize("name", sorted(BODIES))
async def test_bad_bodies_are_answered_by_problems(name: str, play: Play) -> None:
    case = await _case(play)
    await play.accepted(case)
    path = next(path for path in play.api.app.openapi()["paths"] if path.endswith("/" + name) and "{" in path)
    address = (
        path.replace("{application_id}", str(case.id))
        .replace("{round_id}", "call-a.d1")
        .replace("{kind}", "yearly")
        .replace("{n}", "1")
    )
    who = {
        "holder": case.holder,
        "institution": play.person("institution", organisation="STOLAV"),
        "consultant": play.person("consultant", organisation="HP"),
        "rhf_adviser": play.second_adviser,
        "leader": play.leader,
    }[ACTS[name]]
    reached = 0
    for body in _worse(BODIES[name]):
        answer = await play.api.post(
            who, address, headers={"Content-Type": "application/json"}, content=json.dumps(body).encode()
        )
        assert answer.status_code < 500, f"{body!r}: {answer.text}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["type"].startswith("https://innoflyt.test/problems/")
        reached += answer.status_code in (400, 422)
    assert reached >= 5
    for content in (b"{", b"\xff\xfe", b"", b"[" * 10_000):
        answer = await play.api.post(
            who, address, headers={"Content-Type": "application/json"}, content=content
        )
        assert answer.status_code in (400, 422), answer.text


async def test_bad_paths_and_queries_are_answered_by_problems(play: Play) -> None:
    case = await _case(play)
    for path in (
        "/v1/cases/not-an-id/decisions",
        "/v1/grants/00000000-0000-0000-0000-00000000000g",
        f"{case.path}/letter?version=0",
        f"{case.path}/letter?version=99999999999999999999",
        f"{case.path}/letter?lang=%00",
        "/v1/decision-rounds/%00",
        "/v1/decision-rounds/" + "x" * 5_000,
        "/v1/recipients?call_id=%00",
        "/v1/recipients?cursor=%00",
        "/v1/recipients?cursor=WyJcdTAwMDAiLCJhIl0",
        "/v1/recipients?cursor=WzEsMl0",
        "/v1/recipients?limit=0",
        "/v1/portfolio?cursor=WyJ4Il0",
        "/v1/portfolio?call_id=%00",
        "/v1/calls/%00/panels/service/reserve",
        "/v1/calls/call-a/panels/%00/reserve",
    ):
        answer = await play.api.get(play.adviser, path)
        assert answer.status_code in (404, 422), f"{path}: {answer.status_code} {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_repeated_request_is_answered_alike_and_done_once(play: Play) -> None:
    case = await _case(play)
    path = f"{case.grant}/acceptance"
    first = await play.api.post(case.holder, path, {"accepted": True}, key="once")
    again = await play.api.post(case.holder, path, {"accepted": True}, key="once")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    other = await play.api.post(case.holder, path, {"accepted": False}, key="once")
    assert other.status_code == 422
    keyless = await play.api.request("POST", case.holder, path, json={"accepted": True})
    assert keyless.status_code == 400
    assert len(await play.facts("award-answered", case)) == 1


async def test_a_conflicted_case_does_not_exist_for_that_person(play: Play) -> None:
    await play.publish_call({"service": 1_000_000}, reserve_size=2)
    case = Case("STOLAV", 500_000, "awarded", 1, title="Kanarifugl")
    other = Case("STOLAV", 400_000, "awarded", 2)
    place = Case("STOLAV", 300_000, "reserve", 3, title="Kanarifugl to")
    await play.recommended(case, other, place)
    await play.decide()
    await play.run("publish_round", "call-a")
    person = play.person("rhf_adviser", "leader", "auditor", organisation="STOLAV")
    lists = (
        "/v1/decision-rounds/call-a.d1",
        "/v1/portfolio",
        "/v1/calls/call-a/panels/service/reserve",
        "/v1/recipients",
    )

    async def seen() -> tuple[str, list[int]]:
        pages = [await play.api.get(person, path) for path in lists]
        counts = [len(page.json().get("items") or page.json().get("cases", [])) for page in pages]
        return "".join(page.text for page in pages), counts

    text, counts = await seen()
    assert "Kanarifugl" in text
    for each in (case, place):
        await play.conflict(each, person)
    text, fewer = await seen()
    assert "Kanarifugl" not in text
    assert str(case.id) not in text
    assert fewer == [counts[0] - 2, counts[1] - 1, counts[2] - 1, counts[3] - 1]
    unknown = Case("STOLAV", 1, "awarded", 1)
    for suffix in ("/decisions", "/letter", "/complaints"):
        hidden = await play.api.get(person, case.path + suffix)
        assert (hidden.status_code, hidden.content) == (
            404,
            (await play.api.get(person, unknown.path + suffix)).content,
        )
    hidden = await play.api.get(person, case.grant)
    assert (hidden.status_code, hidden.content) == (404, (await play.api.get(person, unknown.grant)).content)
    loss = {"confirmed": True, "reason": "Nei"}
    refused = await play.api.post(person, f"{case.grant}/loss/decision", loss)
    assert (refused.status_code, refused.content) == (
        404,
        (await play.api.post(person, f"{unknown.grant}/loss/decision", loss)).content,
    )
    assert (await play.api.get(person, "/v1/decision-rounds/call-a.d1/presentation")).status_code == 404


async def test_who_applies_keeps_the_award_despite_their_own_conflict_and_sees_nothing_more(
    play: Play,
) -> None:
    await play.publish_call({"service": 1_000_000})
    holder = play.person("rhf_adviser", organisation="STOLAV")
    case = Case("STOLAV", 500_000, "awarded", 1, holder=holder)
    await play.recommended(case)
    await play.conflict(case, holder)
    await play.run("open_decision_round", play.round())
    assert (await play.api.get(holder, "/v1/decision-rounds/call-a.d1")).json()["cases"] == []
    assert (await play.api.get(holder, f"{case.path}/decisions")).json()["items"] == []
    await play.decide()
    [told] = (await play.api.get(holder, f"{case.path}/decisions")).json()["items"]
    assert (told["outcome"], told["rank"]) == ("awarded", None)
    answered = await play.api.post(holder, f"{case.grant}/acceptance", {"accepted": True})
    assert answered.status_code == 201, answered.text
    loss = {"confirmed": True, "reason": "Nei"}
    assert (await play.api.post(holder, f"{case.grant}/loss/decision", loss)).status_code == 404


async def test_a_conflict_bars_from_deciding_the_whole_round(play: Play) -> None:
    await play.publish_call({"service": 1_000_000})
    case, other = Case("STOLAV", 500_000, "awarded", 1), Case("HMR", 400_000, "awarded", 2)
    await play.recommended(case, other)
    await play.run("open_decision_round", play.round())
    await play.conflict(case, play.adviser)
    refused = await play.prepare("call-a.d1")
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (403, "conflict-of-interest")
    assert (await play.prepare("call-a.d1", by=play.second_adviser)).status_code == 201


async def test_refusals_and_foreign_reads_stand_in_the_access_log(play: Play) -> None:
    case = await _case(play)
    stranger = play.person("hf_adviser", organisation="HMR")
    assert (await play.api.get(stranger, case.grant)).status_code == 404
    assert (await play.api.get(play.adviser, case.grant)).status_code == 200
    assert (await play.api.get(case.holder, case.grant)).status_code == 200
    async with play.database.read() as conn:
        rows = await conn.fetch("select actor_id, outcome, reason from access_log order by seq")
    assert [(row["actor_id"], row["outcome"], row["reason"]) for row in rows] == [
        (str(stranger.id), "denied", "NotFound"),
        (str(play.adviser.id), "read", ""),
    ]


async def test_reports_of_a_grant_that_never_started_are_not_asked_for(play: Play) -> None:
    case = await _case(play)
    with pytest.raises(Exception, match="not possible"):
        await play.run("request_report", contract.ReportRequest(case.id, "yearly", 1))
