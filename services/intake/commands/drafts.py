"""Drafts: create, save, invite co-editors, warn of the deadline."""

import json
import uuid
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from services.common.auth import Caller
from services.common.db import Connection, now
from services.common.errors import FieldError, Invalid, NotFound, Refused, StepOutOfOrder
from services.common.record import Actor, Entry, Fact, record, record_all
from services.intake.commands.access import lock_for, require_open, require_revision
from services.intake.commands.endorsements import void_changed
from services.intake.commands.people import find_or_invite
from services.intake.domain.rules import Draft, unknown_codes
from services.intake.domain.states import EDITABLE
from services.intake.events import DraftClosed, DraftWarned
from services.intake.events.call_definition import Category
from services.intake.forms import unknown_fields
from services.intake.policy import Act
from services.intake.store import applications, calls, endorsements, status
from services.intake.store.applications import Application

_MOST_DRAFTS = 20
"""Of one person in one call; nobody honest needs more."""
_MOST_EDITORS = 20
_MOST_FORM_BYTES = 256 * 1024
_TOLD_AT_ONCE = 200


class TooManyDrafts(Refused):
    """You have too many drafts in this call."""


async def create_draft(
    conn: Connection, caller: Caller, call_id: str, category: str, organisation: str, arrived_at: datetime
) -> Application:
    """A new draft of the caller, in a call that is open. A person with a trust in their token applies for
    that trust."""
    call = await calls.get(conn, call_id)
    if call is None:
        raise Invalid("call_id", errors=[FieldError("call_id", call_id, "choose a published call")])
    require_open(call, arrived_at)
    definition = call.definition
    applying = [each.code for each in definition.organisations if each.role == "applicant"]
    errors = []
    if category not in {each.code for each in definition.categories}:
        known = ", ".join(each.code for each in definition.categories)
        errors.append(FieldError("category", category, f"choose among {known}"))
    if organisation not in applying:
        errors.append(FieldError("organisation", organisation, f"choose among {', '.join(applying)}"))
    elif caller.organisation in applying and organisation != caller.organisation:
        errors.append(FieldError("organisation", organisation, f"you apply for {caller.organisation}"))
    if errors:
        raise Invalid(", ".join(error.field for error in errors), errors=errors)
    if await applications.count_drafts(conn, caller.person_id, call_id) >= _MOST_DRAFTS:
        raise TooManyDrafts(f"At most {_MOST_DRAFTS} drafts in one call; use one of those you have.")
    draft = await applications.insert(conn, uuid.uuid4(), call_id, category, organisation, caller.person_id)
    await applications.note_creation(conn, draft.id, caller.actor)
    await status.happened(conn, draft.id, "created")
    body = {"call_id": call_id, "category": category, "organisation": organisation}
    await record(conn, key=str(draft.id), actor=caller.actor, action="application.created", body=body)
    return draft


def require_editable(application: Application) -> None:
    """StepOutOfOrder unless the holder has the pen."""
    if application.state not in EDITABLE:
        raise StepOutOfOrder(
            f"An application that is {application.state} is not changed.", state=application.state.value
        )


async def save_draft(
    conn: Connection,
    caller: Caller,
    application_id: UUID,
    revision: int,
    content: Draft,
    arrived_at: datetime,
) -> Application:
    """Write the content as the next revision. Endorsements of another budget or plan are voided."""
    call, before = await lock_for(conn, caller, application_id, Act.EDIT)
    require_editable(before)
    require_open(call, arrived_at)
    require_revision(before, revision)
    errors = [
        FieldError(fault.field, fault.value, f"choose among {fault.limits['known']}")
        for fault in unknown_codes(call.definition, content)
    ]
    errors += _form_errors(call.definition.category(content.category), content)
    if errors:
        raise Invalid(", ".join(sorted({error.field for error in errors})), errors=errors)
    after = await applications.save(conn, application_id, content)
    events = await void_changed(conn, call.definition, before, after)
    # The content is the applicant's own: the audit says that it changed, by whom and to which revision.
    body = {"revision": after.revision, "voided": len(events)}
    await record(
        conn,
        key=str(application_id),
        actor=caller.actor,
        action="application.saved",
        body=body,
        events=events,
    )
    return after


