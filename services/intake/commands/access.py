"""The first lines of every command: the application, locked, and the caller's right to the act."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection
from services.common.errors import NotFound, PreconditionFailed, Refused
from services.common.record import log_access
from services.intake import policy
from services.intake.domain.instants import in_words
from services.intake.policy import Act, Relation
from services.intake.store import calls, relations, submissions
from services.intake.store.applications import Application
from services.intake.store.calls import Call
from services.intake.store.submissions import Submission


class DeadlinePassed(Refused):
    """The deadline has passed."""


class NotOpenYet(Refused):
    """The call is not open yet."""


@dataclass(frozen=True)
class Reading:
    """What somebody reads of an application. `version` None: the work of its parties, as it is now."""

    application: Application
    version: Submission | None


async def read_for(conn: Connection, caller: Caller, application_id: UUID, act: Act) -> Application:
    """The application, if the caller may do this with it; NotFound or Forbidden otherwise.

    Reading another organisation's case is noted, so `conn` is one that writes.
    """
    application, _ = await _permitted(conn, caller, application_id, act)
    return application


async def read_content(conn: Connection, caller: Caller, application_id: UUID) -> Reading:
    """As `read_for`, with what the application says: to all but its parties, only what they have sent."""
    application, relation = await _permitted(conn, caller, application_id, Act.READ)
    if policy.is_party(caller, relation) or application.version == 0:
        return Reading(application, None)
    version = await submissions.get(conn, application_id, application.version)
    assert version is not None
    return Reading(dataclasses.replace(application, content=version.draft), version)


async def _permitted(
    conn: Connection, caller: Caller, application_id: UUID, act: Act
) -> tuple[Application, Relation]:
    application, found = await relations.to_application(conn, caller, application_id)
    relation = policy.require(caller, found, act)
    assert application is not None
    if policy.reads_as_stranger(caller, relation):
        await log_access(
            conn, actor=caller.actor, action=f"application.{act}", key=str(application_id), outcome="read"
        )
    return application, relation


async def lock_for(
    conn: Connection, caller: Caller, application_id: UUID, act: Act, *, hold_call: bool = False
) -> tuple[Call, Application]:
    """As `read_for`, the application locked; with `hold_call` its call is kept from closing or moving, too.

    The call is taken before the application, here as in close_call, so that the two cannot wait for each
    other.
    """
    application, relation = await relations.to_application(conn, caller, application_id)
    policy.require(caller, relation, act)
    if application is None:
        raise NotFound()
    if hold_call:
        call = await calls.get_shared(conn, application.call_id)
    else:
        call = await calls.require(conn, application.call_id)
    application, relation = await relations.to_application_locked(conn, caller, application_id)
    policy.require(caller, relation, act)
    assert application is not None
    return call, application


def require_open(call: Call, at: datetime) -> None:
    """DeadlinePassed or NotOpenYet, in words, unless what came in at this instant came in time."""
    if at < call.opens_at:
        raise NotOpenYet(
            f"Utlysningen åpner {in_words(call.opens_at, 'nb')}. "
            f"The call opens {in_words(call.opens_at, 'en')}.",
            opens_at=call.opens_at.isoformat(),
        )
    if at > call.deadline:
        raise DeadlinePassed(
            f"Fristen var {in_words(call.deadline, 'nb')}. The deadline was {in_words(call.deadline, 'en')}.",
            deadline=call.deadline.isoformat(),
        )


def require_revision(application: Application, revision: int) -> None:
    """PreconditionFailed unless the caller has seen the newest content."""
    if application.revision != revision:
        raise PreconditionFailed(
            "Read the application again; somebody has changed it.", revision=application.revision
        )
