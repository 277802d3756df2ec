"""A question from the draft to an organisation that would be consulted (X14); review carries the answer."""

import uuid
from datetime import datetime
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection
from services.common.errors import FieldError, Invalid, Refused
from services.common.record import record
from services.intake.commands.access import lock_for, require_open
from services.intake.commands.drafts import require_editable
from services.intake.events import ClarificationAsked
from services.intake.policy import Act
from services.intake.store import clarifications, status
from services.intake.store.clarifications import Clarification


class ClarificationOpen(Refused):
    """You have asked this organisation; its answer is awaited."""


async def ask_clarification(
    conn: Connection,
    caller: Caller,
    application_id: UUID,
    organisation: str,
    question: str,
    arrived_at: datetime,
) -> Clarification:
    """Ask one of the call's consulted organisations. One open question to each at a time."""
    call, application = await lock_for(conn, caller, application_id, Act.EDIT)
    require_editable(application)
    require_open(call, arrived_at)
    consulted = [each.code for each in call.definition.organisations if each.role == "consulted"]
    if organisation not in consulted:
        remedy = f"choose among {', '.join(consulted)}"
        raise Invalid("organisation", errors=[FieldError("organisation", organisation, remedy)])
    for each in await clarifications.of_application(conn, application_id):
        if each.organisation == organisation and each.outcome is None:
            raise ClarificationOpen(f"{organisation} has been asked already.")
    asked = await clarifications.insert(
        conn, uuid.uuid4(), application_id, organisation, question, caller.person_id
    )
    await status.happened(conn, application_id, "clarification_asked", organisation=organisation)
    fact = ClarificationAsked(
        application_id=application_id,
        call_id=application.call_id,
        clarification_id=asked.id,
        n=asked.n,
        organisation=organisation,
        holder_id=application.holder_id,
        title=application.content.title,
    )
    await record(
        conn,
        key=str(application_id),
        actor=caller.actor,
        action="clarification.asked",
        body={"n": asked.n, "organisation": organisation},
        events=[fact],
    )
    return asked
