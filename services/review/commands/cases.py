"""What intake's and funding's facts do to review's picture of calls and cases."""

from services.common.calendar import due
from services.common.db import Connection
from services.common.record import Fact
from services.funding import events as funding
from services.intake import events as intake
from services.review.commands import alarms
from services.review.commands.clock import move_task
from services.review.commands.ending import end_case, lock_call_and_case, undo_ending
from services.review.commands.rounds import note_call_closed
from services.review.commands.tasks import (
    REVIEW,
    CaseNotKnownYet,
    cancel_idle_tasks,
    cancel_task,
    open_task,
)
from services.review.commands.terms import calendar_of, get_call, terms_of
from services.review.domain.cases import CaseAction, CaseState, move
from services.review.store import barrier, decisions
from services.review.store import cases as store
from services.review.store import tasks as task_store
from workflows.contracts.review import OpenTask
from workflows.contracts.tasks import ANSWER_CLARIFICATION, ENDORSE_DRAFT


async def publish_call(conn: Connection, fact: intake.CallPublished) -> list[Fact]:
    await store.save_call(
        conn,
        fact.call_id,
        fact.definition,
        opens_at=fact.opens_at,
        deadline=fact.deadline,
        closes_at=fact.closes_at,
        straggler_at=fact.straggler_at,
    )
    return []


async def move_deadline(conn: Connection, fact: intake.DeadlineMoved) -> list[Fact]:
    """The deadline moves for everyone at once, and with it what is due before it."""
    await store.lock_call(conn, fact.call_id)
    await store.move_deadline(
        conn,
        fact.call_id,
        deadline=fact.deadline,
        closes_at=fact.closes_at,
        straggler_at=fact.straggler_at,
    )
    call = await get_call(conn, fact.call_id)
    due_at = due(terms_of(call, ENDORSE_DRAFT).due, call.deadline, calendar_of(call))
    facts: list[Fact] = []
    for task in await task_store.lock_open_of_call(conn, fact.call_id, ENDORSE_DRAFT):
        facts += await move_task(conn, task, due_at, cause="deadline_moved")
    return facts


async def close_call(conn: Connection, fact: intake.CallClosed) -> list[Fact]:
    """The call no longer receives: nothing can be endorsed any more, and drafts need no clarification."""
    facts = await note_call_closed(conn, fact.call_id, fact.closed_at, fact.application_ids)
    for task in await task_store.lock_open_of_drafts(conn, fact.call_id, fact.application_ids):
        facts += await cancel_task(conn, task.subject, task.kind, task.n, by=REVIEW, because="call_closed")
    return facts


async def request_endorsement(conn: Connection, fact: intake.EndorsementRequested) -> list[Fact]:
    call = await get_call(conn, fact.call_id)
    if call.closed_at is not None:
        return []  # the request was on its way when the call closed
    await store.note_draft(
        conn, fact.application_id, fact.call_id, title=fact.title, holder_id=fact.holder_id
    )
    task = OpenTask(
        subject=str(fact.application_id),
        kind=ENDORSE_DRAFT,
        n=str(fact.n),
        call_id=fact.call_id,
        application_id=fact.application_id,
        role="endorser",
        organisation=fact.organisation,
        person_id=fact.person_id,
    )
    return await open_task(conn, task, act_id=fact.endorsement_id)


async def ask_clarification(conn: Connection, fact: intake.ClarificationAsked) -> list[Fact]:
    await store.note_draft(
        conn, fact.application_id, fact.call_id, title=fact.title, holder_id=fact.holder_id
    )
    await decisions.insert_clarification(
        conn, fact.clarification_id, fact.application_id, fact.n, fact.organisation
    )
    task = OpenTask(
        subject=str(fact.application_id),
        kind=ANSWER_CLARIFICATION,
        n=str(fact.n),
        call_id=fact.call_id,
        application_id=fact.application_id,
        role="consultant",
        organisation=fact.organisation,
    )
    return await open_task(conn, task, act_id=fact.clarification_id)


