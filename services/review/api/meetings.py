"""Routes of the meeting: the ranking and why it is so, the chair's choices, the signature."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.common.auth import CallerDep
from services.common.db import Connection
from services.common.denials import noting_denials
from services.common.errors import Refused
from services.common.http import Body, DatabaseDep
from services.common.idempotency import once
from services.review.api.visible_rounds import Visible, visible_round
from services.review.commands import meetings
from services.review.commands.terms import get_call
from services.review.domain.explain import Words, explain
from services.review.domain.ranking import Placed, Rules, place, unbroken_ties
from services.review.policy import Act
from services.review.store import assessments, rounds
from services.review.store.rounds import Listed

router = APIRouter(prefix="/v1", tags=["rounds"])

_APPLICATION = "7c1f0a52-93a7-4c52-8f55-0b9c1d2e3f40"


class OwnScoresFirst(Refused):
    """Lock your own scores first."""


class ScoresNotComplete(Refused):
    """Not everybody has locked their scores."""


class Place(BaseModel):
    """One case in the ranking. Averages are exact fractions beside their decimal value."""

    application_id: UUID
    case_number: str
    title: str
    organisation: str
    category: str
    amount: int = Field(description="whole NOK")
    rank: int | None
    outcome: str
    averages: dict[str, float]
    exact_averages: dict[str, str]
    spread: dict[str, tuple[int, int]] = Field(description="lowest and highest score given")
    mean: float
    exact_mean: str
    below_threshold: list[str]
    priority_hit: bool
    tied_with: list[UUID]
    tie_decided_by: str | None
    pot_left: int | None = Field(description="of the pot, when the turn of this case came")
    why: Words
    comment: str


class Ranking(BaseModel):
    round_id: str
    panel: str
    state: str
    final: bool = Field(description="the meeting has been held")
    threshold: str
    tie_criteria: list[str]
    tie_breaks: list[UUID] = Field(description="the chair's order of cases that nothing else could part")
    ties: list[list[UUID]] = Field(description="cases that wait for the chair's order")
    count: int
    items: list[Place]


class Meeting(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"tie_breaks": [], "comments": {_APPLICATION: "The panel sees a clear benefit."}}]
        }
    )
    tie_breaks: list[UUID] = Field(default=[], max_length=500)
    comments: dict[UUID, Annotated[str, Field(max_length=10_000)]] = Field(default={}, max_length=500)


class Signed(BaseModel):
    round_id: str
    application_ids: list[UUID]


@router.get("/rounds/{round_id}/ranking")
async def see_ranking(round_id: str, caller: CallerDep, database: DatabaseDep) -> Ranking:
    """The ranking as the meeting left it; before the meeting, as the locked scores give it so far."""
    async with noting_denials(database, caller, "see_ranking", round_id), database.read() as conn:
        seen = await visible_round(conn, caller, round_id, Act.SEE_RANKING)
        return await _ranking(conn, seen)


@router.post("/rounds/{round_id}/meeting", status_code=201, response_model=Ranking)
async def hold_meeting(
    round_id: str, body: Meeting, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    """The chair closes the meeting: ranking and allocation are stored, with the order of tied cases."""

    async def run(conn: Connection) -> Ranking:
        await visible_round(conn, caller, round_id, Act.HOLD_MEETING)
        await meetings.hold_meeting(
            conn, round_id, caller.person_id, body.tie_breaks, body.comments, caller.actor
        )
        return await _ranking(conn, await visible_round(conn, caller, round_id, Act.SEE_RANKING))

    async with noting_denials(database, caller, "hold_meeting", round_id):
        return await once(request, caller, database, run)


@router.post("/rounds/{round_id}/recommendation", status_code=201, response_model=Signed)
async def sign_recommendation(
    round_id: str, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    """The chair signs the recommendation for every case of the round."""

    async def run(conn: Connection) -> Signed:
        await visible_round(conn, caller, round_id, Act.SIGN_RECOMMENDATION)
        placings = await assessments.placings(conn, round_id)
        await meetings.sign(conn, round_id, caller.person_id, caller.actor)
        return Signed(round_id=round_id, application_ids=[placed.application_id for placed, _ in placings])

    async with noting_denials(database, caller, "sign_recommendation", round_id):
        return await once(request, caller, database, run)


async def _ranking(conn: Connection, seen: Visible) -> Ranking:
    round_, standing, member = seen.round, seen.standing, seen.member
    if member is not None and standing.duties(member) and not member.locked:
        raise OwnScoresFirst
    if round_.state not in ("scored", "met", "signed"):
        raise ScoresNotComplete
    cases, rules = await meetings.assessed_cases(conn, round_, standing)
    placings, ties = await assessments.placings(conn, round_.id), []
    if round_.state == "scored":
        ties = unbroken_ties(cases, rules)
        so_far = place(cases, rules, [each for group in ties for each in group])
        placings = [(placed, "") for placed in so_far]
    listed = {
        each.application_id: each
        for each in await rounds.listed(conn, round_.id, [placed.application_id for placed, _ in placings])
    }
    call = await get_call(conn, round_.call_id)
    names = {written["code"]: written["name"] for written in call.definition["criteria"]}
    hidden = {placed.application_id for placed, _ in placings if _hidden(seen, placed)}
    items = [
        _place(placed, listed[placed.application_id], comment, rules, names, hidden)
        for placed, comment in placings
        if placed.application_id not in hidden
    ]
    return Ranking(
        round_id=round_.id,
        panel=round_.panel,
        state=round_.state,
        final=round_.state != "scored",
        threshold=str(rules.threshold),
        tie_criteria=list(rules.tie_criteria),
        tie_breaks=[each for each in round_.tie_breaks if each not in hidden],
        ties=[[each for each in group if each not in hidden] for group in ties],
        count=len(items),
        items=items,
    )


def _hidden(seen: Visible, placed: Placed) -> bool:
    """Whether the caller has a conflict in the case; also one that ended after the recommendation."""
    return (placed.application_id, seen.person_id) in seen.standing.conflicts


def _place(
    placed: Placed,
    case: Listed,
    comment: str,
    rules: Rules,
    names: dict[str, Words],
    hidden: set[UUID],
) -> Place:
    return Place(
        application_id=placed.application_id,
        case_number=case.case_number,
        title=case.title,
        organisation=case.organisation,
        category=case.category,
        amount=placed.amount,
        rank=placed.rank,
        outcome=placed.outcome,
        averages={code: float(average) for code, average in placed.averages.items()},
        exact_averages={code: str(average) for code, average in placed.averages.items()},
        spread=dict(placed.spread),
        mean=float(placed.mean),
        exact_mean=str(placed.mean),
        below_threshold=list(placed.below),
        priority_hit=placed.priority_hit,
        tied_with=[each for each in placed.tied_with if each not in hidden],
        tie_decided_by=placed.tie_decided_by,
        # What is left of the pot would tell the amount of a case that does not exist for the caller.
        pot_left=None if hidden else placed.pot_left,
        why=explain(placed, rules, names),
        comment=comment,
    )
