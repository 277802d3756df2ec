"""Clarifications asked from the draft (X14). They are answered at review, where the waiting task is."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.common.db import Connection
from services.common.http import ArrivedDep, Body, DatabaseDep, arrived_at
from services.common.idempotency import once
from services.intake.api.caller import Guarded, KnownCaller
from services.intake.commands import clarifications as commands
from services.intake.commands.access import read_for
from services.intake.policy import Act
from services.intake.store import clarifications as store
from services.intake.store.clarifications import Clarification

router = APIRouter(
    prefix="/v1/applications/{application_id}/clarifications",
    tags=["clarifications"],
    dependencies=Guarded,
)


class NewClarification(Body):
    organisation: Annotated[str, Field(max_length=40)]
    question: Annotated[str, Field(min_length=1, max_length=4000)]


class ClarificationView(BaseModel):
    """`outcome`: covered, adjust or feasible; null while the answer is owed."""

    id: UUID
    n: int
    organisation: str
    question: str
    asked_at: datetime
    outcome: str | None
    answered_at: datetime | None

    @classmethod
    def of(cls, clarification: Clarification) -> "ClarificationView":
        return cls(
            id=clarification.id,
            n=clarification.n,
            organisation=clarification.organisation,
            question=clarification.question,
            asked_at=clarification.asked_at,
            outcome=clarification.outcome,
            answered_at=clarification.answered_at,
        )


class Clarifications(BaseModel):
    items: list[ClarificationView]


@router.post("", status_code=201, response_model=ClarificationView)
async def ask_clarification(
    application_id: UUID,
    body: NewClarification,
    request: Request,
    caller: KnownCaller,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Ask an organisation before submitting; its answer counts later."""

    async def run(conn: Connection) -> ClarificationView:
        at = await arrived_at(conn, arrival)
        asked = await commands.ask_clarification(
            conn, caller, application_id, body.organisation, body.question, at
        )
        return ClarificationView.of(asked)

    return await once(request, caller, database, run)


@router.get("")
async def list_clarifications(
    application_id: UUID, caller: KnownCaller, database: DatabaseDep
) -> Clarifications:
    """What was asked, and the answers."""
    async with database.transaction() as conn:
        await read_for(conn, caller, application_id, Act.READ)
        found = await store.of_application(conn, application_id)
    return Clarifications(items=[ClarificationView.of(clarification) for clarification in found])