async def receive_version(conn: Connection, fact: intake.ApplicationSubmitted) -> list[Fact]:
    """A version is received; an older one than review knows changes nothing."""
    case = await store.lock_case(conn, fact.application_id)
    if case is not None and case.version >= fact.version:
        return []
    state = move(case.state if case else CaseState.DRAFT, CaseAction.SUBMIT)
    await store.save_submission(
        conn,
        {
            "id": fact.application_id,
            "call_id": fact.call_id,
            "state": state,
            "version": fact.version,
            "case_number": fact.case_number,
            "category": fact.category,
            "panel": fact.panel,
            "organisation": fact.organisation,
            "title": fact.title,
            "holder_id": fact.holder_id,
            "editor_ids": fact.editor_ids,
            "amount": fact.amount,
            "total_budget": fact.total_budget,
            "priority_areas": fact.priority_areas,
            "touches": fact.touches,
            "after_internal_deadline": fact.after_internal_deadline,
            "submitted_at": fact.submitted_at,
        },
    )
    return await cancel_idle_tasks(conn, fact.application_id, by=REVIEW)


async def bring_in_time(conn: Connection, fact: intake.SubmissionInTime) -> list[Fact]:
    """A deadline that moved has made the submission timely: the trust may return it after all."""
    await store.set_in_time(conn, fact.application_id)
    return []


async def return_case(conn: Connection, fact: intake.ApplicationReturned) -> list[Fact]:
    """Intake handed the case back: what was waited for in this version is not any more.

    A case already in its round, or decided, stays there, and an adviser is asked to see to it.
    """
    case = await store.lock_case(conn, fact.application_id)
    if case is None:
        raise CaseNotKnownYet(str(fact.application_id))
    if case.version == fact.version and case.ended_as == "not_recommended":
        # The trust had not heard: its no is about a version that is not in any more.
        await store.set_revived(conn, case.id, CaseState.RETURNED)
        return []
    if case.version != fact.version or case.state in (CaseState.RETURNED, CaseState.ENDED):
        return []
    state = move(case.state, CaseAction.HAND_BACK)
    if state in (CaseState.IN_ROUND, CaseState.DECIDED):
        return await alarms.returned_in_round(conn, case, fact.version)
    await store.set_state(conn, case.id, state)
    return await cancel_idle_tasks(conn, case.id, by=REVIEW)


async def reject_case(conn: Connection, fact: intake.ApplicationRejected) -> list[Fact]:
    return await _end(conn, fact, "rejected")


async def undo_rejection(conn: Connection, fact: intake.RejectionUndone) -> list[Fact]:
    await barrier.note_formal_check(conn, fact.application_id, fact.version)
    return await _undo(conn, fact, "rejected")


async def withdraw_case(conn: Connection, fact: intake.ApplicationWithdrawn) -> list[Fact]:
    return await _end(conn, fact, "withdrawn")


async def undo_withdrawal(conn: Connection, fact: intake.WithdrawalUndone) -> list[Fact]:
    return await _undo(conn, fact, "withdrawn")


async def expire_case(conn: Connection, fact: intake.ApplicationExpired) -> list[Fact]:
    return await _end(conn, fact, "expired")


async def decide_case(conn: Connection, fact: funding.CaseDecided) -> list[Fact]:
    """The funder has decided: nothing that was still asked for can change it any more."""
    case = await store.lock_case(conn, fact.application_id)
    if case is None:
        raise CaseNotKnownYet(str(fact.application_id))
    if case.state is CaseState.ENDED:
        await store.set_ended_from(conn, case.id, CaseState.DECIDED)
        return []
    await store.set_state(conn, case.id, move(case.state, CaseAction.DECIDE))
    return await cancel_idle_tasks(conn, case.id, by=REVIEW)


async def _end(conn: Connection, fact: intake.CaseFact, ended_as: str) -> list[Fact]:
    case = await lock_call_and_case(conn, fact.application_id)
    if case is None:
        raise CaseNotKnownYet(str(fact.application_id))
    return await end_case(conn, case, ended_as, by=REVIEW)


async def _undo(conn: Connection, fact: intake.CaseFact, ended_as: str) -> list[Fact]:
    case = await lock_call_and_case(conn, fact.application_id)
    if case is None:
        raise CaseNotKnownYet(str(fact.application_id))
    return await undo_ending(conn, case, ended_as)
