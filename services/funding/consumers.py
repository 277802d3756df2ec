"""The facts of intake and review that funding takes in."""

from uuid import UUID

from services.common.consumer import Handler, Incoming
from services.common.db import Connection
from services.funding.commands import endings, taking_in
from services.funding.store import people
from services.intake.events import (
    ApplicationExpired,
    ApplicationRejected,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    CallPublished,
    ContactChanged,
    ContactDeleted,
    DeadlineMoved,
    RejectionUndone,
    WithdrawalUndone,
)
from services.review.events import (
    CaseRecommended,
    ConflictDeclared,
    ConsultationAnswered,
    PrescreeningDecided,
    RecommendationSigned,
)


async def on_call_published(conn: Connection, event: Incoming) -> None:
    await taking_in.take_in_call(conn, CallPublished.from_data(event.data))


async def on_deadline_moved(conn: Connection, event: Incoming) -> None:
    await taking_in.move_deadline(conn, DeadlineMoved.from_data(event.data))


async def on_application_submitted(conn: Connection, event: Incoming) -> None:
    fact = ApplicationSubmitted.from_data(event.data)
    await taking_in.take_in_submission(conn, fact)
    if fact.version > 1:
        # A no that crossed with intake's return was about the version before.
        await endings.undo_ending(conn, fact.application_id, "not_recommended")


async def on_application_withdrawn(conn: Connection, event: Incoming) -> None:
    fact = ApplicationWithdrawn.from_data(event.data)
    await endings.end_case(conn, fact.application_id, fact.call_id, "withdrawn", fact.withdrawn_by)


async def on_withdrawal_undone(conn: Connection, event: Incoming) -> None:
    fact = WithdrawalUndone.from_data(event.data)
    if fact.state != "not_recommended":
        await endings.undo_ending(conn, fact.application_id, "withdrawn")


async def on_application_rejected(conn: Connection, event: Incoming) -> None:
    fact = ApplicationRejected.from_data(event.data)
    await endings.end_case(conn, fact.application_id, fact.call_id, "rejected")


async def on_rejection_undone(conn: Connection, event: Incoming) -> None:
    fact = RejectionUndone.from_data(event.data)
    if fact.state != "not_recommended":
        await endings.undo_ending(conn, fact.application_id, "rejected")


async def on_application_expired(conn: Connection, event: Incoming) -> None:
    fact = ApplicationExpired.from_data(event.data)
    await endings.end_case(conn, fact.application_id, fact.call_id, "expired")


async def on_prescreening_decided(conn: Connection, event: Incoming) -> None:
    fact = PrescreeningDecided.from_data(event.data)
    if fact.outcome == "not_recommended":
        await endings.not_recommend(conn, fact.application_id, fact.call_id, fact.version)


async def on_case_recommended(conn: Connection, event: Incoming) -> None:
    await taking_in.take_in_recommendation(conn, CaseRecommended.from_data(event.data))


async def on_recommendation_signed(conn: Connection, event: Incoming) -> None:
    await taking_in.take_in_signature(conn, RecommendationSigned.from_data(event.data))


async def on_consultation_answered(conn: Connection, event: Incoming) -> None:
    await taking_in.take_in_answer(conn, ConsultationAnswered.from_data(event.data))


async def on_conflict_declared(conn: Connection, event: Incoming) -> None:
    await taking_in.take_in_conflict(conn, ConflictDeclared.from_data(event.data))


async def on_contact_changed(conn: Connection, event: Incoming) -> None:
    fact = ContactChanged.from_data(event.data)
    if fact.kind != "mailbox":  # nobody signs in as a mailbox
        await people.save_person(conn, fact.person_id, signed_in=fact.signed_in)


async def on_contact_deleted(conn: Connection, event: Incoming) -> None:
    await people.forget_person(conn, UUID(event.key))


TOPICS = ("intake.events", "review.events", "intake.contacts")

HANDLERS: dict[str, Handler] = {
    CallPublished.TYPE: on_call_published,
    DeadlineMoved.TYPE: on_deadline_moved,
    ApplicationSubmitted.TYPE: on_application_submitted,
    ApplicationWithdrawn.TYPE: on_application_withdrawn,
    WithdrawalUndone.TYPE: on_withdrawal_undone,
    ApplicationRejected.TYPE: on_application_rejected,
    RejectionUndone.TYPE: on_rejection_undone,
    ApplicationExpired.TYPE: on_application_expired,
    PrescreeningDecided.TYPE: on_prescreening_decided,
    CaseRecommended.TYPE: on_case_recommended,
    RecommendationSigned.TYPE: on_recommendation_signed,
    ConflictDeclared.TYPE: on_conflict_declared,
    ConsultationAnswered.TYPE: on_consultation_answered,
    ContactChanged.TYPE: on_contact_changed,
    ContactDeleted.TYPE: on_contact_deleted,
}
