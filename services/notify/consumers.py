"""What notify takes from the other services' facts: the address book, the little it must know, and who to
tell."""

from dataclasses import asdict
from uuid import UUID

from services.common.db import Connection
from services.common.envelope import Incoming
from services.common.parking import Handler
from services.common.record import Fact
from services.funding import events as funding
from services.intake import events as intake
from services.notify.commands import writing
from services.notify.domain import Audience, CaseFile
from services.notify.store import book
from services.notify.telling import BY_TYPE, TELLING, Mail
from services.review import events as review

TOPICS = ("intake.events", "intake.contacts", "review.events", "funding.events")


async def contact_changed(conn: Connection, event: Incoming) -> None:
    contact = intake.ContactChanged.from_data(event.data)
    await writing.take_contact(conn, event, asdict(contact))


async def contact_deleted(conn: Connection, event: Incoming) -> None:
    await book.delete_contact(conn, UUID(event.key))


async def call_published(conn: Connection, event: Incoming) -> None:
    fact = intake.CallPublished.from_data(event.data)
    await book.set_call(conn, fact.call_id, fact.definition["title"])


async def conflict_declared(conn: Connection, event: Incoming) -> None:
    fact = review.ConflictDeclared.from_data(event.data)
    await book.add_conflict(conn, fact.application_id, fact.person_id)


async def application_submitted(conn: Connection, event: Incoming) -> None:
    fact = intake.ApplicationSubmitted.from_data(event.data)
    case = CaseFile(
        application_id=fact.application_id,
        call_id=fact.call_id,
        holder_id=fact.holder_id,
        editor_ids=tuple(fact.editor_ids),
        organisation=fact.organisation,
        title=fact.title,
        case_number=fact.case_number,
    )
    await writing.note_case(conn, case)
    await writing.tell(conn, event)


async def naming_the_holder(conn: Connection, event: Incoming) -> None:
    """A fact that says who the holder is: before the first submission, or after a change of project
    leader."""
    fact = BY_TYPE[event.type].from_data(event.data)
    case = CaseFile(
        application_id=UUID(event.data["application_id"]),
        call_id=event.data["call_id"],
        holder_id=UUID(event.data["holder_id"]),
        editor_ids=(),
        organisation=None,
        title=getattr(fact, "title", None),
        case_number=None,
    )
    await writing.note_case(conn, case)
    await writing.tell(conn, event)


async def task_opened(conn: Connection, event: Incoming) -> None:
    fact = review.TaskOpened.from_data(event.data)
    await _note_task(conn, fact.task_id, fact.kind, fact.audience)
    await writing.tell(conn, event)


async def task_handed_over(conn: Connection, event: Incoming) -> None:
    fact = review.TaskHandedOver.from_data(event.data)
    await _note_task(conn, fact.task_id, fact.kind, fact.audience)
    await writing.tell(conn, event)


async def task_closed(conn: Connection, event: Incoming) -> None:
    await writing.close_task(conn, review.TaskClosed.from_data(event.data).task_id, event.key)


async def _note_task(conn: Connection, task_id: UUID, kind: str, to: review.Audience) -> None:
    await writing.note_task(conn, task_id, kind, Audience(to.role, to.organisation, to.person_id))


async def told(conn: Connection, event: Incoming) -> None:
    """A fact that notify only passes on."""
    BY_TYPE[event.type].from_data(event.data)
    await writing.tell(conn, event)


_SPECIAL: dict[type[Fact], Handler] = {
    intake.ContactChanged: contact_changed,
    intake.ContactDeleted: contact_deleted,
    intake.CallPublished: call_published,
    intake.ApplicationSubmitted: application_submitted,
    intake.EndorsementRequested: naming_the_holder,
    intake.EndorsementDecided: naming_the_holder,
    intake.ClarificationAsked: naming_the_holder,
    intake.DraftWarned: naming_the_holder,
    intake.DraftClosed: naming_the_holder,
    intake.AttachmentRefused: naming_the_holder,
    funding.ChangeDecided: naming_the_holder,
    review.ConflictDeclared: conflict_declared,
    review.TaskOpened: task_opened,
    review.TaskHandedOver: task_handed_over,
    review.TaskClosed: task_closed,
}

HANDLERS: dict[str, Handler] = {
    fact.TYPE: _SPECIAL.get(fact, told)
    for fact, telling in TELLING.items()
    if fact in _SPECIAL or isinstance(telling, Mail)
}
