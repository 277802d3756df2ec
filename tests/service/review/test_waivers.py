"""One silent organisation does not hold a panel: an adviser lets the case go on without its answer."""

from datetime import timedelta
from uuid import UUID

import httpx

from services.intake import events as intake
from tests.service.review.case_play import CasePlay
from tests.service.review.decision_play import consult, decide, refused
from tests.service.review.panel_play import CALL, SERVICE_ROUND
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds

DAY = timedelta(days=1)


async def waive(play: CasePlay, case: UUID, organisation: str = "HP") -> httpx.Response:
    path = f"/v1/cases/{case}/consultations/{organisation}/waiver"
    return await play.api.post(play.adviser, path, {"reason": "They were asked twice."})


async def silent(play: CasePlay, adviser: Person) -> UUID:
    """A recommended case for which HP is overdue with its answer."""
    case = await play.submit("a", category="service", touches=["HP"])
    await decide(play, adviser, case, "recommended")
    task_id = await play.open(kinds.CONSULT, case, role="consultant", organisation="HP")
    await play.pass_time(task_id, 11 * DAY)
    return case


async def test_an_adviser_lets_a_case_go_on_without_an_overdue_answer(
    play: CasePlay, adviser: Person, consultant: Person
) -> None:
    await play.begin()
    case = await silent(play, adviser)
    (listed,) = await play.worklist(play.adviser, "overdue")
    assert listed["waiver_path"] == f"POST review /v1/cases/{case}/consultations/HP/waiver"
    response = await waive(play, case)
    assert response.status_code == 201, response.text
    assert (response.json()["organisation"], response.json()["reason"]) == ("HP", "They were asked twice.")
    assert await play.worklist(play.adviser, "all") == []
    fact = {"application_id": str(case), "call_id": CALL, "organisation": "HP"}
    assert await play.facts("consultation-waived") == [fact | {"waived_by": str(play.adviser.id)}]
    shown = (await play.api.get(consultant, f"/v1/cases/{case}")).json()["waivers"]
    assert [each["waived_by"] for each in shown] == [str(play.adviser.id)]
    async with play.database.read() as conn:
        noted = await conn.fetchval("select body from audit where action = 'consultation.waived'")
    assert "They were asked twice." in str(noted)
    refused(await waive(play, case), 409, "step-out-of-order")


async def test_an_answer_is_waited_for_until_it_is_due(play: CasePlay, adviser: Person) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    refused(await waive(play, case), 409, "step-out-of-order")
    await decide(play, adviser, case, "recommended")
    await play.open(kinds.CONSULT, case, role="consultant", organisation="HP")
    refused(await waive(play, case), 409, "answer-not-overdue")
    assert (await waive(play, case, "TTO")).status_code == 404
    assert await play.facts("consultation-waived") == []


async def test_the_panel_sees_what_was_waived_unless_the_answer_came_after_all(
    play: CasePlay, adviser: Person, consultant: Person
) -> None:
    await play.begin()
    case = await silent(play, adviser)
    await waive(play, case)
    await play.enter(case)
    assert [each["flags"] for each in await play.facts("round-entered")] == [["consultation_HP"]]
    listed = await play.api.get(play.adviser, f"/v1/rounds/{SERVICE_ROUND}/cases")
    assert [each["flags"] for each in listed.json()["items"]] == [["consultation_HP"]]
    assert (await consult(play, consultant, case)).status_code == 201


async def test_an_answer_that_came_before_the_round_is_no_longer_missing(
    play: CasePlay, adviser: Person, consultant: Person
) -> None:
    await play.begin()
    case = await silent(play, adviser)
    await waive(play, case)
    assert (await consult(play, consultant, case)).status_code == 201
    await play.enter(case)
    assert [each["flags"] for each in await play.facts("round-entered")] == [[]]


async def test_a_round_that_waits_for_one_answer_goes_on_when_it_is_waived(
    play: CasePlay, adviser: Person
) -> None:
    """The call waits for consultations, and not for the formal check, which this case lacks too."""
    await play.begin()
    case = await silent(play, adviser)
    await play.close_call(case)
    await play.pass_straggler_instant()
    assert await play.facts("round-complete") == []
    await waive(play, case)
    assert await play.facts("round-complete") == [{"call_id": CALL, "straggler_ids": [str(case)]}]
    (entered,) = await play.facts("round-entered")
    assert entered["flags"] == ["formal_check", "consultation_HP"]


async def test_a_waiver_holds_for_the_next_version_too(play: CasePlay, adviser: Person) -> None:
    await play.begin()
    case = await silent(play, adviser)
    await waive(play, case)
    back = intake.ApplicationReturned(application_id=case, call_id=CALL, version=1, cause="infected")
    await play.deliver(back, str(case))
    await play.resubmit("a", 2, touches=["HP"])
    await decide(play, adviser, case, "recommended", version=2)
    assert await play.worklist(play.adviser, "all") == []
