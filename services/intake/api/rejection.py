"""The adviser's word on a proposed rejection, and its undo."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, JsonValue

from services.common.db import Connection
from services.common.errors import NotFound
from services.common.http import Body, DatabaseDep
from services.common.idempotency import once
from services.intake.api.caller import Guarded, KnownCaller
from services.intake.commands import formal_check as commands
from services.intake.commands.access import read_for
from services.intake.policy import Act
from services.intake.store import submissions

router = APIRouter(
    prefix="/v1/applications/{application_id}/rejection", tags=["formal check"], dependencies=Guarded
)


class RejectionDecision(Body):
    """`version`: of the formal check that was read. `confirmed` false: it holds the rules after all."""

    version: Annotated[int, Field(strict=True, ge=1)]
    confirmed: bool
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class StateView(BaseModel):
    state: str


class FormalCheckView(BaseModel):
    """What the formal check found in the newest version, with the rule, field and value of each finding.

    `complaint_until`: of a rejection, until when the trust can complain in writing to the funder, and an
    adviser undo it.
    """

    version: int
    state: str
    rules: list[str]
    findings: list[dict[str, JsonValue]]
    reason: str | None
    complaint_until: datetime | None


@router.get("")
async def get_formal_check(
    application_id: UUID, caller: KnownCaller, database: DatabaseDep
) -> FormalCheckView:
    """The formal check of the newest version; 404 before there is one."""
    async with database.transaction() as conn:
        application = await read_for(conn, caller, application_id, Act.FOLLOW)
        found = await submissions.formal_check(conn, application_id, application.version)
    if found is None:
        raise NotFound()
    return FormalCheckView(
        version=found.version,
        state=found.state,
        rules=found.rules,
        findings=found.findings,
        reason=found.reason,
        complaint_until=found.undo_until,
    )


@router.post("", status_code=201, response_model=StateView)
async def decide_rejection(
    application_id: UUID,
    body: RejectionDecision,
    request: Request,
    caller: KnownCaller,
    database: DatabaseDep,
) -> Response:
    """Confirm the rejection that the formal check proposed, or dismiss it."""

    async def run(conn: Connection) -> StateView:
        state = await commands.decide_rejection(
            conn, caller, application_id, body.version, body.confirmed, body.reason
        )
        return StateView(state=state)

    return await once(request, caller, database, run)


@router.delete("")
async def undo_rejection(application_id: UUID, caller: KnownCaller, database: DatabaseDep) -> StateView:
    """Undo a mistaken rejection, as long as one may complain about it."""
    async with database.transaction() as conn:
        return StateView(state=await commands.undo_rejection(conn, caller, application_id))
