"""What the tests of decisions before the panel have in common."""

import uuid

import httpx

from services.funding import events as funding
from services.intake import events as intake
from tests.service.review.case_play import submitted
from tests.service.review.panel_play import CALL, PanelPlay
from tests.support.tokens import Person

PROBLEMS = "https://innoflyt.test/problems/"


def refused(response: httpx.Response, status: int, name: str) -> None:
    assert (response.status_code, response.json()["type"]) == (status, PROBLEMS + name), response.text
    assert response.headers["content-type"] == "application/problem+json"


async def decide(
    play: PanelPlay, who: Person, case: uuid.UUID, outcome: str, version: int = 1
) -> httpx.Response:
    body = {"version": version, "outcome": outcome, "reason": "Because."}
    return await play.api.post(who, f"/v1/cases/{case}/prescreening", body)


async def consult(play: PanelPlay, who: Person, case: uuid.UUID, outcome: str = "adjust") -> httpx.Response:
    return await play.api.post(
        who, f"/v1/cases/{case}/consultations/HP", {"outcome": outcome, "reason": "Because."}
    )


def clarification_asked(name: str = "a", n: int = 1) -> intake.ClarificationAsked:
    return intake.ClarificationAsked(
        application_id=submitted(name).application_id,
        call_id=CALL,
        clarification_id=uuid.uuid4(),
        n=n,
        organisation="HP",
        holder_id=uuid.uuid4(),
        title="A draft",
    )


async def ask_clarification(play: PanelPlay, name: str = "a", n: int = 1) -> tuple[uuid.UUID, uuid.UUID]:
    fact = clarification_asked(name, n)
    await play.deliver(fact, str(fact.application_id))
    return fact.application_id, fact.clarification_id


def case_decided(case: uuid.UUID, version: int = 1) -> funding.CaseDecided:
    return funding.CaseDecided(
        application_id=case,
        call_id=CALL,
        decision_round_id=f"{CALL}.d1",
        version=version,
        outcome="declined_ranking",
        amount=0,
        conditions=[],
    )
