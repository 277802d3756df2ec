"""The one fact that workflows publish, on `workflows.events`."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from services.common.record import Fact


@dataclass(frozen=True, kw_only=True)
class FactArrivedLate(Fact):
    """A fact came for a run that had ended, so nobody acts on it unless an adviser does.

    Key: the application id, or the call id without one. `event_id` and `type` are those of the fact.
    """

    TYPE: ClassVar[str] = "no.innoflyt.workflows.fact-arrived-late.v1"
    application_id: UUID | None
    call_id: str | None
    event_id: UUID
    type: str
