"""The facts notify publishes on `notify.events`; key: the application id, without one the call id, and for an
invitation the person id."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from services.common.record import Fact


@dataclass(frozen=True, kw_only=True)
class MessageFailed(Fact):
    """A mail could not be delivered by any relay; an adviser must find another way."""

    TYPE: ClassVar[str] = "no.innoflyt.notify.message-failed.v1"
    message_id: UUID
    application_id: UUID | None
    call_id: str | None
    template: str
    person_id: UUID
