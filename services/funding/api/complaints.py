"""Complaints about decisions."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from services.common.auth import CallerDep
from services.common.db import Connection
from services.common.http import ArrivedDep, Body, DatabaseDep, arrived_at
from services.common.idempotency import once
from services.funding.api.shapes import Done, Number, Text
from services.funding.commands import complaints as commands
from services.funding.policy import Act, authorise, note_read
from services.funding.store import complaints

router = APIRouter(prefix="/v1/cases/{application_id}/complaints", tags=["complaints"])


class ComplaintBody(Body):
    """Only errors of procedure can be complained of; `error` says which kind."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"ground": "Et inhabilt medlem deltok i møtet.", "error": "conflict_of_interest"}]
        }
    )

    ground: Text
    error: Literal["case_handling", "conflict_of_interest", "formal_check", "hearing", "reasons_missing"] = (
        "case_handling"
    )


class ComplaintAnswer(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"upheld": True, "stage": "assessment", "reason": "Feilen kan ha virket inn."}]
        }
    )

    upheld: bool
    stage: Literal["assessment", "decision"] | None = None
    reason: Text


class ComplaintView(BaseModel):
    n: int
    state: str
    error: str
    ground: str
    received_at: datetime
    stage: str | None
    answer: str | None
    answered_at: datetime | None


class Complaints(BaseModel):
    items: list[ComplaintView]


@router.get("")
async def list_complaints(application_id: UUID, caller: CallerDep, database: DatabaseDep) -> Complaints:
    """The complaints about the case's decisions, with their answers."""
    case = await authorise(database, caller, Act.SEE_COMPLAINTS, application_id)
    async with database.read() as conn:
        found = await complaints.complaints(conn, application_id)
    await note_read(database, caller, Act.SEE_COMPLAINTS, case)
    return Complaints(items=[ComplaintView.model_validate(each, from_attributes=True) for each in found])


@router.post("", status_code=201, response_model=Done)
async def complain(
    application_id: UUID,
    body: ComplaintBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Complain about the newest decision on behalf of the applying institution."""
    case = await authorise(database, caller, Act.COMPLAIN, application_id)

    async def run(conn: Connection) -> Done:
        n = await commands.complain(
            conn,
            application_id,
            case.organisation,
            caller.person_id,
            caller.actor,
            await arrived_at(conn, arrival),
            error=body.error,
            ground=body.ground,
        )
        return Done(application_id=application_id, state="received", n=n)

    return await once(request, caller, database, run)


@router.post("/{n}/answer", status_code=201, response_model=Done)
async def answer_complaint(
    application_id: UUID,
    n: Number,
    body: ComplaintAnswer,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Uphold the complaint and name the stage to return to, or dismiss it."""
    await authorise(database, caller, Act.ANSWER_COMPLAINT, application_id)

    async def run(conn: Connection) -> Done:
        await commands.answer_complaint(
            conn,
            application_id,
            n,
            caller.person_id,
            caller.actor,
            await arrived_at(conn, arrival),
            upheld=body.upheld,
            stage=body.stage,
            reason=body.reason,
        )
        return Done(application_id=application_id, state="upheld" if body.upheld else "dismissed", n=n)

    return await once(request, caller, database, run)
