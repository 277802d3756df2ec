"""Decision rounds: seen, prepared by an adviser, taken by the leader."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.common.auth import CallerDep
from services.common.db import Connection
from services.common.errors import NotFound
from services.common.http import Body, DatabaseDep
from services.common.idempotency import once
from services.funding.api.shapes import EXAMPLE_ID, LanguageQuery, Nok, Text, pdf
from services.funding.commands import publication, rounds
from services.funding.domain.cases import Outcome
from services.funding.domain.round_plan import Deviation
from services.funding.policy import Act, authorise_round
from services.funding.store import decisions, views

router = APIRouter(prefix="/v1/decision-rounds", tags=["decision rounds"])

RoundId = Annotated[str, Path(max_length=200)]


class RoundCase(BaseModel):
    application_id: UUID
    case_number: str
    title: str
    organisation: str
    category: str
    panel: str
    state: str
    rank: int | None
    averages: dict[str, float]
    conditions: list[str]
    recommended_outcome: str
    recommended_amount: int
    outcome: str
    amount: int
    reason: str | None


class RoundPot(BaseModel):
    panel: str
    amount: int
    awarded: int
    held: int
    free: int


class RoundView(BaseModel):
    id: str
    call_id: str
    application_id: UUID | None
    kind: str
    state: str
    attempt: int
    prepared_by: UUID | None
    decided_by: UUID | None
    decided_at: datetime | None
    back_reason: str | None
    cases: list[RoundCase]
    pots: list[RoundPot]


class DeviationBody(Body):
    application_id: UUID
    outcome: Outcome
    amount: Nok
    reason: str = Field(max_length=4000)


class Preparation(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "deviations": [
                        {
                            "application_id": EXAMPLE_ID,
                            "outcome": "awarded",
                            "amount": 300000,
                            "reason": "Det er midler igjen i potten.",
                        }
                    ]
                },
                {"deviations": []},
            ]
        }
    )

    deviations: list[DeviationBody] = Field(default=[], max_length=500)


class LeaderDecision(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"approved": True}, {"approved": False, "reason": "Begrunn avviket bedre."}]
        }
    )

    approved: bool
    reason: Text | None = None


class RoundDone(BaseModel):
    decision_round_id: str
    state: str
    attempt: int


@router.get("/{round_id}")
async def show_round(round_id: RoundId, caller: CallerDep, database: DatabaseDep) -> RoundView:
    """What the panels recommend and what is proposed, case by case, with the pots."""
    await authorise_round(database, caller, Act.SEE_ROUND, round_id)
    async with database.read() as conn:
        round_ = await decisions.find_round(conn, round_id)
        proposals = await decisions.proposals(conn, round_id)
        found = await views.cases_of_round(conn, round_id)
        hidden = await views.conflicted_cases(conn, round_id, caller.person_id)
        panels = {each.panel for each in proposals}
        pots = await views.pots(conn, round_.call_id) if round_ else []
    if round_ is None:
        raise NotFound
    return RoundView(
        id=round_.id,
        call_id=round_.call_id,
        application_id=round_.application_id,
        kind=round_.kind,
        state=round_.state,
        attempt=round_.attempt,
        prepared_by=round_.prepared_by,
        decided_by=round_.decided_by,
        decided_at=round_.decided_at,
        back_reason=round_.back_reason,
        cases=[
            RoundCase(
                application_id=each.application_id,
                case_number=found[each.application_id].case_number,
                title=found[each.application_id].title,
                organisation=found[each.application_id].organisation,
                category=found[each.application_id].category,
                panel=each.panel,
                state=found[each.application_id].state,
                rank=each.rank,
                averages=each.averages,
                conditions=each.conditions,
                recommended_outcome=each.recommended_outcome,
                recommended_amount=each.recommended_amount,
                outcome=each.outcome,
                amount=each.amount,
                reason=each.reason,
            )
            for each in proposals
            if each.application_id not in hidden
        ],
        pots=[RoundPot.model_validate(pot) for pot in pots if pot["panel"] in panels],
    )


@router.post("/{round_id}/preparation", status_code=201, response_model=RoundDone)
async def prepare_round(
    round_id: RoundId, body: Preparation, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    """Lay the round before the leader, with a reason for each deviation from the recommendation."""
    await authorise_round(database, caller, Act.PREPARE_DECISIONS, round_id)

    async def run(conn: Connection) -> RoundDone:
        deviations = [
            Deviation(each.application_id, each.outcome, each.amount, each.reason) for each in body.deviations
        ]
        done = await rounds.prepare(conn, round_id, caller.person_id, caller.actor, deviations)
        return RoundDone(decision_round_id=round_id, state="prepared", attempt=done.attempt)

    return await once(request, caller, database, run)


@router.post("/{round_id}/decision", status_code=201, response_model=RoundDone)
async def decide_round(
    round_id: RoundId, body: LeaderDecision, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    """Take every decision of the round, or send it back with a reason."""
    await authorise_round(database, caller, Act.TAKE_DECISIONS, round_id)

    async def run(conn: Connection) -> RoundDone:
        done = await rounds.decide(
            conn, round_id, caller.person_id, caller.actor, approved=body.approved, reason=body.reason
        )
        state = "decided" if body.approved else "open"
        return RoundDone(decision_round_id=round_id, state=state, attempt=done.attempt)

    return await once(request, caller, database, run)


@router.get("/{round_id}/presentation", response_class=Response)
async def show_presentation(
    round_id: RoundId, caller: CallerDep, database: DatabaseDep, lang: LanguageQuery = "nb"
) -> Response:
    """The awards as a presentation for the leader meeting (PDF). Not for somebody with a conflict in the
    round."""
    round_ = await authorise_round(database, caller, Act.SEE_ROUND, round_id)
    async with database.read() as conn:
        if await views.conflicted_cases(conn, round_id, caller.person_id):
            raise NotFound
        document = await publication.presentation_document(conn, round_id, lang)
    return pdf(document, f"presentasjon-{round_.call_id}.pdf")
