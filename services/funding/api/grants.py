"""Grants: the page of one, the answer to the award, the adjusted plan, the start, and a loss."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, StringConstraints

from services.common.auth import CallerDep
from services.common.db import Connection
from services.common.errors import NotFound
from services.common.http import ArrivedDep, Body, DatabaseDep, arrived_at
from services.common.idempotency import once
from services.funding.api.shapes import Done, Text
from services.funding.commands import acceptance, losses
from services.funding.policy import Act, authorise, note_read
from services.funding.store import grants, reports, views

router = APIRouter(prefix="/v1/grants/{application_id}", tags=["grants"])

OrganisationCode = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class GrantStep(BaseModel):
    state: str
    at: datetime


class GrantView(BaseModel):
    """A grant with everything owed and asked; amounts in whole NOK."""

    application_id: UUID
    call_id: str
    case_number: str
    title: str
    organisation: str
    holder_id: UUID
    state: str
    amount: int
    version: int
    accept_due_at: datetime
    start_due_at: datetime
    started_at: datetime | None
    started_late: bool | None
    ends_at: datetime | None
    final_report_due_at: datetime | None
    invoicing_due_at: datetime | None
    lost_as: str | None
    closed_at: datetime | None
    plans: list[dict[str, Any]]
    plan_deliveries: list[dict[str, Any]]
    extensions: list[dict[str, Any]]
    losses: list[dict[str, Any]]
    reports: list[dict[str, Any]]
    report_deliveries: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    invoices: list[dict[str, Any]]
    history: list[GrantStep]


class Acceptance(Body):
    accepted: bool
    reason: Text | None = None


class PlanBody(Body):
    organisation: OrganisationCode
    statement: Text


class PlanJudgement(Body):
    organisation: OrganisationCode
    confirmed: bool
    reason: Text | None = None


class StartBody(Body):
    started_on: date | None = None


class LossDecision(Body):
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
        view = GrantView(
            **{name: getattr(award, name) for name in GrantView.model_fields if hasattr(award, name)},
            case_number=case.case_number,
            title=case.title,
            plans=[
                {"organisation": each.organisation, "state": each.state, "n": each.n}
                for each in await grants.plans(conn, application_id)
            ],
            plan_deliveries=await views.plan_deliveries(conn, application_id),
            extensions=await views.extensions(conn, application_id),
            losses=await views.losses(conn, application_id),
            reports=[
                {
                    "kind": each.kind,
                    "n": each.n,
                    "state": each.state,
                    "attempt": each.attempt,
                    "due_at": each.due_at,
                    "next_ask_at": each.next_ask_at,
                }
                for each in await reports.reports(conn, application_id)
            ],
            report_deliveries=await reports.report_deliveries(conn, application_id),
            changes=await views.changes(conn, application_id),
            invoices=await views.invoices(conn, application_id),
            history=[
                GrantStep(state=state, at=at) for state, at in await views.history(conn, application_id)
            ],
        )
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
