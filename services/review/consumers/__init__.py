"""What review does with the facts of the others: some close a task, some change its picture of a case."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from services.common.consumer import Handler, Incoming
from services.common.db import Connection
from services.common.record import Fact
from services.funding import events as funding
from services.intake import events as intake
from services.notify import events as notify
from services.review.commands import alarms, cases, grants, rounds
from services.review.commands.ending import lock_call_and_case
from services.review.commands.recording import record_facts
from services.review.commands.tasks import REVIEW, close_task
from services.review.consumers.closes import CLOSES
from services.review.store import people
from workflows.events import FactArrivedLate

TOPICS = ("intake.events", "funding.events", "notify.events", "workflows.events", "intake.contacts")

EFFECTS: Mapping[type[Fact], Callable[[Connection, Any], Awaitable[list[Fact]]]] = {
    intake.CallPublished: cases.publish_call,
    intake.DeadlineMoved: cases.move_deadline,
    intake.CallClosed: cases.close_call,
    intake.EndorsementRequested: cases.request_endorsement,
    intake.ClarificationAsked: cases.ask_clarification,
    intake.ApplicationSubmitted: cases.receive_version,
    intake.SubmissionInTime: cases.bring_in_time,
    intake.FormalCheckPassed: rounds.note_formal_check,
    intake.ApplicationReturned: cases.return_case,
    intake.ApplicationRejected: cases.reject_case,
    intake.RejectionUndone: cases.undo_rejection,
    intake.ApplicationWithdrawn: cases.withdraw_case,
    intake.WithdrawalUndone: cases.undo_withdrawal,
    intake.ApplicationExpired: cases.expire_case,
    funding.CaseDecided: cases.decide_case,
    funding.AwardAnswered: grants.answer_award,
    funding.ExtensionAsked: grants.pause_start,
    funding.ExtensionDecided: grants.move_start,
    funding.LossDecided: grants.lose_award,
    funding.ReserveExpired: grants.expire_reserve,
    funding.ChangeDecided: grants.change_grant,
    notify.MessageFailed: alarms.reach_recipient,
    FactArrivedLate: alarms.handle_late_fact,
}
"""What a fact does besides closing a task. The closing comes first."""


def _handler(of: type[Fact]) -> Handler:
    async def handle(conn: Connection, event: Incoming) -> None:
        fact = of.from_data(event.data)
        application_id = getattr(fact, "application_id", None)
        if application_id is not None:
            await lock_call_and_case(conn, application_id)
        facts: list[Fact] = []
        key = CLOSES[of](fact) if of in CLOSES else None
        if key is not None:
            facts += await close_task(
                conn,
                key.subject,
                key.kind,
                key.n,
                by=REVIEW,
                call_id=fact.call_id,  # type: ignore[attr-defined]  # every fact that closes has one
                application_id=application_id,
            )
        if of in EFFECTS:
            facts += await EFFECTS[of](conn, fact)
        action = f"{of.TYPE.split('.')[3]}.noted"
        await record_facts(conn, REVIEW, action, {"event_id": str(event.id)}, facts, key=event.key)

    return handle


async def _contact_changed(conn: Connection, event: Incoming) -> None:
    """Keep who the person is to us; name and address are left behind."""
    fact = intake.ContactChanged.from_data(event.data)
    if fact.kind == "mailbox":
        return  # nobody signs in as a mailbox
    await people.save_person(
        conn, fact.person_id, fact.organisation, fact.roles, fact.deputy_id, signed_in=fact.signed_in
    )


async def _contact_deleted(conn: Connection, event: Incoming) -> None:
    await people.forget_person(conn, UUID(event.key))


HANDLERS: dict[str, Handler] = {
    **{of.TYPE: _handler(of) for of in {**CLOSES, **EFFECTS}},
    intake.ContactChanged.TYPE: _contact_changed,
    intake.ContactDeleted.TYPE: _contact_deleted,
}
