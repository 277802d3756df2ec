"""Endorsements: ask a leader, see the chain, decide."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.common.db import Connection
from services.common.http import ArrivedDep, Body, DatabaseDep, arrived_at
from services.common.idempotency import once
from services.intake.api.caller import Guarded, KnownCaller
from services.intake.api.people import Email
from services.intake.commands import endorsements as commands
from services.intake.commands.access import read_for
from services.intake.policy import Act
from services.intake.store import endorsements as store
from services.intake.store.endorsements import Endorsement

router = APIRouter(
    prefix="/v1/applications/{application_id}/endorsements", tags=["endorsements"], dependencies=Guarded
)


class NewEndorsement(Body):
    """The leader who is asked; `position` is one of the trust's endorsement chain."""

    position: Annotated[str, Field(max_length=60)]
    email: Email


class EndorsementView(BaseModel):
    """`state`: asked, endorsed, declined, or voided; then `reason` is changed, submitted, reassigned or
    cancelled."""

    id: UUID
    n: int
    position: str
    person_id: UUID
    state: str
    reason: str | None
    asked_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, endorsement: Endorsement) -> "EndorsementView":
        return cls(
            id=endorsement.id,
            n=endorsement.n,
            position=endorsement.position,
            person_id=endorsement.person_id,
            state=endorsement.state,
            reason=endorsement.reason,
            asked_at=endorsement.asked_at,
            decided_at=endorsement.decided_at,
        )


class Endorsements(BaseModel):
    items: list[EndorsementView]


class EndorsementDecision(Body):
    endorsed: bool
    reason: Annotated[str, Field(min_length=1, max_length=2000)] | None = None


@router.post("", status_code=201, response_model=EndorsementView)
async def ask_endorsement(
    application_id: UUID,
    body: NewEndorsement,
    request: Request,
    caller: KnownCaller,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    """Ask the next leader of the chain to endorse my application."""

    async def run(conn: Connection) -> EndorsementView:
        at = await arrived_at(conn, arrival)
        asked = await commands.ask_endorsement(conn, caller, application_id, body.position, body.email, at)
        return EndorsementView.of(asked)

    return await once(request, caller, database, run)


@router.get("")
async def list_endorsements(application_id: UUID, caller: KnownCaller, database: DatabaseDep) -> Endorsements:
    """Who was asked and what they said."""
    async with database.transaction() as conn:
        await read_for(conn, caller, application_id, Act.READ)
        found = await store.of_application(conn, application_id)
    return Endorsements(items=[EndorsementView.of(endorsement) for endorsement in found])


@router.delete("/{endorsement_id}", status_code=204)
async def cancel_request(
    application_id: UUID, endorsement_id: UUID, caller: KnownCaller, database: DatabaseDep
) -> None:
    """Wait no longer for this leader, so that I can ask another one."""
    async with database.transaction() as conn:
        await commands.cancel_request(conn, caller, application_id, endorsement_id)


@router.post("/{endorsement_id}/decision", status_code=201, response_model=EndorsementView)
async def decide_endorsement(
    application_id: UUID,
    endorsement_id: UUID,
    body: EndorsementDecision,
    request: Request,
    caller: KnownCaller,
    database: DatabaseDep,
) -> Response:
    """Endorse the application, or say why not."""

    async def run(conn: Connection) -> EndorsementView:
        decided = await commands.decide_endorsement(
            conn, caller, application_id, endorsement_id, body.endorsed, body.reason
        )
        return EndorsementView.of(decided)

    return await once(request, caller, database, run)
