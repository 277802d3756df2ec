"""Grants: the page of one, the answer to the award, the adjusted plan, the start, and a loss."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, StringConstraints

from services.common.auth import CallerDep
from services.common.db import Connection
from services.common.errors import NotFound
from services.common.http import ArrivedDep, Body, DatabaseDep, arrived_at
from services.common.idempotency import once
from services.funding.api.grant_page import GrantView, page_of
from services.funding.api.shapes import Done, Text
from services.funding.commands import acceptance, losses
from services.funding.policy import Act, authorise, note_read
from services.funding.store import grants

router = APIRouter(prefix="/v1/grants/{application_id}", tags=["grants"])

OrganisationCode = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class Acceptance(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"accepted": True}, {"accepted": False, "reason": "Nøkkelpersonen har sluttet."}]
        }
    )

    accepted: bool
    reason: Text | None = None


class PlanBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"organisation": "HP", "statement": "Vi følger leveranseplanen for høsten."}]
        }
    )

    organisation: OrganisationCode
    statement: Text


class PlanJudgement(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"organisation": "HP", "confirmed": True},
                {"organisation": "HP", "confirmed": False, "reason": "Kapasiteten er brukt opp før jul."},
            ]
        }
    )

    organisation: OrganisationCode
    confirmed: bool
    reason: Text | None = None


class StartBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"started_on": "2024-03-01"}]})

    started_on: date | None = None


class LossDecision(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"confirmed": True, "reason": "Prosjektet er ikke satt i gang."}]}
    )

    confirmed: bool
    reason: Text


@router.get("")
async def show_grant(application_id: UUID, caller: CallerDep, database: DatabaseDep) -> GrantView:
    """The grant with what is owed, asked and answered."""
    case = await authorise(database, caller, Act.SEE_GRANT, application_id)
    async with database.read() as conn:
        award = await grants.find_award(conn, application_id)
        if award is None:
            raise NotFound
        view = await page_of(conn, case, award)
    await note_read(database, caller, Act.SEE_GRANT, case)
    return view


@router.post("/acceptance", status_code=201, response_model=Done)
async def answer_award(
    application_id: UUID,
    body: Acceptance,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Accept the award, or say no to it."""
    await authorise(database, caller, Act.ANSWER_AWARD, application_id)

    async def run(conn: Connection) -> Done:
        at = await arrived_at(conn, arrival)
        await acceptance.answer_award(
            conn,
            application_id,
            caller.person_id,
            caller.actor,
            at,
            accepted=body.accepted,
            reason=body.reason,
        )
        return Done(application_id=application_id, state="accepted" if body.accepted else "refused")

    return await once(request, caller, database, run)


@router.post("/plan", status_code=201, response_model=Done)
async def deliver_plan(
    application_id: UUID,
    body: PlanBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Deliver the adjusted activity plan that the award's condition asks for."""
    await authorise(database, caller, Act.DELIVER_PLAN, application_id)

    async def run(conn: Connection) -> Done:
        n = await acceptance.deliver_plan(
            conn,
            application_id,
            caller.person_id,
            caller.actor,
            await arrived_at(conn, arrival),
            organisation=body.organisation,
            statement=body.statement,
        )
        return Done(application_id=application_id, state="delivered", n=n)

    return await once(request, caller, database, run)


@router.post("/plan/judgement", status_code=201, response_model=Done)
async def judge_plan(
    application_id: UUID,
    body: PlanJudgement,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Confirm the adjusted plan on behalf of one's own organisation, or return it with a reason."""
    await authorise(database, caller, Act.JUDGE_PLAN, application_id)
    if body.organisation != caller.organisation:
        raise NotFound

    async def run(conn: Connection) -> Done:
        await acceptance.judge_plan(
            conn,
            application_id,
            caller.person_id,
            caller.actor,
            await arrived_at(conn, arrival),
            organisation=body.organisation,
            confirmed=body.confirmed,
            reason=body.reason,
        )
        return Done(application_id=application_id, state="confirmed" if body.confirmed else "returned")

    return await once(request, caller, database, run)


@router.post("/start", status_code=201, response_model=Done)
async def confirm_start(
    application_id: UUID,
    body: StartBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Confirm that the project has started."""
    await authorise(database, caller, Act.CONFIRM_START, application_id)

    async def run(conn: Connection) -> Done:
        at = await arrived_at(conn, arrival)
        await acceptance.start(conn, application_id, caller.person_id, caller.actor, at, body.started_on)
        return Done(application_id=application_id, state="started")

    return await once(request, caller, database, run)


@router.post("/loss/decision", status_code=201, response_model=Done)
async def decide_loss(
    application_id: UUID, body: LossDecision, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    """Confirm that the award is lost, or keep it."""
    await authorise(database, caller, Act.DECIDE_LOSS, application_id)

    async def run(conn: Connection) -> Done:
        await losses.decide_loss(
            conn,
            application_id,
            caller.person_id,
            caller.actor,
            confirmed=body.confirmed,
            reason=body.reason,
        )
        return Done(application_id=application_id, state="lost" if body.confirmed else "kept")

    return await once(request, caller, database, run)
