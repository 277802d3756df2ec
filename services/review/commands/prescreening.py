"""The trust's pre-screening of an application it sends in."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection
from services.common.errors import NotFound, StepOutOfOrder
from services.common.record import Actor, Fact
from services.review.commands.ending import end_case, lock_call_and_case
from services.review.commands.recording import record_facts
from services.review.commands.rounds import complete_round_if_ready
from services.review.commands.tasks import cancel_idle_tasks, close_task, reopen_case_tasks
from services.review.commands.terms import get_call
from services.review.domain.cases import (
    PRESCREENING_ACTIONS,
    RETURNED,
    CaseState,
    VersionSuperseded,
    move,
    require_returnable,
)
from services.review.events import PrescreeningDecided
from services.review.store import cases as case_store
from services.review.store import decisions as store
from workflows.contracts.tasks import PRESCREEN


@dataclass(frozen=True)
class DecidePrescreening:
    application_id: UUID
    version: int
    outcome: str
    """recommended | not_recommended | returned"""
    reason: str
    decided_by: UUID
    arrived_at: datetime


async def decide_prescreening(conn: Connection, decision: DecidePrescreening) -> store.Prescreening:
    """Decide the version that was read.

    Refused: VersionSuperseded for another version, StepOutOfOrder where it is decided or the case is
    elsewhere, ReturnTooLate for a return after the deadline or of a late submission (X13).
    """
    case = await lock_call_and_case(conn, decision.application_id)
    if case is None or case.organisation is None:
        raise NotFound
    if decision.version != case.version:
        raise VersionSuperseded(f"Version {case.version} is the newest", version=case.version)
    if any(d.version == case.version for d in await store.prescreenings(conn, case.id)):
        raise StepOutOfOrder("The pre-screening of this version is decided")
    state = move(case.state, PRESCREENING_ACTIONS[decision.outcome])
    if decision.outcome == "returned":
        call = await get_call(conn, case.call_id)
        require_returnable(
            decision.arrived_at, call.deadline, after_internal_deadline=case.after_internal_deadline
        )
    decided = store.Prescreening(
        application_id=case.id,
        version=case.version,
        outcome=decision.outcome,
        reason=decision.reason,
        decided_by=decision.decided_by,
        organisation=case.organisation,
        decided_at=decision.arrived_at,
    )
    await store.insert_prescreening(conn, decided)
    by = Actor("person", str(decision.decided_by))
    facts: list[Fact] = [
        PrescreeningDecided(
            application_id=case.id,
            call_id=case.call_id,
            version=case.version,
            outcome=decision.outcome,
            decided_by=decision.decided_by,
        )
    ]
    facts += await close_task(
        conn,
        str(case.id),
        PRESCREEN,
        str(case.version),
        by=by,
        call_id=case.call_id,
        application_id=case.id,
    )
    if state is CaseState.ENDED:
        facts += await end_case(conn, case, decision.outcome, by=by)
    else:
        await case_store.set_state(conn, case.id, state)
        facts += await cancel_idle_tasks(conn, case.id, by=by)
    if decision.outcome == "recommended":
        # Where intake had handed the case back while it was being consulted, its consultations go on.
        facts += await reopen_case_tasks(conn, case.id, because=RETURNED)
        facts += await complete_round_if_ready(conn, case.call_id)
    body: dict[str, JsonValue] = {
        "version": case.version,
        "outcome": decision.outcome,
        "reason": decision.reason,
    }
    await record_facts(conn, by, "prescreening.decided", body, facts)
    return decided
