"""The person directory: who signs in, who is entered or invited, and their contacts for the other
services."""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from pydantic import JsonValue

from services.common.auth import Caller
from services.common.db import Connection, now
from services.common.errors import FieldError, Forbidden, Invalid, NotFound, Refused
from services.common.record import Entry, Fact, record, record_all
from services.intake import policy
from services.intake.domain.endorsement import covered
from services.intake.events import ContactChanged, ContactDeleted, EndorsementDecided, EndorsementRequested
from services.intake.store import applications, calls, endorsements, people
from services.intake.store.people import Person

_INVITATION_LASTS = timedelta(days=60)


class InvitationUsed(Refused):
    """This invitation has been used, or its time is over."""


class StillNeeded(Refused):
    """This person cannot be forgotten yet."""


def contact(person: Person, invitation_token: str | None = None) -> ContactChanged:
    """How the other services may reach this person. Whoever has signed in as somebody else keeps no role."""
    return ContactChanged(
        person_id=person.id,
        kind=person.kind,
        name=person.name,
        email=person.email,
        language=person.language,
        organisation=person.organisation,
        roles=[] if person.bound_to else person.roles,
        deputy_id=person.deputy_id,
        invitation_token=invitation_token,
        signed_in=person.signed_in,
    )


async def enter_caller(conn: Connection, caller: Caller) -> None:
    """Note who signs in; publishes the contact where anything is new. Writes nothing otherwise."""
    person = await people.upsert_caller(conn, caller)
    if person is not None:
        body: dict[str, JsonValue] = {"organisation": person.organisation, "roles": list(person.roles)}
        await record(
            conn,
            key=str(person.id),
            actor=caller.actor,
            action="contact.signed_in",
            body=body,
            events=[contact(person)],
        )


async def set_preferences(conn: Connection, caller: Caller, changes: dict[str, str | UUID | None]) -> Person:
    """Change one's own language or deputy; `changes` holds only what was sent."""
    person = await people.get(conn, caller.person_id)
    if person is None:
        raise NotFound()
    language = str(changes.get("language") or person.language)
    deputy_id = changes["deputy_id"] if "deputy_id" in changes else person.deputy_id
    assert deputy_id is None or isinstance(deputy_id, UUID)
    if deputy_id is not None:
        deputy = await people.get(conn, deputy_id)
        if deputy is None or deputy.kind != "person" or deputy_id == caller.person_id:
            remedy = "name another person of the directory"
            raise Invalid("deputy_id", errors=[FieldError("deputy_id", str(deputy_id), remedy)])
    changed = await people.set_preferences(conn, caller.person_id, language, deputy_id)
    if changed is None:
        return person
    body: dict[str, JsonValue] = {"language": language, "deputy_id": str(deputy_id) if deputy_id else None}
    await record(
        conn,
        key=str(person.id),
        actor=caller.actor,
        action="contact.preferences",
        body=body,
        events=[contact(changed)],
    )
    return changed


async def enter_person(
    conn: Connection,
    caller: Caller,
    *,
    kind: str,
    name: str,
    email: str,
    language: str,
    organisation: str | None,
    roles: Sequence[str],
) -> Person:
    """An adviser enters a mailbox, or somebody who is then invited to sign in. Known people are returned as
    they are."""
    policy.require_role(caller, "rhf_adviser")
    known = await people.by_email(conn, email)
    if kind == "person" and known is not None:
        return known
    person = await people.insert(
        conn,
        uuid.uuid4(),
        kind=kind,
        name=name,
        email=email,
        language=language,
        organisation=organisation,
        roles=roles,
    )
    assert person is not None
    token = await _invite(conn, person.id, caller.person_id) if kind == "person" else None
    await record(
        conn,
        key=str(person.id),
        actor=caller.actor,
        action="contact.entered",
        body={"kind": kind},
        events=[contact(person, token)],
    )
    return person


async def forget_person(conn: Connection, caller: Caller, person_id: UUID) -> None:
    """Take somebody out of the directory and, by a tombstone, out of everybody's address book; with them the
    addresses that they were invited by.

    Refused for who is part of a case: what they did there has to stay explainable.
    """
    policy.require_role(caller, "rhf_adviser")
    person = await people.get(conn, person_id)
    if person is None:
        raise NotFound()
    everyone = [*await people.bound_to(conn, person_id), person_id]
    entries: list[Entry] = []
    for each in everyone:
        if await people.is_needed(conn, each):
            raise StillNeeded("A case or a deputy refers to this person.")
        await people.delete(conn, each)
        forgotten = ContactDeleted(person_id=each)
        entries.append(Entry(str(each), caller.actor, "contact.forgotten", {}, [forgotten]))
    await record_all(conn, entries)


