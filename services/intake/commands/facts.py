"""What the facts of review and funding change here: state, outcomes, access, timeline. Never the stage."""

from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection
from services.common.errors import Refused
from services.common.record import Actor, Fact, record
from services.intake.domain.expected import KINDS
from services.intake.domain.states import Action, State, move
from services.intake.domain.states import may as state_may
from services.intake.events import ApplicationExpired
from services.intake.store import applications, calls, clarifications, people, relations, status
from services.intake.store.applications import Application

INTAKE = Actor("service", "intake")


class UnknownApplication(Refused):
    """The fact is about an application that intake does not have."""


class UnknownPerson(Refused):
    """The fact names a person who is not in the directory."""


async def _lock(conn: Connection, application_id: UUID) -> Application:
    application = await applications.lock(conn, application_id)
    if application is None:
        raise UnknownApplication(str(application_id))
    return application


async def note(conn: Connection, application_id: UUID, code: str, at: datetime, **detail: JsonValue) -> None:
    """Only the timeline: what others record, the applicant sees."""
    if await applications.get(conn, application_id) is None:
        raise UnknownApplication(str(application_id))
    await status.happened(conn, application_id, code, at, **detail)


async def prescreening_decided(
    conn: Connection, application_id: UUID, version: int, outcome: str, at: datetime
) -> None:
    """The trust's word: `returned` gives the pen back, `not_recommended` ends the case, `recommended` is
    told.

    Of a case that was withdrawn or rejected before the trust heard of it, the word is where an undo leads.
    """
    found = await applications.get(conn, application_id)
    if found is None:
        raise UnknownApplication(str(application_id))
    call = await calls.get_shared(conn, found.call_id)
    application = await _lock(conn, application_id)
    action = {"returned": Action.RETURN, "not_recommended": Action.NOT_RECOMMEND}.get(outcome)
    late = version != application.version or (action is not None and not state_may(application.state, action))
    body: dict[str, JsonValue] = {"version": version, "outcome": outcome}
    if late:
        # The version is superseded, or handed back for an attachment: kept in the audit, no effect.
        await record(
            conn, key=str(application_id), actor=INTAKE, action="prescreening.without_effect", body=body
        )
        return
    events: list[Fact] = []
    after = application.state
    if action is not None:
        after = move(application.state, action)
        await applications.enter_state(conn, application, action, after, INTAKE)
        if after is State.NOT_RECOMMENDED:
            await status.reach_outcome(conn, application_id, "not_recommended", at)
    code = "returned" if outcome == "returned" else f"prescreening_{outcome}"
    await status.happened(conn, application_id, code, at, version=version)
    if after is State.RETURNED and call.closed_at is not None:
        events.append(await _expire_at_once(conn, application_id))
    await record(
        conn,
        key=str(application_id),
        actor=INTAKE,
        action=f"prescreening.{outcome}",
        body=body,
        events=events,
    )


async def _expire_at_once(conn: Connection, application_id: UUID) -> Fact:
    """Returned in time, but heard of after the call closed: it shares the lot of the other returned cases."""
    application = await _lock(conn, application_id)
    after = move(application.state, Action.EXPIRE)
    await applications.enter_state(conn, application, Action.EXPIRE, after, INTAKE)
    await status.reach_outcome(conn, application_id, "expired")
    await status.happened(conn, application_id, "expired")
    return ApplicationExpired(application_id=application_id, call_id=application.call_id)


async def clarification_answered(
    conn: Connection,
    application_id: UUID,
    clarification_id: UUID,
    organisation: str,
    outcome: str,
    answered_by: UUID,
    at: datetime,
) -> None:
    """The draft's question has its answer."""
    if not await clarifications.answer(conn, clarification_id, outcome, answered_by, at):
        return
    await status.happened(
        conn, application_id, "clarification_answered", at, organisation=organisation, outcome=outcome
    )
    body = {"clarification_id": str(clarification_id), "outcome": outcome}
    await record(conn, key=str(application_id), actor=INTAKE, action="clarification.answered", body=body)


async def question_asked(
    conn: Connection, application_id: UUID, question_id: UUID, of_holder: bool, at: datetime
) -> None:
    """A question to the holder: until it is answered, the case waits for them."""
    if of_holder:
        await status.ask_holder(conn, question_id, application_id, at)
        await note(conn, application_id, "question_asked", at, question_id=str(question_id))


async def question_answered(conn: Connection, application_id: UUID, question_id: UUID, at: datetime) -> None:
    if await status.answer_by_holder(conn, question_id, at):
        await note(conn, application_id, "question_answered", at, question_id=str(question_id))


async def task_due(
    conn: Connection, task_id: UUID, application_id: UUID | None, kind: str, due_at: datetime
) -> None:
    """Somebody is waited for until then; kept of the tasks that a stage of the case waits for."""
    if application_id is not None and kind in KINDS:
        await status.set_due(conn, task_id, application_id, kind, due_at)


async def set_access(
    conn: Connection, application_id: UUID, person_id: UUID, granted: bool, at: datetime
) -> None:
    """Open or close the content to a committee member."""
    await relations.grant(conn, application_id, person_id, granted, at)
    body = {"person_id": str(person_id)}
    action = "access.granted" if granted else "access.revoked"
    await record(conn, key=str(application_id), actor=INTAKE, action=action, body=body)


async def declare_conflict(conn: Connection, application_id: UUID, person_id: UUID, at: datetime) -> None:
    """From now on the case does not exist for this person."""
    await relations.declare_conflict(conn, application_id, person_id, at)
    await relations.grant(conn, application_id, person_id, False, at)
    body = {"person_id": str(person_id)}
    await record(conn, key=str(application_id), actor=INTAKE, action="conflict.declared", body=body)


async def case_decided(conn: Connection, application_id: UUID, version: int, outcome: str) -> None:
    """Decided: it can no longer be withdrawn. What was decided is the applicant's only with the letter."""
    application = await _lock(conn, application_id)
    body: dict[str, JsonValue] = {"version": version, "outcome": outcome}
    if not state_may(application.state, Action.DECIDE):
        await record(conn, key=str(application_id), actor=INTAKE, action="decision.without_effect", body=body)
        return
    after = move(application.state, Action.DECIDE)
    await applications.enter_state(conn, application, Action.DECIDE, after, INTAKE)
    await record(conn, key=str(application_id), actor=INTAKE, action="application.decided", body=body)


async def outcome_reached(
    conn: Connection, application_id: UUID, outcome: str, code: str, at: datetime, **detail: JsonValue
) -> None:
    """The case has this outcome, as its applicant is told."""
    await _lock(conn, application_id)
    await status.reach_outcome(conn, application_id, outcome, at)
    await status.happened(conn, application_id, code, at, **detail)
    body: dict[str, JsonValue] = {"outcome": outcome, **detail}
    await record(conn, key=str(application_id), actor=INTAKE, action=f"outcome.{outcome}", body=body)


async def leader_changed(conn: Connection, application_id: UUID, holder_id: UUID, at: datetime) -> None:
    """A granted change of the project leader: the case is theirs from now on."""
    application = await _lock(conn, application_id)
    if application.holder_id == holder_id:
        return
    if await people.get(conn, holder_id) is None:
        raise UnknownPerson(str(holder_id))
    await applications.change_holder(conn, application_id, holder_id)
    await status.happened(conn, application_id, "leader_changed", at)
    body: dict[str, JsonValue] = {"from": str(application.holder_id), "to": str(holder_id)}
    await record(conn, key=str(application_id), actor=INTAKE, action="application.leader_changed", body=body)
