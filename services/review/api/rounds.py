"""Routes of a round for its members: declare conflicts, score, lock."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from services.common.auth import CallerDep
from services.common.db import Connection
from services.common.denials import noting_denials
from services.common.http import Body, DatabaseDep
from services.common.idempotency import once
from services.review.api.visible_rounds import Visible, visible_round
from services.review.commands import assessments as scoring
from services.review.commands.conflicts import Declaration, declare
from services.review.commands.panel_terms import categories_of, scale_of
from services.review.commands.terms import get_call
from services.review.policy import Act
from services.review.store import assessments, people, rounds

router = APIRouter(prefix="/v1", tags=["rounds"])

_APPLICATION = "7c1f0a52-93a7-4c52-8f55-0b9c1d2e3f40"


class RoundCase(BaseModel):
    """A case of the round. The amount is in whole NOK, and shown once the caller may read the application."""

    application_id: UUID
    case_number: str
    title: str
    organisation: str
    category: str
    holder_id: UUID
    amount: int | None
    flags: list[str]
    late: bool
    lead: UUID | None
    declared: bool | None = Field(description="by the caller; null for whoever is not a member")
    conflict_suggested: bool = Field(description="the caller works for the organisation that applies")


class RoundCases(BaseModel):
    round_id: str
    call_id: str
    panel: str
    state: str
    count: int
    items: list[RoundCase]


class DeclarationIn(Body):
    application_id: UUID
    conflict: StrictBool
    ground: str | None = Field(default=None, max_length=1000)


class Declarations(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "declarations": [
                        {"application_id": _APPLICATION, "conflict": True, "ground": "Close cooperation."}
                    ]
                }
            ]
        }
    )
    declarations: list[DeclarationIn] = Field(max_length=500)


class Declared(BaseModel):
    """The cases of the round that exist for the caller from now on."""

    application_ids: list[UUID]


class Scores(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"scores": {"innovation": 6, "benefit": 7}, "comment": "Clear need, sound plan."}]
        }
    )
    scores: dict[str, StrictInt] = Field(max_length=50, description="criterion -> number on the call's scale")
    comment: str = Field(default="", max_length=10_000)


class OwnAssessment(BaseModel):
    application_id: UUID
    criteria: list[str]
    lead: bool = Field(description="the caller presents the case in the meeting")
    scores: dict[str, int] | None
    comment: str


class OwnAssessments(BaseModel):
    round_id: str
    locked: bool
    lowest: int
    highest: int
    items: list[OwnAssessment]


@router.get("/rounds/{round_id}/cases")
async def list_cases(round_id: str, caller: CallerDep, database: DatabaseDep) -> RoundCases:
    """The cases of the round, without those the caller has a conflict in."""
    async with noting_denials(database, caller, "list_round", round_id), database.read() as conn:
        seen = await visible_round(conn, caller, round_id, Act.SEE_ROUND)
        person = await people.get_person(conn, caller.person_id)
        works_for = {caller.organisation, person.organisation if person else None} - {None}
        items = [
            RoundCase(
                application_id=each.application_id,
                case_number=each.case_number,
                title=each.title,
                organisation=each.organisation,
                category=each.category,
                holder_id=each.holder_id,
                amount=each.amount if _opened(seen, each.application_id) else None,
                flags=each.flags,
                late=each.late,
                lead=each.lead,
                declared=_declared(seen, each.application_id),
                conflict_suggested=seen.member is not None and each.organisation in works_for,
            )
            for each in await rounds.listed(conn, round_id, seen.cases)
        ]
        round_ = seen.round
        return RoundCases(
            round_id=round_.id,
            call_id=round_.call_id,
            panel=round_.panel,
            state=round_.state,
            count=len(items),
            items=items,
        )


def _opened(seen: Visible, application_id: UUID) -> bool:
    """Advisers know the amount; a member is given the case only after declaring on all of them."""
    return seen.member is None or (application_id, seen.member.person_id) in seen.standing.assigned


def _declared(seen: Visible, application_id: UUID) -> bool | None:
    if seen.member is None:
        return None
    return (application_id, seen.member.person_id) in seen.standing.declared


@router.post("/rounds/{round_id}/conflicts", status_code=201, response_model=Declared)
async def declare_conflicts(
    round_id: str, body: Declarations, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    """Say for every case of the round whether the caller has a conflict; later, for single ones."""

    async def run(conn: Connection) -> Declared:
        await visible_round(conn, caller, round_id, Act.DECLARE_CONFLICTS)
        declarations = [
            Declaration(each.application_id, each.conflict, each.ground) for each in body.declarations
        ]
        return Declared(
            application_ids=await declare(conn, round_id, caller.person_id, declarations, caller.actor)
        )

    async with noting_denials(database, caller, "declare_conflicts", round_id):
        return await once(request, caller, database, run)


@router.get("/rounds/{round_id}/assessments")
async def own_assessments(round_id: str, caller: CallerDep, database: DatabaseDep) -> OwnAssessments:
    """The caller's own cases to score, with the scores given so far. Nobody else's are here."""
    async with noting_denials(database, caller, "list_assessments", round_id), database.read() as conn:
        seen = await visible_round(conn, caller, round_id, Act.ASSESS)
        assert seen.member is not None
        call = await get_call(conn, seen.round.call_id)
        categories, scale = categories_of(call), scale_of(call)
        return OwnAssessments(
            round_id=round_id,
            locked=seen.member.locked,
            lowest=scale.lowest,
            highest=scale.highest,
            items=[
                OwnAssessment(
                    application_id=each.application_id,
                    criteria=list(categories[each.category].criteria),
                    lead=each.lead,
                    scores=each.scores,
                    comment=each.comment,
                )
                for each in await assessments.own(conn, round_id, caller.person_id)
            ],
        )


@router.put("/rounds/{round_id}/assessments/{application_id}")
async def save_assessment(
    round_id: str, application_id: UUID, body: Scores, caller: CallerDep, database: DatabaseDep
) -> Scores:
    """Keep the caller's scores on one case. They can be changed until they are locked."""
    async with (
        noting_denials(database, caller, "assess", application_id),
        database.transaction() as conn,
    ):
        await visible_round(conn, caller, round_id, Act.ASSESS)
        await scoring.save_scores(
            conn, round_id, application_id, caller.person_id, body.scores, body.comment, caller.actor
        )
        return body


class Locked(BaseModel):
    locked: bool


@router.post("/rounds/{round_id}/scores-lock", status_code=201, response_model=Locked)
async def lock_scores(round_id: str, request: Request, caller: CallerDep, database: DatabaseDep) -> Response:
    """Make all of the caller's scores final; the meeting can be held when everybody has."""

    async def run(conn: Connection) -> Locked:
        await visible_round(conn, caller, round_id, Act.ASSESS)
        await scoring.lock_scores(conn, round_id, caller.person_id, caller.actor)
        return Locked(locked=True)

    async with noting_denials(database, caller, "lock_scores", round_id):
        return await once(request, caller, database, run)
