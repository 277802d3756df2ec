"""The endorsement chain (X31): ask position by position, decide, void what was changed afterwards."""

import uuid
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.auth import Caller
from services.common.db import Connection
from services.common.errors import FieldError, Forbidden, Invalid, NotFound, Refused, StepOutOfOrder
from services.common.record import Entry, Fact, record, record_all
from services.intake.commands.access import lock_for, require_open
from services.intake.commands.people import find_or_invite
from services.intake.domain.endorsement import covered, next_position
from services.intake.domain.states import EDITABLE
from services.intake.events import EndorsementDecided, EndorsementRequested
from services.intake.events.call_definition import CallDefinition
from services.intake.policy import Act
from services.intake.store import endorsements, status
from services.intake.store.applications import Application
from services.intake.store.endorsements import Endorsement


class EndorsementOutOfOrder(Refused):
    """The leaders endorse in order."""


async def ask_endorsement(
    conn: Connection, caller: Caller, application_id: UUID, position: str, email: str, arrived_at: datetime
) -> Endorsement:
    """Ask the leader in this position. Refuses a position before its turn, or one that is asked or has
    endorsed."""
    call, application = await lock_for(conn, caller, application_id, Act.OWN)
    if application.state not in EDITABLE:
        raise StepOutOfOrder(
            f"An application that is {application.state} asks for no endorsement.",
            state=application.state.value,
        )
    require_open(call, arrived_at)
    chain = call.definition.organisation(application.organisation).endorsement_chain
    if position not in chain:
        remedy = f"choose among {', '.join(chain)}" if chain else "this trust asks for no endorsement"
        raise Invalid("position", errors=[FieldError("position", position, remedy)])
    covers = covered(call.definition, application.content)
    endorsed = await endorsements.standing(conn, application_id, covers)
    expected = next_position(chain, endorsed)
    if position != expected:
        raise EndorsementOutOfOrder(
            f"{position} has endorsed already." if position in endorsed else f"{expected} comes first.",
            expected=expected,
        )
    open_requests = await endorsements.of_application(conn, application_id)
    if any(each.position == position and each.state == "asked" for each in open_requests):
        raise EndorsementOutOfOrder(f"{position} is asked already; the answer is awaited.", expected=None)
    person, entries = await find_or_invite(
        conn,
        caller,
        email,
        organisation=application.organisation,
        application_id=application_id,
        as_editor=False,
    )
    if person.id == application.holder_id:
        raise Invalid("email", errors=[FieldError("email", email, "a leader endorses, not the applicant")])
    asked = await endorsements.insert(conn, uuid.uuid4(), application_id, position, person.id, covers)
    await status.happened(conn, application_id, "endorsement_asked", position=position)
    requested = EndorsementRequested(
        application_id=application_id,
        call_id=application.call_id,
        endorsement_id=asked.id,
        n=asked.n,
        position=position,
        organisation=application.organisation,
        person_id=person.id,
        holder_id=application.holder_id,
        title=application.content.title,
    )
    body: dict[str, JsonValue] = {"n": asked.n, "position": position, "person_id": str(person.id)}
    await record_all(
        conn,
        [*entries, Entry(str(application_id), caller.actor, "endorsement.requested", body, [requested])],
    )
    return asked


async def decide_endorsement(
    conn: Connection,
    caller: Caller,
    application_id: UUID,
    endorsement_id: UUID,
    endorsed: bool,
    reason: str | None,
) -> Endorsement:
    """The leader's word. Only who was asked may give it, and only while the application is not in."""
    _, application = await lock_for(conn, caller, application_id, Act.READ)
    asked = next(
        (
            each
            for each in await endorsements.of_application(conn, application_id)
            if each.id == endorsement_id
        ),
        None,
    )
    if asked is None:
        raise NotFound()
    if asked.person_id != caller.person_id:
        raise Forbidden("The leader who was asked decides.")
    if caller.person_id == application.holder_id:
        # An invitation may have been accepted by the one who sent it (X31).
        raise Forbidden("A leader endorses, not the applicant.")
    if asked.state != "asked" or application.state not in EDITABLE:
        raise StepOutOfOrder("This request is not open any more.", state=asked.state)
    if not endorsed and not reason:
        raise Invalid("reason", errors=[FieldError("reason", reason, "say why, so that it can be mended")])
    outcome = "endorsed" if endorsed else "declined"
    await endorsements.decide(conn, endorsement_id, outcome, reason)
    await status.happened(conn, application_id, f"endorsement_{outcome}", position=asked.position)
    decided = _decided(application, asked, outcome)
    body: dict[str, JsonValue] = {"n": asked.n, "outcome": outcome, "reason": reason}
    await record(
        conn,
        key=str(application_id),
        actor=caller.actor,
        action="endorsement.decided",
        body=body,
        events=[decided],
    )
    return next(
        each for each in await endorsements.of_application(conn, application_id) if each.id == asked.id
    )


async def void_changed(
    conn: Connection, definition: CallDefinition, before: Application, after: Application
) -> list[Fact]:
    """Void every request and endorsement when budget or plan have changed; the caller records the facts."""
    if covered(definition, before.content) == covered(definition, after.content):
        return []
    return await void(conn, after, ("asked", "endorsed"))


async def void(conn: Connection, application: Application, states: tuple[str, ...]) -> list[Fact]:
    """End what is in these states: nobody is waited for any more, and the word counts no longer."""
    events: list[Fact] = []
    for each in await endorsements.of_application(conn, application.id):
        if each.state in states:
            await endorsements.decide(conn, each.id, "voided", None)
            events.append(_decided(application, each, "voided"))
    if events:
        await status.happened(conn, application.id, "endorsement_voided")
    return events


def _decided(application: Application, endorsement: Endorsement, outcome: str) -> EndorsementDecided:
    return EndorsementDecided(
        application_id=application.id,
        call_id=application.call_id,
        endorsement_id=endorsement.id,
        n=endorsement.n,
        position=endorsement.position,
        person_id=endorsement.person_id,
        holder_id=application.holder_id,
        outcome=outcome,
    )
