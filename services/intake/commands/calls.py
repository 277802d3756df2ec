"""Calls: publish, move the deadline, close."""

import json
import uuid
from datetime import datetime

from services.common.auth import Caller
from services.common.db import Connection, now
from services.common.errors import FieldError, Invalid, NotFound, Refused
from services.common.record import MAX_PAYLOAD_BYTES, Actor, Entry, record_all
from services.intake import policy
from services.intake.commands.people import contact
from services.intake.domain.instants import call_instants, in_words, internal_deadline
from services.intake.domain.states import Action, State, move
from services.intake.events import (
    ApplicationExpired,
    CallClosed,
    CallPublished,
    DeadlineMoved,
    SubmissionInTime,
)
from services.intake.events.call_definition import CallDefinition
from services.intake.forms import schema_mistake
from services.intake.store import applications, calls, people, status
from services.intake.store.calls import Call
from workflows.contracts import tasks

_MOST_BYTES = MAX_PAYLOAD_BYTES - 8 * 1024
"""Of a call file: the fact that carries it has its instants besides."""
_MAILBOXES = uuid.uuid5(uuid.NAMESPACE_URL, "https://innoflyt.test/mailboxes")


class CallExists(Refused):
    """A call with this id is published already."""


class NotYetClosing(Refused):
    """The call does not close yet."""


class CallIsClosed(Refused):
    """The call is closed."""


async def publish_call(conn: Connection, caller: Caller, definition: CallDefinition) -> Call:
    """Publish a call for everyone; its role mailboxes enter the directory. Invalid names what is wrong in the
    file."""
    policy.require_role(caller, "rhf_adviser")
    _require_complete(definition)
    instants = call_instants(definition, definition.deadline)
    if not await calls.insert(conn, definition, instants, caller.person_id):
        raise CallExists(f"{definition.id} is published already; publish a new call under a new id.")
    call = await calls.get(conn, definition.id)
    assert call is not None
    entries = [
        Entry(
            definition.id,
            caller.actor,
            "call.published",
            {"version": definition.version, "deadline": definition.deadline.isoformat()},
            [
                CallPublished(
                    call_id=definition.id,
                    opens_at=definition.opens_at,
                    definition=definition.model_dump(mode="json"),
                    deadline=instants.deadline,
                    closes_at=instants.closes_at,
                    draft_warnings=instants.draft_warnings,
                    straggler_at=instants.straggler_at,
                )
            ],
        )
    ]
    for organisation in definition.organisations:
        if organisation.lead_mailbox:
            entries += await _mailbox(
                conn, caller.actor, organisation.lead_mailbox, organisation.name, organisation.code, "lead"
            )
    for mailbox in definition.mailboxes:
        entries += await _mailbox(conn, caller.actor, mailbox.address, mailbox.topic.nb, None, "contact")
    await record_all(conn, entries)
    return call


async def _mailbox(
    conn: Connection, actor: Actor, address: str, name: str, organisation: str | None, role: str
) -> list[Entry]:
    mailbox_id = uuid.uuid5(_MAILBOXES, f"{role} {organisation} {address.lower()}")
    entered = await people.insert(
        conn,
        mailbox_id,
        kind="mailbox",
        name=name,
        email=address,
        language="nb",
        organisation=organisation,
        roles=[role],
    )
    if entered is None:
        return []
    return [Entry(str(mailbox_id), actor, "contact.entered", {"kind": "mailbox"}, [contact(entered)])]


def _require_complete(definition: CallDefinition) -> None:
    """What a call needs beyond its shape, so that no case of it can get stuck for want of a rule."""
    errors = [
        FieldError(f"tasks.{kind}", None, "give this kind of task a due rule and a ladder")
        for kind in tasks.KINDS
        if kind not in definition.tasks
    ]
    errors += [
        FieldError(f"tasks.{kind}", None, "remove it: there is no such kind of task")
        for kind in definition.tasks
        if kind not in tasks.KINDS
    ]
    errors += _too_large(definition)
    for category in definition.categories:
        mistake = schema_mistake(category.form)
        if mistake is not None:
            errors.append(FieldError(f"categories.{category.code}.form", None, mistake))
    if errors:
        raise Invalid("; ".join(error.field for error in errors), errors=errors)


