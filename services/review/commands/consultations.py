"""What a consulted organisation answers, from the draft (a clarification) or on the case (a consultation),
and what becomes of a case whose answer does not come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.common.db import Connection
from services.common.errors import NotFound, Refused, StepOutOfOrder
from services.common.record import Actor, Fact
from services.review.commands import alarms
from services.review.commands.ending import lock_call_and_case
from services.review.commands.recording import record_facts
from services.review.commands.rounds import complete_round_if_ready
from services.review.commands.tasks import cancel_task, close_task
from services.review.domain.cases import CaseAction, CaseState, move
from services.review.events import ClarificationAnswered, ConsultationAnswered, ConsultationWaived
from services.review.store import assessments, rounds
from services.review.store import cases as case_store
from services.review.store import decisions as store
from services.review.store import tasks as task_store
from workflows.contracts.tasks import ANSWER_CLARIFICATION, CONSULT


class AnswerNotOverdue(Refused):
    """The organisation still has time to answer."""


@dataclass(frozen=True)
class Answer:
    outcome: str
    """covered | adjust | feasible; `adjust` becomes a condition of an award (X15)"""
    reason: str
    answered_by: UUID
    arrived_at: datetime


async def answer_consultation(
    conn: Connection, application_id: UUID, organisation: str, answer: Answer
) -> store.Consultation:
    """Answer for the organisation; NotFound where it is not consulted, StepOutOfOrder before the trust has
    recommended the case, when it is decided or has ended, or a second time."""
    case = await lock_call_and_case(conn, application_id)
    if case is None or organisation not in case.touches:
        raise NotFound
    move(case.state, CaseAction.CONSULT)
    conditions = await assessments.adjusted_plans(conn, case.id)
    given = store.Consultation(
        application_id=application_id,
        organisation=organisation,
        outcome=answer.outcome,
        reason=answer.reason,
        answered_by=answer.answered_by,
        answered_at=answer.arrived_at,
    )
    if not await store.insert_consultation(conn, given):
        raise StepOutOfOrder(f"{organisation} has answered this consultation")
    by = Actor("person", str(answer.answered_by))
    facts: list[Fact] = [
        ConsultationAnswered(
            application_id=case.id,
            call_id=case.call_id,
            organisation=organisation,
            outcome=answer.outcome,
            answered_by=answer.answered_by,
        )
    ]
    facts += await close_task(
        conn, str(case.id), CONSULT, organisation, by=by, call_id=case.call_id, application_id=case.id
    )
    facts += await _after_answer(conn, case, organisation, conditions)
    body = {"organisation": organisation, "outcome": answer.outcome, "reason": answer.reason}
    await record_facts(conn, by, "consultation.answered", body, facts)
    return given


async def waive_consultation(conn: Connection, waived: store.Waiver) -> None:
    """Let the case go on without an answer that is overdue; one that comes later still counts.

    NotFound where the organisation is not consulted, StepOutOfOrder where nobody is waited for,
    AnswerNotOverdue before the answer was due.
    """
    case = await lock_call_and_case(conn, waived.application_id)
    if case is None or waived.organisation not in case.touches:
        raise NotFound
    asked = await task_store.lock_latest(conn, str(case.id), CONSULT, waived.organisation)
    if asked is None or asked.closed_at is not None:
        raise StepOutOfOrder(f"Nobody waits for an answer of {waived.organisation}")
    if waived.waived_at < asked.due_at:
        raise AnswerNotOverdue(due_at=asked.due_at.isoformat())
    await store.insert_waiver(conn, waived)
    by = Actor("person", str(waived.waived_by))
    facts: list[Fact] = [
        ConsultationWaived(
            application_id=case.id,
            call_id=case.call_id,
            organisation=waived.organisation,
            waived_by=waived.waived_by,
        )
    ]
    facts += await cancel_task(conn, asked.subject, asked.kind, asked.n, by=by, because="waived")
    facts += await complete_round_if_ready(conn, case.call_id)
    body = {"organisation": waived.organisation, "reason": waived.reason}
    await record_facts(conn, by, "consultation.waived", body, facts)


async def answer_clarification(
    conn: Connection, clarification_id: UUID, answer: Answer
) -> store.Clarification:
    """Answer a draft's clarification, also after its submission; it counts then too, and nobody need be
    consulted for the organisation any more.

    StepOutOfOrder if it is answered, or the case is decided or has ended.
    """
    known = await store.get_clarification(conn, clarification_id)
    case = None if known is None else await lock_call_and_case(conn, known.application_id)
    asked = await store.lock_clarification(conn, clarification_id)
    if case is None or asked is None:
        raise NotFound
    if asked.outcome is not None:
        raise StepOutOfOrder("The clarification is answered")
    if case.state in (CaseState.DECIDED, CaseState.ENDED):
        raise StepOutOfOrder(f"The case is {case.state}")
    conditions = await assessments.adjusted_plans(conn, case.id)
    await store.answer_clarification(
        conn,
        clarification_id,
        outcome=answer.outcome,
        reason=answer.reason,
        by=answer.answered_by,
        at=answer.arrived_at,
    )
    by = Actor("person", str(answer.answered_by))
    facts: list[Fact] = [
        ClarificationAnswered(
            application_id=case.id,
            call_id=case.call_id,
            clarification_id=clarification_id,
            n=asked.n,
            organisation=asked.organisation,
            outcome=answer.outcome,
            answered_by=answer.answered_by,
        )
    ]
    for kind, n in (ANSWER_CLARIFICATION, str(asked.n)), (CONSULT, asked.organisation):
        facts += await close_task(
            conn, str(case.id), kind, n, by=by, call_id=case.call_id, application_id=case.id
        )
    facts += await _after_answer(conn, case, asked.organisation, conditions)
    body = {"organisation": asked.organisation, "outcome": answer.outcome, "reason": answer.reason}
    await record_facts(conn, by, "clarification.answered", body, facts)
    answered = await store.get_clarification(conn, clarification_id)
    assert answered is not None
    return answered


async def _after_answer(
    conn: Connection, case: case_store.Case, organisation: str, conditions: Sequence[str]
) -> list[Fact]:
    """The round may have waited for this answer; or it is signed, and a new condition comes too late for it.

    `conditions`: the organisations that had asked for an adjusted plan before.
    """
    # The rounds come first: this takes their locks, and so a signature under way is seen or sees the answer.
    facts = await complete_round_if_ready(conn, case.call_id)
    asked = organisation in await assessments.adjusted_plans(conn, case.id)
    if asked and organisation not in conditions and await rounds.is_recommended(conn, case.id):
        facts += await alarms.add_condition(conn, case, organisation)
    return facts
