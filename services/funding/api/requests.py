"""What is asked for in a grant: a later start, a change; and the trust's invoices."""

from datetime import date
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, ConfigDict

from services.common.auth import CallerDep
from services.common.db import Connection
from services.common.http import ArrivedDep, Body, DatabaseDep, arrived_at
from services.common.idempotency import once
from services.funding.api.shapes import EXAMPLE_ID, Done, Nok, Number, Text
from services.funding.commands import changes, extensions
from services.funding.policy import Act, authorise

router = APIRouter(prefix="/v1/grants/{application_id}", tags=["grants"])


class ExtensionBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "Permisjon", "until": "2024-06-01T15:00:00+02:00"}]}
    )

    reason: Text
    until: AwareDatetime | None = None


class Answer(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"granted": True, "reason": "God grunn."}]})

    granted: bool
    reason: Text


class ChangeBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "end_date", "reason": "Forsinket levering", "new_end": "2025-09-01"},
                {"kind": "leader", "reason": "Permisjon", "new_holder_id": EXAMPLE_ID},
            ]
        }
    )

    kind: Literal["leader", "plan", "budget", "end_date"]
    reason: Text
    new_holder_id: UUID | None = None
    new_end: date | None = None


class InvoiceBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"amount": 250000, "invoiced_on": "2024-12-01", "last": True}]}
    )

    amount: Nok
    """0 only in the last one, where nothing more is to be invoiced"""
    invoiced_on: date
    last: bool = False


@router.post("/extension", status_code=201, response_model=Done)
async def ask_extension(
    application_id: UUID,
    body: ExtensionBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Ask to start later."""
    await authorise(database, caller, Act.ASK_EXTENSION, application_id)

    async def run(conn: Connection) -> Done:
        n, until = await extensions.ask_extension(
            conn,
            application_id,
            caller.person_id,
            caller.actor,
            await arrived_at(conn, arrival),
            reason=body.reason,
            until=body.until,
        )
        return Done(application_id=application_id, state="asked", n=n, due_at=until)

    return await once(request, caller, database, run)


@router.post("/extension/decision", status_code=201, response_model=Done)
async def decide_extension(
    application_id: UUID,
    body: Answer,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Grant or refuse the later start."""
    await authorise(database, caller, Act.DECIDE_EXTENSION, application_id)

    async def run(conn: Connection) -> Done:
        due_at = await extensions.decide_extension(
            conn,
            application_id,
            caller.person_id,
            caller.actor,
            await arrived_at(conn, arrival),
            granted=body.granted,
            reason=body.reason,
        )
        state = "granted" if body.granted else "refused"
        return Done(application_id=application_id, state=state, due_at=due_at)

    return await once(request, caller, database, run)


@router.post("/changes", status_code=201, response_model=Done)
async def ask_change(
    application_id: UUID,
    body: ChangeBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Ask for another plan, budget or end; or for another leader, as the institution and advisers may too."""
    act = Act.ASK_LEADER if body.kind == "leader" else Act.ASK_CHANGE
    await authorise(database, caller, act, application_id)

    async def run(conn: Connection) -> Done:
        n = await changes.ask_change(
            conn,
            application_id,
            caller.person_id,
            caller.actor,
            await arrived_at(conn, arrival),
            kind=body.kind,
            reason=body.reason,
            new_holder_id=body.new_holder_id,
            new_end=body.new_end,
        )
        return Done(application_id=application_id, state="asked", n=n)

    return await once(request, caller, database, run)


@router.post("/changes/{n}/decision", status_code=201, response_model=Done)
async def decide_change(
    application_id: UUID,
    n: Number,
    body: Answer,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Grant or refuse the change."""
    await authorise(database, caller, Act.DECIDE_CHANGE, application_id)

    async def run(conn: Connection) -> Done:
        await changes.decide_change(
            conn,
            application_id,
            n,
            caller.person_id,
            caller.actor,
            await arrived_at(conn, arrival),
            granted=body.granted,
            reason=body.reason,
        )
        return Done(application_id=application_id, state="granted" if body.granted else "refused", n=n)

    return await once(request, caller, database, run)


@router.post("/invoices", status_code=201, response_model=Done)
async def register_invoice(
    application_id: UUID,
    body: InvoiceBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Register an invoice of one's own trust; `last` says that no more will come."""
    await authorise(database, caller, Act.INVOICE, application_id)

    async def run(conn: Connection) -> Done:
        n = await changes.register_invoice(
            conn,
            application_id,
            caller.person_id,
            caller.actor,
            await arrived_at(conn, arrival),
            amount=body.amount,
            invoiced_on=body.invoiced_on,
            last=body.last,
        )
        return Done(application_id=application_id, state="registered", n=n)

    return await once(request, caller, database, run)