async def find_or_invite(
    conn: Connection,
    caller: Caller,
    email: str,
    *,
    organisation: str | None,
    application_id: UUID,
    as_editor: bool,
) -> tuple[Person, list[Entry]]:
    """The person behind an address, and what to record: nothing for someone who has signed in, else an
    invitation."""
    person = await people.by_email(conn, email)
    if person is not None and person.signed_in:
        return person, []
    if person is None:
        person = await people.insert(
            conn,
            uuid.uuid4(),
            kind="person",
            name=email.partition("@")[0],
            email=email,
            language="nb",
            organisation=organisation,
            roles=["applicant"],
        )
        assert person is not None
    token = await _invite(conn, person.id, caller.person_id, application_id, as_editor)
    body: dict[str, JsonValue] = {"application_id": str(application_id)}
    return person, [Entry(str(person.id), caller.actor, "contact.invited", body, [contact(person, token)])]


async def _invite(
    conn: Connection,
    person_id: UUID,
    invited_by: UUID,
    application_id: UUID | None = None,
    as_editor: bool = False,
) -> str:
    """A single-use token; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    await people.insert_invitation(
        conn,
        uuid.uuid4(),
        token_hash=_hash(token),
        person_id=person_id,
        application_id=application_id,
        as_editor=as_editor,
        invited_by=invited_by,
        expires_at=await now(conn) + _INVITATION_LASTS,
    )
    return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def accept_invitation(conn: Connection, caller: Caller, token: str) -> list[UUID]:
    """Bind what an address was asked for to the sign-in of the caller; returns the applications it concerns.

    Open requests for endorsement are voided and asked again of the person who signed in, so that the waiting
    task
    follows them.
    """
    invitation = await people.lock_invitation(conn, _hash(token))
    if invitation is None:
        raise NotFound()
    if invitation.accepted_at is not None or invitation.expires_at <= await now(conn):
        raise InvitationUsed("Ask for a new invitation.")
    if invitation.person_id == caller.person_id:
        raise Forbidden
    entries: list[Entry] = []
    concerned: set[UUID] = set()
    for accepted in await people.bind(conn, invitation.person_id, caller.person_id):
        if accepted.application_id is not None:
            concerned.add(accepted.application_id)
            if accepted.as_editor:
                await applications.add_editor(conn, accepted.application_id, caller.person_id)
    for asked in await endorsements.asked_of(conn, invitation.person_id):
        concerned.add(asked.application_id)
        entries.append(await _ask_again(conn, caller, asked))
    bound = await people.get(conn, invitation.person_id)
    assert bound is not None
    to: dict[str, JsonValue] = {"to": str(caller.person_id)}
    entries.append(Entry(str(bound.id), caller.actor, "contact.bound", to, [contact(bound)]))
    body: dict[str, JsonValue] = {
        "invitation": str(invitation.id),
        "applications": list(map(str, sorted(concerned))),
    }
    await record_all(
        conn, [*entries, Entry(str(caller.person_id), caller.actor, "invitation.accepted", body)]
    )
    return sorted(concerned)


async def _ask_again(conn: Connection, caller: Caller, asked: endorsements.Endorsement) -> Entry:
    application = await applications.lock(conn, asked.application_id)
    assert application is not None
    call = await calls.require(conn, application.call_id)
    await endorsements.decide(conn, asked.id, "voided", "reassigned")
    again = await endorsements.insert(
        conn,
        uuid.uuid4(),
        application.id,
        asked.position,
        caller.person_id,
        covered(call.definition, application.content),
    )
    events: list[Fact] = [
        EndorsementDecided(
            application_id=application.id,
            call_id=application.call_id,
            holder_id=application.holder_id,
            endorsement_id=asked.id,
            n=asked.n,
            position=asked.position,
            person_id=asked.person_id,
            outcome="voided",
            cause="reassigned",
        ),
        EndorsementRequested(
            application_id=application.id,
            call_id=application.call_id,
            holder_id=application.holder_id,
            endorsement_id=again.id,
            n=again.n,
            position=again.position,
            organisation=application.organisation,
            person_id=again.person_id,
            title=application.content.title,
        ),
    ]
    body: dict[str, JsonValue] = {"n": asked.n, "again": again.n}
    return Entry(str(application.id), caller.actor, "endorsement.rebound", body, events)
