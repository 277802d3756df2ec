"""Takes in what others tell, and writes a message for everyone who is to be told. Nothing is sent here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from pydantic import JsonValue

from services.common.db import Connection
from services.common.envelope import Incoming
from services.common.errors import Refused
from services.common.record import Actor, record
from services.notify.domain import TASK_CLOSED, Action, Audience, CaseFile, State, move
from services.notify.store import book, messages
from services.notify.store.messages import Draft
from services.notify.telling import ASKING, BY_TYPE, TELLING, Mail

ACTOR = Actor("service", "notify")
_INVITATIONS = UUID("2f3f1f0e-5d0b-5c0e-8c37-9a3bb7a6f2c4")


async def tell(conn: Connection, event: Incoming) -> None:
    """Write a message for everyone whom the table of telling names for this fact. Once per (event,
    person)."""
    draft = Draft(
        event_id=event.id,
        recipient="",
        person_id=None,
        event_type=event.type,
        template="",
        data=event.data,
        key=event.key,
        application_id=_uuid(event.data.get("application_id")),
        call_id=event.data.get("call_id"),
        task_id=_uuid(event.data.get("task_id")),
        traceparent=event.traceparent,
        call_trace=event.call_id,
    )
    await _record_written(conn, await _write(conn, draft))


async def take_contact(conn: Connection, event: Incoming, fields: Mapping[str, Any]) -> None:
    """The address book's new row for this person, and the invitation of one who has not signed in yet.

    What waited for this person is addressed by `address_waiting`, so that no order of facts can lose it.
    """
    await book.upsert_contact(conn, fields)
    token = fields["invitation_token"]
    if not token:
        return
    draft = Draft(
        event_id=uuid5(
            _INVITATIONS, str(token)
        ),  # one mail per invitation, however often the contact changes
        recipient="",
        person_id=None,
        event_type=event.type,
        template="",
        data={"person_id": str(fields["person_id"])},
        key=str(fields["person_id"]),
        application_id=None,
        call_id=None,
        task_id=None,
        traceparent=event.traceparent,
        call_trace=event.call_id,
    )
    await _record_written(conn, await _write(conn, draft))


async def address_waiting(conn: Connection) -> bool:
    """Complete one message whose case, person or role has become known; False when there is none."""
    draft = await messages.take_waiting(conn)
    if draft is None:
        return False
    try:
        async with conn.transaction():
            written = await _write(conn, draft)
    except (Refused, LookupError, ValueError, TypeError) as error:
        # Of a fact that the table of telling no longer knows, say. Left waiting, it would be first for ever.
        reason = f"cannot_be_written:{type(error).__name__}"
        await _write_one(conn, draft, move(State.UNADDRESSED, Action.FAIL), reason)
        body: dict[str, JsonValue] = {"event_id": str(draft.event_id), "reason": reason}
        await record(conn, key=draft.key, actor=ACTOR, action="message.failed", body=body)
        return True
    await _record_written(conn, written)
    return True


@dataclass(frozen=True)
class _Written:
    key: str
    message_id: UUID
    template: str
    recipient: str
    state: State


async def _write(conn: Connection, draft: Draft) -> list[_Written]:
    telling = TELLING[BY_TYPE[draft.event_type]]
    written: list[_Written] = []
    if isinstance(telling, Mail):
        for mail in telling.mails:
            written += await _write_mail(conn, mail, draft)
    return written


async def _write_mail(conn: Connection, mail: Mail, draft: Draft) -> list[_Written]:
    if not mail.is_news(draft.data):
        return []
    draft = replace(draft, template=mail.template_for(draft.data), person_id=None)
    case = await book.case_file(conn, draft.application_id)
    if draft.application_id is not None and case is None and mail.needs_case:
        return await _write_one(conn, replace(draft, recipient="case"), State.UNADDRESSED, None)
    task = await book.task_audience(conn, draft.task_id) if draft.task_id else None
    persons: list[UUID] = []
    applicants: set[UUID] = set()
    written: list[_Written] = []
    for audience in mail.audiences(draft.data, case, task):
        found = [audience.person_id] if audience.person_id else await book.with_role(conn, audience)
        if not found:
            waiting = replace(draft, recipient=audience.waits_as)
            written += await _write_one(conn, waiting, State.UNADDRESSED, None)
        persons += found
        if audience.role == "holder":
            applicants.update(found)
    if mail.reaches_deputies:
        persons += await book.deputies(conn, persons)
    for person in dict.fromkeys(persons):
        mine = replace(draft, recipient=str(person), person_id=person, as_applicant=person in applicants)
        written += await _write_to(conn, mine)
    return written


async def _write_to(conn: Connection, draft: Draft) -> list[_Written]:
    assert draft.person_id is not None
    if not draft.as_applicant and await book.conflicted(conn, draft.application_id, draft.person_id):
        return await _write_one(conn, draft, State.WITHHELD, "conflict_of_interest")
    known = await book.contact(conn, draft.person_id)
    return await _write_one(conn, draft, State.QUEUED if known else State.UNADDRESSED, None)


async def _write_one(conn: Connection, draft: Draft, state: State, reason: str | None) -> list[_Written]:
    message_id = await messages.add_message(conn, draft, state, reason)
    if message_id is None:
        return []
    return [_Written(draft.key, message_id, draft.template, draft.recipient, state)]


async def _record_written(conn: Connection, written: Sequence[_Written]) -> None:
    if not written:
        return
    lines: list[JsonValue] = [
        {"message_id": str(each.message_id), "recipient": each.recipient, "state": str(each.state)}
        for each in written
    ]
    body: dict[str, JsonValue] = {"template": written[0].template, "messages": lines}
    await record(conn, key=written[0].key, actor=ACTOR, action="messages.written", body=body)


async def note_case(conn: Connection, case: CaseFile) -> None:
    """What a fact tells about a case; used for titles, recipients and the holder's own log."""
    await book.set_case(conn, case)


async def note_task(conn: Connection, task_id: UUID, kind: str, audience: Audience) -> None:
    """Whom a task is waiting for."""
    person = str(audience.person_id) if audience.person_id else None
    known = {"role": audience.role, "organisation": audience.organisation, "person_id": person}
    await book.set_task(conn, task_id, kind, known)


async def close_task(conn: Connection, task_id: UUID, key: str) -> None:
    """Nobody is waited for any more: what has not found its recipient never goes out, and `claim` withholds
    what waits for a relay."""
    await book.set_closed(conn, task_id)
    withheld = move(State.UNADDRESSED, Action.WITHHOLD)
    ended = await messages.end_unaddressed(conn, task_id, ASKING, withheld, TASK_CLOSED)
    if ended:
        body: dict[str, JsonValue] = {"messages": [str(each) for each in ended], "reason": TASK_CLOSED}
        await record(conn, key=key, actor=ACTOR, action="messages.withheld", body=body)


def _uuid(value: object) -> UUID | None:
    return UUID(str(value)) if value else None
