"""The life of a message from the queue to its end. Talking to the relay is `delivery`'s business."""

from dataclasses import dataclass
from uuid import UUID

from jinja2 import TemplateError
from pydantic import JsonValue

from services.common.db import Connection
from services.common.record import record
from services.notify import domain
from services.notify.commands.writing import ACTOR
from services.notify.domain import Action, Contact, State, move
from services.notify.events import MessageFailed
from services.notify.store import book, messages
from services.notify.store.messages import Message
from services.notify.telling import ASKING, BY_TYPE, TELLING, Mail
from services.notify.templates import Matter, Rendered, render
from workflows.contracts.tasks import REACH_RECIPIENT


@dataclass(frozen=True)
class Outgoing:
    """A message that is now in `sending`, with all that the relay needs."""

    id: UUID
    attempt: int
    address: str
    name: str
    language: str
    words: Rendered
    application_id: UUID | None
    template: str
    traceparent: str | None
    call_trace: str | None


async def claim(conn: Connection, *, environment: str, portal_url: str) -> Outgoing | bool:
    """Take the next due message into `sending`. True: there was one, but it is not to be sent now. False:
    none."""
    message = await messages.lock_due(conn)
    if message is None:
        return False
    state = State(message.state)
    contact = await book.contact(conn, message.person_id)
    reason = await _reason_to_withhold(conn, message, contact, environment)
    if contact is None or reason is not None:
        reason = reason or "not_in_address_book"
        await messages.set_ended(conn, message.id, move(state, Action.WITHHOLD), reason)
        body = {"message_id": str(message.id), "reason": reason}
        await record(conn, key=message.key, actor=ACTOR, action="message.withheld", body=body)
        return True
    if await messages.sent_last_hour(conn, contact.person_id) >= domain.MOST_PER_HOUR:
        move(state, Action.RETRY)
        await messages.set_queued(conn, message.id, domain.CAP_PAUSE, "too_many_for_one_person", counts=True)
        return True
    try:
        words = await _words(conn, message, contact, portal_url)
    except (TemplateError, KeyError, ValueError, TypeError) as error:
        await _fail(conn, message, f"text_cannot_be_made:{type(error).__name__}")
        return True
    move(state, Action.CLAIM)
    await messages.set_sending(
        conn, message.id, address=contact.email, language=contact.language, subject=words.subject
    )
    return Outgoing(
        id=message.id,
        attempt=message.attempts + 1,
        address=contact.email,
        name=contact.name,
        language=contact.language,
        words=words,
        application_id=message.application_id,
        template=message.template,
        traceparent=message.traceparent,
        call_trace=message.call_trace,
    )


async def _reason_to_withhold(
    conn: Connection, message: Message, contact: Contact | None, environment: str
) -> str | None:
    """Judged again at the last moment: since the message was written a conflict may have been declared, or
    the task done."""
    if message.task_closed and message.event_type in ASKING:
        return domain.TASK_CLOSED
    if contact is None:
        return "not_in_address_book"
    if not message.as_applicant and await book.conflicted(conn, message.application_id, contact.person_id):
        return "conflict_of_interest"
    return domain.withheld_because(contact.email, environment)


async def _words(conn: Connection, message: Message, contact: Contact, portal_url: str) -> Rendered:
    mail = TELLING[BY_TYPE[message.event_type]]
    if not isinstance(mail, Mail):
        raise ValueError(f"{message.event_type} is told to nobody any more")
    matter = Matter(
        template=message.template,
        data=message.data,
        case=await book.case_file(conn, message.application_id),
        call_title=await book.call_title(conn, message.call_id),
        link=mail.link,
        written_at=message.created_at,
        task_kind=message.task_kind,
    )
    return render(matter, contact, portal_url)


async def note_sent(conn: Connection, message_id: UUID, attempt: int, relay: str) -> None:
    """A relay took the message. Does nothing where another attempt has taken over meanwhile."""
    message = await _still(conn, message_id, attempt)
    if message is None:
        return
    await messages.set_ended(conn, message_id, move(State(message.state), Action.DELIVER), None, relay)
    body: dict[str, JsonValue] = {
        "message_id": str(message_id),
        "template": message.template,
        "attempt": attempt,
        "relay": relay,
    }
    await record(conn, key=message.key, actor=ACTOR, action="message.sent", body=body)


async def note_refused(
    conn: Connection, message_id: UUID, attempt: int, reason: str, *, for_good: bool
) -> None:
    """No relay took the message: try again later, or, for good or after the last attempt, fail."""
    message = await _still(conn, message_id, attempt)
    if message is None:
        return
    if for_good or attempt >= domain.MOST_ATTEMPTS:
        await _fail(conn, message, reason)
        return
    move(State(message.state), Action.RETRY)
    await messages.set_queued(conn, message_id, domain.pause_before(attempt + 1), reason, counts=True)


async def note_relay_down(conn: Connection, message_id: UUID, attempt: int) -> None:
    """No relay could be reached: not the message's fault, so it waits without losing an attempt."""
    message = await _still(conn, message_id, attempt)
    if message is not None:
        move(State(message.state), Action.RETRY)
        await messages.set_queued(conn, message_id, domain.RELAY_DOWN_PAUSE, "relay_down", counts=False)


async def sweep(conn: Connection) -> bool:
    """Queue again one message that a process which died left in `sending`; False when there is none.

    Maybe twice, with the same Message-ID; but what has cost every attempt its process is given up.
    """
    message = await messages.lock_lost(conn, domain.SENDING_IS_LOST_AFTER)
    if message is None:
        return False
    if message.attempts >= domain.MOST_ATTEMPTS:
        await _fail(conn, message, "sender_died")
        return True
    move(State(message.state), Action.SWEEP)
    await messages.set_queued(conn, message.id, domain.pause_before(2), "sender_died", counts=True)
    body = {"message_id": str(message.id)}
    await record(conn, key=message.key, actor=ACTOR, action="message.swept", body=body)
    return True


async def _still(conn: Connection, message_id: UUID, attempt: int) -> Message | None:
    message = await messages.lock_message(conn, message_id)
    if message is None or message.state != State.SENDING or message.attempts != attempt:
        return None
    return message


async def _fail(conn: Connection, message: Message, reason: str) -> None:
    await messages.set_ended(conn, message.id, move(State(message.state), Action.FAIL), reason)
    failed = MessageFailed(
        message_id=message.id,
        application_id=message.application_id,
        call_id=message.call_id,
        template=message.template,
        person_id=message.person_id,
    )
    # The mail that asks an adviser to reach somebody must not ask again for ever when it fails itself: doctor
    # names it.
    told = message.task_kind != REACH_RECIPIENT
    body = {"message_id": str(message.id), "template": message.template, "reason": reason}
    await record(
        conn,
        key=message.key,
        actor=ACTOR,
        action="message.failed",
        body=body,
        events=[failed] if told else [],
    )
