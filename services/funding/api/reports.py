"""Reports of a grant: delivered by the holder, judged by an adviser."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, StringConstraints

from services.common.auth import CallerDep
from services.common.db import Connection
from services.common.http import ArrivedDep, Body, DatabaseDep, arrived_at
from services.common.idempotency import once
from services.funding.api.shapes import Done, Nok, Number, Text
from services.funding.commands import reports
from services.funding.policy import Act, authorise

router = APIRouter(prefix="/v1/grants/{application_id}/reports/{kind}/{n}", tags=["reports"])

Kind = Literal["yearly", "final"]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]


class ReportBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"summary": "Utprøvingen er i gang.", "spent": 120000, "results": "", "next_steps": ""}
            ]
        }
    )

    summary: Text
    spent: Nok
    results: LongText = ""
    next_steps: LongText = ""


class Judgement(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"approved": True}, {"approved": False, "reason": "Regnskapet mangler."}]
        }
    )

    approved: bool
    reason: Text | None = None


@router.post("", status_code=201, response_model=Done)
async def submit_report(
    application_id: UUID,
    kind: Kind,
    n: Number,
    body: ReportBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Deliver the report, or mend a returned one. `spent`: whole NOK of the award so far."""
    await authorise(database, caller, Act.SUBMIT_REPORT, application_id)

    async def run(conn: Connection) -> Done:
        at = await arrived_at(conn, arrival)
        await reports.submit_report(
            conn,
            application_id,
            kind,
            n,
            caller.person_id,
            caller.actor,
            at,
            summary=body.summary,
            results=body.results,
            next_steps=body.next_steps,
            spent=body.spent,
        )
        return Done(application_id=application_id, state="submitted", n=n)

    return await once(request, caller, database, run)


@router.post("/judgement", status_code=201, response_model=Done)
async def judge_report(
    application_id: UUID,
    kind: Kind,
    n: Number,
    body: Judgement,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Approve the report, or return it with a reason."""
    await authorise(database, caller, Act.JUDGE_REPORT, application_id)

    async def run(conn: Connection) -> Done:
        due_at = await reports.judge_report(
            conn,
            application_id,
            kind,
            n,
            caller.person_id,
            caller.actor,
            await arrived_at(conn, arrival),
            approved=body.approved,
            reason=body.reason,
        )
        state = "approved" if body.approved else "returned"
        return Done(application_id=application_id, state=state, n=n, due_at=due_at)

    return await once(request, caller, database, run)