def _form_errors(category: Category, content: Draft) -> list[FieldError]:
    """What a form may not even hold as a draft; all else is said by the live check."""
    size = len(json.dumps(dict(content.form), ensure_ascii=False).encode())
    if size > _MOST_FORM_BYTES:
        return [FieldError("form", None, f"at most {_MOST_FORM_BYTES} bytes; these are {size}")]
    return [
        FieldError(field, None, "remove this field: it is not known here")
        for field in unknown_fields(category.form, content.form)
    ]


async def invite_editor(
    conn: Connection, caller: Caller, application_id: UUID, email: str, arrived_at: datetime
) -> dict[str, Any]:
    """Let a colleague write too, who is no leader asked to endorse it; somebody unknown gets an invitation
    first."""
    call, application = await lock_for(conn, caller, application_id, Act.OWN)
    require_editable(application)
    require_open(call, arrived_at)
    if len(await applications.editors(conn, application_id)) >= _MOST_EDITORS:
        raise Invalid("email", errors=[FieldError("email", email, f"at most {_MOST_EDITORS} editors")])
    person, entries = await find_or_invite(
        conn, caller, email, organisation=None, application_id=application_id, as_editor=True
    )
    if person.id == application.holder_id:
        raise Invalid("email", errors=[FieldError("email", email, "name somebody else than yourself")])
    chain = await endorsements.of_application(conn, application_id)
    if any(each.person_id == person.id and each.state in ("asked", "endorsed") for each in chain):
        raise Invalid("email", errors=[FieldError("email", email, "name somebody who does not endorse it")])
    if person.signed_in:
        await applications.add_editor(conn, application_id, person.id)
    body: dict[str, JsonValue] = {"person_id": str(person.id), "invited": not person.signed_in}
    await record_all(
        conn, [*entries, Entry(str(application_id), caller.actor, "application.editor_added", body)]
    )
    return {"person_id": person.id, "invited": not person.signed_in}


async def remove_editor(conn: Connection, caller: Caller, application_id: UUID, person_id: UUID) -> None:
    """Take the pen from a colleague again, or the invitation. Who wrote what was submitted stays an author:
    StepOutOfOrder."""
    _, application = await lock_for(conn, caller, application_id, Act.OWN)
    require_editable(application)
    if application.version:
        raise StepOutOfOrder("It was submitted with these authors.", state=application.state.value)
    if not await applications.remove_editor(conn, application_id, person_id):
        raise NotFound()
    body: dict[str, JsonValue] = {"person_id": str(person_id)}
    await record(
        conn, key=str(application_id), actor=caller.actor, action="application.editor_removed", body=body
    )


async def warn_drafts(conn: Connection, call_id: str, n: int, actor: Actor) -> int:
    """Warn holders whose application is not in, some at a time; returns how many. Once per application, n and
    deadline."""
    call = await calls.get(conn, call_id)
    if call is None or call.closed_at is not None or call.deadline <= await now(conn):
        return 0
    waiting = await applications.unwarned(conn, call_id, n, call.deadline, _TOLD_AT_ONCE)
    entries = []
    for application in waiting:
        warned: Fact = DraftWarned(
            application_id=application.id,
            call_id=call_id,
            holder_id=application.holder_id,
            n=n,
            deadline=call.deadline,
        )
        entries.append(Entry(str(application.id), actor, "draft.warned", {"n": n}, [warned]))
    if entries:
        await record_all(conn, entries)
    return len(entries)


async def close_drafts(conn: Connection, call_id: str, actor: Actor) -> int:
    """The call has closed without these drafts: that is where they stand, and their holders are told. Some at
    a time; returns how many. Once per draft, and none before the call is closed."""
    call = await calls.get(conn, call_id)
    if call is None or call.closed_at is None:
        return 0
    entries = []
    for draft in await applications.missed(conn, call_id, _TOLD_AT_ONCE):
        await status.enter_stage(conn, draft.id, "closed", "nobody", None)
        await status.happened(conn, draft.id, "call_closed")
        closed: Fact = DraftClosed(
            application_id=draft.id, call_id=call_id, holder_id=draft.holder_id, deadline=call.deadline
        )
        entries.append(Entry(str(draft.id), actor, "draft.closed", {}, [closed]))
    if entries:
        await record_all(conn, entries)
    return len(entries)
