"""The stage of a case, as its workflow enters it. Nothing else ever moves it; a draft, which has no workflow,
is closed with its call."""

from datetime import datetime
from uuid import UUID

from services.common.db import Connection
from services.common.errors import FieldError, Invalid, NotFound
from services.common.record import Actor, record
from services.intake.domain.status import STAGES, is_owner
from services.intake.store import applications, status


async def enter_stage(
    conn: Connection,
    application_id: UUID,
    stage: str,
    owner: str,
    expected_at: datetime | None,
    actor: Actor,
) -> None:
    """Write the step, its owner and the expected date. Does nothing where the case stands there already."""
    if stage not in STAGES or not is_owner(owner):
        raise Invalid("stage", errors=[FieldError("stage", f"{stage} ({owner})", "see domain/status.py")])
    application = await applications.lock(conn, application_id)
    if application is None:
        raise NotFound()
    if (application.stage, application.stage_owner, application.expected_at) == (stage, owner, expected_at):
        return
    await status.enter_stage(conn, application_id, stage, owner, expected_at)
    body = {
        "stage": stage,
        "owner": owner,
        "expected_at": expected_at.isoformat() if expected_at else None,
    }
    await record(conn, key=str(application_id), actor=actor, action="stage.entered", body=body)
