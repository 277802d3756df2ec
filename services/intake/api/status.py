"""The applicant's status page: where the case stands, who acts next, what has happened."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from services.common.http import DatabaseDep
from services.intake.api.caller import Guarded, KnownCaller, language_of
from services.intake.commands.access import read_for
from services.intake.commands.following import follow
from services.intake.policy import Act
from services.intake.store import calls
from services.intake.texts import HAPPENED, STAGES

router = APIRouter(prefix="/v1/applications/{application_id}", tags=["status"], dependencies=Guarded)


class TimelineEntry(BaseModel):
    at: datetime
    code: str
    text: str
    detail: dict[str, Any]


class WaitedView(BaseModel):
    """`us`: everyone who handles the case. `them`: its holder. `unit`: days, or seconds in a demo's
    calendar."""

    us: float
    them: float
    unit: str


class Status(BaseModel):
    """`owner`: holder, hf:<trust>, an organisation's code, rhf, committee or nobody. `expected_at`: when they
    should be done; of an ending, until when it can be undone or complained about."""

    application_id: UUID
    case_number: str | None
    state: str
    stage: str
    stage_text: str
    owner: str
    expected_at: datetime | None
    outcomes: list[str]
    timeline: list[TimelineEntry]
    waited: WaitedView


@router.get("/status")
async def get_status(application_id: UUID, caller: KnownCaller, database: DatabaseDep) -> Status:
    """Where the application stands."""
    async with database.transaction() as conn:
        application = await read_for(conn, caller, application_id, Act.FOLLOW)
        call = await calls.require(conn, application.call_id)
        language = await language_of(conn, caller)
        found = await follow(conn, call, application)
    unit, name = (
        (timedelta(seconds=1), "seconds")
        if call.definition.calendar == "continuous"
        else (timedelta(days=1), "days")
    )
    return Status(
        application_id=application_id,
        case_number=application.case_number,
        state=application.state.value,
        stage=found.stage,
        stage_text=STAGES[found.stage][language],
        owner=found.owner,
        expected_at=found.expected_at,
        outcomes=found.outcomes,
        timeline=[
            TimelineEntry(at=each.at, code=each.code, text=HAPPENED[each.code][language], detail=each.detail)
            for each in found.timeline
        ],
        waited=WaitedView(
            us=round(found.waited.us / unit, 1), them=round(found.waited.them / unit, 1), unit=name
        ),
    )