def _too_large(definition: CallDefinition) -> list[FieldError]:
    """The whole call travels as one fact; named is the member that takes most of it."""
    members = definition.model_dump(mode="json").items()
    bytes_of = {name: len(json.dumps(value, ensure_ascii=False).encode()) for name, value in members}
    total = sum(bytes_of.values())
    if total <= _MOST_BYTES:
        return []
    remedy = f"shorten it: the call has {total} bytes, and {_MOST_BYTES} at most"
    return [FieldError(max(bytes_of, key=bytes_of.__getitem__), None, remedy)]


async def move_deadline(
    conn: Connection, caller: Caller, call_id: str, deadline: datetime, reason: str
) -> Call:
    """Move the common deadline for everyone at once. It may lie anywhere ahead; never in the past.

    Who had missed the trust's own deadline may have met it now; who had met it has, wherever it moves.
    """
    policy.require_role(caller, "rhf_adviser")
    call = await calls.lock(conn, call_id)
    if call is None:
        raise NotFound()
    if call.closed_at is not None:
        raise CallIsClosed("A call that is closed is not opened again; publish a new one.")
    if deadline <= await now(conn) or deadline <= call.opens_at:
        raise Invalid(
            "deadline",
            errors=[FieldError("deadline", deadline.isoformat(), "choose an instant ahead of now")],
        )
    instants = call_instants(call.definition, deadline)
    await calls.move(conn, call, instants, reason, caller.person_id)
    moved = DeadlineMoved(
        call_id=call_id,
        deadline=instants.deadline,
        closes_at=instants.closes_at,
        draft_warnings=instants.draft_warnings,
        straggler_at=instants.straggler_at,
        holder_ids=await calls.holders(conn, call_id),
    )
    body = {"from": call.deadline.isoformat(), "to": deadline.isoformat(), "reason": reason}
    entries = [Entry(call_id, caller.actor, "call.deadline_moved", body, [moved])]
    own = {
        each.code: at
        for each in call.definition.organisations
        if (at := internal_deadline(call.definition, each.code, deadline)) is not None
    }
    for application_id in await applications.bring_in_time(conn, call_id, own):
        in_time = SubmissionInTime(application_id=application_id, call_id=call_id)
        entries.append(Entry(str(application_id), caller.actor, "application.in_time", {}, [in_time]))
    await record_all(conn, entries)
    after = await calls.get(conn, call_id)
    assert after is not None
    return after


async def close_call(conn: Connection, call_id: str, actor: Actor) -> None:
    """Nothing is received any more: returned cases expire, and the fact says which cases are alive.

    What was never sent follows after it (`close_drafts`).
    Once per call. NotYetClosing before the closing instant, which a moved deadline may have moved.
    """
    call = await calls.lock(conn, call_id)
    if call is None:
        raise NotFound()
    if call.closed_at is not None:
        return
    if await now(conn) < call.closes_at:
        raise NotYetClosing(f"The call closes {in_words(call.closes_at, 'en')}.")
    entries = []
    for application in await applications.of_call(conn, call_id, [State.RETURNED]):
        after = move(application.state, Action.EXPIRE)
        await applications.enter_state(conn, application, Action.EXPIRE, after, actor)
        await status.reach_outcome(conn, application.id, "expired")
        await status.happened(conn, application.id, "expired")
        expired = ApplicationExpired(application_id=application.id, call_id=call_id)
        entries.append(Entry(str(application.id), actor, "application.expired", {}, [expired]))
    alive = await applications.of_call(conn, call_id, [State.SUBMITTED])
    closed_at = await calls.close(conn, call_id)
    closed = CallClosed(
        call_id=call_id, closed_at=closed_at, application_ids=[application.id for application in alive]
    )
    body = {"alive": len(alive), "expired": len(entries)}
    await record_all(conn, [*entries, Entry(call_id, actor, "call.closed", body, [closed])])
