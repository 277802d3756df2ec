"""The applicant's view of the way of their case."""

from dataclasses import dataclass
from datetime import datetime

from services.common.db import Connection, now
from services.intake.domain.expected import by_rules, by_tasks
from services.intake.domain.states import State
from services.intake.domain.status import AWAITING_FIRST_STAGE, Held, Waited, waited
from services.intake.store import status
from services.intake.store.applications import Application
from services.intake.store.calls import Call
from services.intake.store.status import Entry


@dataclass(frozen=True)
class Following:
    stage: str
    owner: str
    expected_at: datetime | None
    outcomes: list[str]
    timeline: list[Entry]
    waited: Waited


async def follow(conn: Connection, call: Call, application: Application) -> Following:
    """Step, owner, expected date, what happened, what came of it, and how long each side was waited for.

    A version that its workflow has not taken up yet is shown as submitted and with the funder: it is
    received.
    """
    stage, owner = application.stage, application.stage_owner
    held = await status.held(conn, application.id)
    if application.state is State.SUBMITTED and stage in ("draft", "returned"):
        stage, owner, expected_at = AWAITING_FIRST_STAGE, "rhf", None
    else:
        expected_at = by_tasks(stage, await status.open_tasks(conn, application.id))
        expected_at = expected_at or application.expected_at
    if expected_at is None and held:
        expected_at = by_rules(call.definition, stage, held[-1].at, call.straggler_at)
    if application.first_submitted_at is not None:
        held = [Held(application.first_submitted_at, "rhf"), *held]
    return Following(
        stage=stage,
        owner=owner,
        expected_at=expected_at,
        outcomes=await status.outcomes(conn, application.id),
        timeline=await status.timeline(conn, application.id),
        waited=waited(held, await status.questions(conn, application.id), await now(conn)),
    )
