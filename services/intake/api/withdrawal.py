"""Withdrawal by the holder, and its undo."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.common.db import Connection
from services.common.http import Body, DatabaseDep
from services.common.idempotency import once
from services.intake.api.caller import Guarded, KnownCaller
from services.intake.commands import withdrawal as commands

router = APIRouter(
    prefix="/v1/applications/{application_id}/withdrawal", tags=["withdrawal"], dependencies=Guarded
)


class NewWithdrawal(Body):
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Withdrawn(BaseModel):
    undo_until: datetime


class StateView(BaseModel):
    state: str


@router.post("", status_code=201, response_model=Withdrawn)
async def withdraw(
    application_id: UUID, body: NewWithdrawal, request: Request, caller: KnownCaller, database: DatabaseDep
) -> Response:
    """Withdraw my application, until it is decided."""

    async def run(conn: Connection) -> Withdrawn:
        return Withdrawn(undo_until=await commands.withdraw(conn, caller, application_id, body.reason))

    return await once(request, caller, database, run)


@router.delete("")
async def undo_withdrawal(application_id: UUID, caller: KnownCaller, database: DatabaseDep) -> StateView:
    """Take the withdrawal back, within the call's window."""
    async with database.transaction() as conn:
        return StateView(state=await commands.undo_withdrawal(conn, caller, application_id))
