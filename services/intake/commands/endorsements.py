"""The endorsement chain (X31): ask position by position, decide, void what was changed afterwards."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.auth import Caller
from services.common.db import Connection
from services.common.errors import FieldError, Forbidden, Invalid, NotFound, Refused, StepOutOfOrder
from services.common.record import Entry, Fact, record, record_all
from services.intake.commands.access import lock_for, require_open
from services.intake.commands.people import find_or_invite
from services.intake.domain.endorsement import covered, next_position, unfit
from services.intake.domain.states import EDITABLE
from services.intake.events import EndorsementDecided, EndorsementRequested
from services.intake.events.call_definition import CallDefinition
from services.intake.policy import Act
from services.intake.store import applications, endorsements, status
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
    chain_so_far = await endorsements.of_application(conn, application_id)
    if any(each.position == position and each.state == "asked" for each in chain_so_far):
        raise EndorsementOutOfOrder(f"{position} is asked already; the answer is awaited.", expected=None)
    person, entries = await find_or_invite(
        conn,
        caller,
        email,
        organisation=application.organisation,
        application_id=application_id,
        as_editor=False,
    )
    # Who is asked by address alone is known when they sign in, and judged when they decide.
    if person.signed_in and (
        wrong := unfit(
            person.id,
            person.roles,
            person.organisation,
            authors=await _authors(conn, application),
            signers=_signers(chain_so_far),
            trust=application.organisation,
        )
    ):
        raise Invalid("email", errors=[FieldError("email", email, wrong)])
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
    everything = await endorsements.of_application(conn, application_id)
    asked = _among(everything, endorsement_id)
    if asked.person_id != caller.person_id:
        raise Forbidden("The leader who was asked decides.")
    # An invitation may have been accepted by the one who sent it, or by who signed already (X31).
    wrong = unfit(
        caller.person_id,
        caller.roles,
        caller.organisation,
        authors=await _authors(conn, application),
        signers=_signers(each for each in everything if each.id != asked.id),
        trust=application.organisation,
    )
    if wrong is not None:
        raise Forbidden(wrong)
    if asked.state != "asked" or application.state not in EDITABLE:
        raise StepOutOfOrder("This request is not open any more.", state=asked.state)
    if not endorsed and not reason:
        raise Invalid("reason", errors=[FieldError("reason", reason, "say why, so that it can be mended")])
    outcome = "endorsed" if endorsed else "declined"
    await endorsements.decide(conn, endorsement_id, outcome, reason)
    await status.happened(conn, application_id, f"endorsement_{outcome}", position=asked.position)
    body: dict[str, JsonValue] = {"n": asked.n, "outcome": outcome, "reason": reason}
    await record(
        conn,
        key=str(application_id),
        actor=caller.actor,
        action="endorsement.decided",
        body=body,
        events=[decided(application, asked, outcome)],
    )
    return _among(await endorsements.of_application(conn, application_id), asked.id)


async def cancel_request(
    conn: Connection, caller: Caller, application_id: UUID, endorsement_id: UUID
) -> None:
    """Wait no longer for this leader, so that another can be asked. StepOutOfOrder once they answered."""
    _, application = await lock_for(conn, caller, application_id, Act.OWN)
    asked = _among(await endorsements.of_application(conn, application_id), endorsement_id)
    if asked.state != "asked":
        raise StepOutOfOrder("This request is not open any more.", state=asked.state)
    await endorsements.decide(conn, asked.id, "voided", "cancelled")
    await status.happened(conn, application_id, "endorsement_cancelled", position=asked.position)
    await record(
        conn,
        key=str(application_id),
        actor=caller.actor,
        action="endorsement.cancelled",
        body={"n": asked.n},
        events=[decided(application, asked, "voided", "cancelled")],
    )


def _among(everything: Iterable[Endorsement], endorsement_id: UUID) -> Endorsement:
    for each in everything:
        if each.id == endorsement_id:
            return each
    raise NotFound()


async def _authors(conn: Connection, application: Application) -> set[UUID]:
    return {application.holder_id, *await applications.editors(conn, application.id)}


def _signers(chain: Iterable[Endorsement]) -> set[UUID]:
    return {each.person_id for each in chain if each.state == "endorsed"}


async def void_changed(
    conn: Connection, definition: CallDefinition, before: Application, after: Application
) -> list[Fact]:
    """Void every request and endorsement when budget or plan have changed; the caller records the facts."""
    if covered(definition, before.content) == covered(definition, after.content):
        return []
    events = await _void(conn, after, ("asked", "endorsed"), "changed")
    if events:
        await status.happened(conn, after.id, "endorsement_voided")
    return events


async def release_asked(conn: Connection, application: Application) -> list[Fact]:
    """Wait for no leader any longer, as the application is in; the caller records the facts."""
    return await _void(conn, application, ("asked",), "submitted")


async def _void(
    conn: Connection, application: Application, states: tuple[str, ...], cause: str
) -> list[Fact]:
    events: list[Fact] = []
    for each in await endorsements.of_application(conn, application.id):
        if each.state in states:
            await endorsements.decide(conn, each.id, "voided", cause)
            events.append(decided(application, each, "voided", cause))
    return events


def decided(
    application: Application, endorsement: Endorsement, outcome: str, cause: str | None = None
) -> EndorsementDecided:
    """The fact that this request is open no longer, or counts no longer."""
    return EndorsementDecided(
        application_id=application.id,
        call_id=application.call_id,
        endorsement_id=endorsement.id,
        n=endorsement.n,
        position=endorsement.position,
        person_id=endorsement.person_id,
        holder_id=application.holder_id,
        outcome=outcome,
        cause=cause,
    )
