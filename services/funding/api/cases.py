"""Cases: their decisions and letters, and the move from the reserve list."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from services.common.auth import CallerDep
from services.common.db import Connection
from services.common.errors import NotFound
from services.common.http import Body, DatabaseDep
from services.common.idempotency import once
from services.funding.api.shapes import LanguageQuery, Text, pdf
from services.funding.commands import archive, offers
from services.funding.policy import Act, authorise, note_read, sees_inside
from services.funding.store import calls, decisions, papers

router = APIRouter(prefix="/v1/cases", tags=["cases"])


class DecisionView(BaseModel):
    version: int
    outcome: str
    amount: int
    conditions: list[str]
    averages: dict[str, float]
    threshold: float
    rank: int | None
    reason: str | None
    prepared_by: UUID
    decided_by: UUID
    decided_at: datetime
    superseded: bool
    letter_sent_at: datetime | None
    complaint_until: datetime | None
    reserve_until: datetime | None


class Decisions(BaseModel):
    application_id: UUID
    case_number: str
    state: str | None
    items: list[DecisionView]


class MoveDecision(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"confirmed": True, "reason": "Beløpet er frigjort."}]}
    )

    confirmed: bool
    reason: Text


class MoveDone(BaseModel):
    application_id: UUID
    confirmed: bool
    decision_round_id: str | None


@router.get("/{application_id}/decisions")
async def list_decisions(application_id: UUID, caller: CallerDep, database: DatabaseDep) -> Decisions:
    """Every decision on the case, the newest last. Outside the funder only those whose letter is out."""
    case = await authorise(database, caller, Act.SEE_DECISIONS, application_id)
    inside = sees_inside(caller, case)
    async with database.read() as conn:
        call = await calls.get_call(conn, case.call_id)
        letters = {each.version: each for each in await papers.letters_of_case(conn, application_id)}
        found = await decisions.decisions_of_case(conn, application_id)
    await note_read(database, caller, Act.SEE_DECISIONS, case)
    items = []
    for each in found:
        letter = letters.get(each.version)
        if letter is None and not inside:
            continue
        items.append(
            DecisionView(
                version=each.version,
                outcome=each.outcome,
                amount=each.amount,
                conditions=each.conditions,
                averages=each.averages,
                threshold=call.definition.scale.threshold,
                rank=each.rank if inside else None,
                reason=each.reason,
                prepared_by=each.prepared_by,
                decided_by=each.decided_by,
                decided_at=each.decided_at,
                superseded=any(later in letters for later in range(each.version + 1, len(found) + 1)),
                letter_sent_at=letter.sent_at if letter else None,
                complaint_until=letter.complaint_until if letter else None,
                reserve_until=letter.reserve_until if letter else None,
            )
        )
    return Decisions(
        application_id=case.id,
        case_number=case.case_number,
        state=case.state if inside else None,
        items=items,
    )


@router.get("/{application_id}/letter", response_class=Response)
async def show_letter(
    application_id: UUID,
    caller: CallerDep,
    database: DatabaseDep,
    lang: LanguageQuery = "nb",
    version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    """The newest decision letter, or that of the given version (PDF/A-2b)."""
    case = await authorise(database, caller, Act.SEE_DECISIONS, application_id)
    async with database.read() as conn:
        letters = await papers.letters_of_case(conn, application_id)
        chosen = [each for each in letters if version is None or each.version == version]
        if not chosen:
            raise NotFound
        document = await archive.letter_document(conn, chosen[-1], lang)
    await note_read(database, caller, Act.SEE_DECISIONS, case)
    return pdf(document, f"brev-{case.case_number}-{chosen[-1].version}-{lang}.pdf")


@router.post("/{application_id}/reserve-move", status_code=201, response_model=MoveDone)
async def decide_move(
    application_id: UUID, body: MoveDecision, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    """Confirm that the case moves up from the reserve list, or let its place wait."""
    await authorise(database, caller, Act.DECIDE_MOVE, application_id)

    async def run(conn: Connection) -> MoveDone:
        round_id = await offers.decide_move(
            conn,
            application_id,
            caller.person_id,
            caller.actor,
            confirmed=body.confirmed,
            reason=body.reason,
        )
        return MoveDone(application_id=application_id, confirmed=body.confirmed, decision_round_id=round_id)

    return await once(request, caller, database, run)
