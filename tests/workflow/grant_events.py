"""The events of one grant, made by funding's own classes."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.common.record import Fact as Event
from services.funding import events as funding
from tests.workflow.events import CALL, NOK, ORGANISATION

DAY = timedelta(days=1)
YEAR = timedelta(days=365)


@dataclass
class Grantee:
    """A grant awarded at `awarded_at`: a month to accept, three to start, three years to go."""

    awarded_at: datetime
    conditions: list[str] = field(default_factory=list)
    id: UUID = field(default_factory=uuid4)
    holder: UUID = field(default_factory=uuid4)
    years: int = 3

    @property
    def _case(self) -> dict[str, Any]:
        return {"application_id": self.id, "call_id": CALL}

    @property
    def accept_due_at(self) -> datetime:
        return self.awarded_at + 30 * DAY

    @property
    def acceptance_lapses_at(self) -> datetime:
        return self.awarded_at + 35 * DAY

    @property
    def start_due_at(self) -> datetime:
        return self.awarded_at + 90 * DAY

    @property
    def start_lapses_at(self) -> datetime:
        return self.awarded_at + 95 * DAY

    @property
    def started_at(self) -> datetime:
        return self.awarded_at + 60 * DAY

    @property
    def ends_at(self) -> datetime:
        return self.started_at + self.years * YEAR

    @property
    def invoicing_due_at(self) -> datetime:
        return self.ends_at + 60 * DAY

    def awarded(self) -> Event:
        return funding.AwardMade(
            **self._case,
            version=1,
            amount=NOK,
            holder_id=self.holder,
            organisation=ORGANISATION,
            conditions=self.conditions,
            accept_due_at=self.accept_due_at,
            acceptance_lapses_at=self.acceptance_lapses_at,
            start_due_at=self.start_due_at,
            start_lapses_at=self.start_lapses_at,
        )

    def answered(self, outcome: str = "accepted") -> Event:
        return funding.AwardAnswered(**self._case, version=1, outcome=outcome, answered_by=self.holder)

    def plan_delivered(self, organisation: str, n: int = 1) -> Event:
        return funding.PlanDelivered(**self._case, organisation=organisation, n=n)

    def plan_judged(self, organisation: str, outcome: str, n: int = 1) -> Event:
        return funding.PlanJudged(**self._case, organisation=organisation, n=n, outcome=outcome)

    def extension_asked(self, n: int = 1) -> Event:
        return funding.ExtensionAsked(**self._case, version=1, n=n, until=self.start_due_at + 30 * DAY)

    def extension_decided(self, granted: bool, later: timedelta, n: int = 1) -> Event:
        return funding.ExtensionDecided(
            **self._case,
            version=1,
            n=n,
            granted=granted,
            start_due_at=self.start_due_at + later,
            start_lapses_at=self.start_lapses_at + later,
            holder_id=self.holder,
        )

    def started(self, late: bool = False) -> Event:
        return funding.StartConfirmed(
            **self._case,
            version=1,
            started_at=self.started_at,
            late=late,
            first_report_ask_at=self.started_at + 300 * DAY,
            ends_at=self.ends_at,
            final_report_due_at=self.ends_at + 30 * DAY,
            invoicing_due_at=self.invoicing_due_at,
        )

    def loss_proposed(self, outcome: str, n: int = 1) -> Event:
        return funding.LossProposed(**self._case, n=n, outcome=outcome)

    def loss_decided(self, confirmed: bool, outcome: str, n: int = 1, **instants: datetime) -> Event:
        return funding.LossDecided(
            **self._case,
            n=n,
            outcome=outcome,
            confirmed=confirmed,
            decided_by=uuid4(),
            holder_id=self.holder,
            **instants,
        )

    def requested(self, kind: str, n: int, now: datetime) -> Event:
        return funding.ReportRequested(
            **self._case,
            kind=kind,
            n=n,
            attempt=1,
            due_at=now + 30 * DAY,
            next_ask_at=now + YEAR if kind == "yearly" else None,
            holder_id=self.holder,
        )

    def submitted(self, kind: str, n: int, attempt: int = 1, late: bool = False) -> Event:
        return funding.ReportSubmitted(**self._case, kind=kind, n=n, attempt=attempt, late=late)

    def judged(
        self, kind: str, n: int, outcome: str = "approved", attempt: int = 1, mend: datetime | None = None
    ) -> Event:
        return funding.ReportJudged(
            **self._case,
            kind=kind,
            n=n,
            attempt=attempt,
            outcome=outcome,
            mend_due_at=mend,
            holder_id=self.holder,
        )

    def change_asked(self, kind: str = "end_date", n: int = 1) -> Event:
        return funding.ChangeAsked(**self._case, n=n, kind=kind)

    def change_decided(
        self,
        granted: bool,
        kind: str = "end_date",
        n: int = 1,
        holder: UUID | None = None,
        ends_at: datetime | None = None,
    ) -> Event:
        return funding.ChangeDecided(
            **self._case,
            n=n,
            kind=kind,
            granted=granted,
            asked_by=self.holder,
            holder_id=holder or self.holder,
            ends_at=ends_at,
            final_report_due_at=None if ends_at is None else ends_at + 30 * DAY,
            invoicing_due_at=None if ends_at is None else ends_at + 60 * DAY,
        )

    def invoicing_expired(self) -> Event:
        return funding.InvoicingExpired(**self._case)

    def invoiced(self, last: bool) -> Event:
        return funding.InvoiceRegistered(**self._case, amount=NOK, invoiced_on=date(2027, 1, 31), last=last)
