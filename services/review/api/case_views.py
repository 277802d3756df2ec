"""How a case, what is decided about it, and its waits are shown."""

from typing import Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from services.review.domain.tasks import Waited


class PrescreeningView(BaseModel):
    version: int
    outcome: str
    reason: str
    decided_by: UUID
    organisation: str
    decided_at: AwareDatetime


class ConsultationView(BaseModel):
    organisation: str
    outcome: str
    reason: str
    answered_by: UUID
    answered_at: AwareDatetime


class WaiverView(BaseModel):
    """The case goes on without this organisation's answer."""

    organisation: str
    reason: str
    waived_by: UUID
    waived_at: AwareDatetime


class ClarificationView(BaseModel):
    """Asked from the draft; the answer's fields are null until it is given."""

    id: UUID
    n: int
    organisation: str
    asked_at: AwareDatetime
    outcome: str | None
    reason: str | None
    answered_by: UUID | None
    answered_at: AwareDatetime | None


class WaitedView(BaseModel):
    """For how long somebody was waited for: `them` is the applicant, `us` everybody who works on the case."""

    us: float
    them: float
    unit: Literal["seconds"] = "seconds"

    @classmethod
    def of(cls, waited: Waited) -> Self:
        return cls(us=waited.us, them=waited.them)


class CaseTaskView(BaseModel):
    """One wait on a person in the case."""

    id: UUID
    kind: str
    n: str
    state: str
    opened_at: AwareDatetime
    due_at: AwareDatetime
    closed_at: AwareDatetime | None
    waited: WaitedView


class CaseView(BaseModel):
    """Amounts are whole NOK. Fields that a draft does not have yet are null."""

    id: UUID
    call_id: str
    case_number: str | None
    state: str
    version: int
    category: str | None
    panel: str | None
    organisation: str | None
    title: str
    holder_id: UUID
    amount: int | None
    total_budget: int | None
    touches: list[str]
    after_internal_deadline: bool
    ended_as: str | None
    prescreenings: list[PrescreeningView]
    consultations: list[ConsultationView]
    waivers: list[WaiverView]
    clarifications: list[ClarificationView]
    tasks: list[CaseTaskView]
    waited: WaitedView
