"""The facts funding publishes on `funding.events`.

Key: the application id where the fact has one, else the call id. Amounts are whole NOK. A decision round is
`{call_id}.d1`, or `{application_id}.d{n}` for one case (moved from the reserve, or decided again).
"""

# Longer than 300 lines because the facts of a service are one list, and a reader looks for one by its name.

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from services.common.record import Fact


@dataclass(frozen=True, kw_only=True)
class CaseFact(Fact):
    """What every fact of one application carries; key: the application id."""

    application_id: UUID
    call_id: str


@dataclass(frozen=True, kw_only=True)
class DecisionRoundFact(Fact):
    """What every fact of a decision round carries."""

    decision_round_id: str
    call_id: str
    application_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class DecisionsPrepared(DecisionRoundFact):
    """An adviser has prepared every decision of the round for the leader."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.decisions-prepared.v1"
    attempt: int
    """counts the preparations of the round from 1; each sending back begins the next"""
    prepared_by: UUID


@dataclass(frozen=True, kw_only=True)
class DecisionsSentBack(DecisionRoundFact):
    """The leader wants the round prepared again."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.decisions-sent-back.v1"
    attempt: int
    sent_back_by: UUID


@dataclass(frozen=True, kw_only=True)
class DecisionsTaken(DecisionRoundFact):
    """The leader decided every case of the round."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.decisions-taken.v1"
    attempt: int
    decided_by: UUID


@dataclass(frozen=True, kw_only=True)
class CaseDecided(CaseFact):
    """One case is decided; `version` counts its decisions, a later one supersedes.

    `outcome`: awarded, reserve, declined_ranking, declined_threshold or referred.
    """

    TYPE: ClassVar[str] = "no.innoflyt.funding.case-decided.v1"
    decision_round_id: str
    version: int
    outcome: str
    amount: int
    conditions: list[str]


@dataclass(frozen=True, kw_only=True)
class CaseLeftOut(CaseFact):
    """Its round was decided without it, and it is back and recommended: it needs a round of its own. Never
    before the call's round is decided."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.case-left-out.v1"
    decision_round_id: str


@dataclass(frozen=True, kw_only=True)
class LeaderMeetingPresented(DecisionRoundFact):
    """The awards were presented in the leader meeting (X26)."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.leader-meeting-presented.v1"


@dataclass(frozen=True, kw_only=True)
class LetterSent(CaseFact):
    """The decision letter is issued; the complaint window runs from here.

    `reserve_until` is set for a place on the reserve list: until then it can still move up.
    """

    TYPE: ClassVar[str] = "no.innoflyt.funding.letter-sent.v1"
    version: int
    outcome: str
    amount: int
    conditions: list[str]
    sent_at: datetime
    complaint_until: datetime
    reserve_until: datetime | None
    holder_id: UUID
    organisation: str


@dataclass(frozen=True, kw_only=True)
class AwardMade(CaseFact):
    """An award's letter is issued: the grant begins. Starts `grant:{application_id}`."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.award-made.v1"
    version: int
    amount: int
    holder_id: UUID
    organisation: str
    conditions: list[str]
    accept_due_at: datetime
    acceptance_lapses_at: datetime
    start_due_at: datetime
    start_lapses_at: datetime


@dataclass(frozen=True, kw_only=True)
class RoundPublished(Fact):
    """The list of recipients is public (X26, E11); key: the call id."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.round-published.v1"
    call_id: str
    holder_ids: list[UUID]


@dataclass(frozen=True, kw_only=True)
class KickoffPlanned(CaseFact):
    """The project leader is invited to the kick-off seminar (X27)."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.kickoff-planned.v1"
    holder_id: UUID
    at: datetime


@dataclass(frozen=True, kw_only=True)
class AwardAnswered(CaseFact):
    """The holder accepts the award or says no to it; `outcome`: accepted or refused."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.award-answered.v1"
    version: int
    outcome: str
    answered_by: UUID


@dataclass(frozen=True, kw_only=True)
class PlanDelivered(CaseFact):
    """The adjusted activity plan is delivered (X15)."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.plan-delivered.v1"
    organisation: str
    n: int


@dataclass(frozen=True, kw_only=True)
class PlanJudged(CaseFact):
    """The consulted organisation judged the adjusted plan; `outcome`: confirmed or returned."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.plan-judged.v1"
    organisation: str
    n: int
    outcome: str


@dataclass(frozen=True, kw_only=True)
class ExtensionAsked(CaseFact):
    """The holder asks for a later start; the start's clock stands still until it is decided."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.extension-asked.v1"
    version: int
    """the decision whose start it would move"""
    n: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class ExtensionDecided(CaseFact):
    """The extension is granted or refused; the start is due at `start_due_at` either way."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.extension-decided.v1"
    version: int
    n: int
    granted: bool
    start_due_at: datetime
    start_lapses_at: datetime
    holder_id: UUID


@dataclass(frozen=True, kw_only=True)
class StartConfirmed(CaseFact):
    """The project has started (X18). Instants of the first report and of the project's end follow from it."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.start-confirmed.v1"
    version: int
    """the decision that began the grant"""
    started_at: datetime
    late: bool
    """after the first due instant, within an extension"""
    first_report_ask_at: datetime
    ends_at: datetime
    final_report_due_at: datetime
    invoicing_due_at: datetime


@dataclass(frozen=True, kw_only=True)
class LossProposed(CaseFact):
    """The award is about to be lost; an adviser must confirm. `outcome`: lapsed or not_accepted."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.loss-proposed.v1"
    n: int
    outcome: str


@dataclass(frozen=True, kw_only=True)
class LossDecided(CaseFact):
    """An adviser confirmed the loss, or kept the award (`confirmed` false)."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.loss-decided.v1"
    n: int
    outcome: str
    confirmed: bool
    decided_by: UUID
    holder_id: UUID
    accept_due_at: datetime | None = None
    """where the award is kept: by when the holder must act now, and when the award lapses otherwise"""
    acceptance_lapses_at: datetime | None = None
    start_due_at: datetime | None = None
    start_lapses_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ReserveOffered(CaseFact):
    """Freed money is offered to the first on the panel's reserve list; an adviser must confirm the move."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.reserve-offered.v1"
    n: int
    amount: int
    freed_by: UUID | None


@dataclass(frozen=True, kw_only=True)
class ReserveMoveDecided(CaseFact):
    """The adviser confirmed the move (a decision round `decision_round_id` follows) or let the place wait."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.reserve-move-decided.v1"
    n: int
    confirmed: bool
    decision_round_id: str | None


@dataclass(frozen=True, kw_only=True)
class ReserveExpired(CaseFact):
    """The place on the reserve list ended without an award."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.reserve-expired.v1"


@dataclass(frozen=True, kw_only=True)
class ReportRequested(CaseFact):
    """A report is asked for. `kind`: yearly or final; `n` counts them, `attempt` its returns."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.report-requested.v1"
    kind: str
    n: int
    attempt: int
    due_at: datetime
    next_ask_at: datetime | None
    holder_id: UUID


@dataclass(frozen=True, kw_only=True)
class ReportSubmitted(CaseFact):
    """The holder delivered the report."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.report-submitted.v1"
    kind: str
    n: int
    attempt: int
    late: bool


@dataclass(frozen=True, kw_only=True)
class ReportJudged(CaseFact):
    """The adviser approved or returned the report; returned: the holder mends it by `mend_due_at`."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.report-judged.v1"
    kind: str
    n: int
    attempt: int
    outcome: str
    mend_due_at: datetime | None
    holder_id: UUID


@dataclass(frozen=True, kw_only=True)
class ChangeAsked(CaseFact):
    """A change is asked for; `kind`: leader, plan, budget or end_date."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.change-asked.v1"
    n: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class ChangeDecided(CaseFact):
    """The change is granted or refused; a new leader or end is named here."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.change-decided.v1"
    n: int
    kind: str
    granted: bool
    asked_by: UUID
    holder_id: UUID
    """the project leader after the decision"""
    ends_at: datetime | None
    final_report_due_at: datetime | None
    invoicing_due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class InvoiceRegistered(CaseFact):
    """The trust's invoice is registered; `last` closes the invoicing."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.invoice-registered.v1"
    amount: int
    invoiced_on: date
    last: bool


@dataclass(frozen=True, kw_only=True)
class InvoicingExpired(CaseFact):
    """The time for invoices is over, and the trust has not said that no more will come."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.invoicing-expired.v1"


@dataclass(frozen=True, kw_only=True)
class GrantClosed(CaseFact):
    """The final report is approved; `invoicing_until`: until when the trust may still invoice, if it may."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.grant-closed.v1"
    invoicing_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class ComplaintReceived(CaseFact):
    """The institution complains over the procedure within the window."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.complaint-received.v1"
    n: int
    version: int
    """the decision complained of"""


@dataclass(frozen=True, kw_only=True)
class ComplaintDecided(CaseFact):
    """The complaint is answered; upheld names the stage to return to (assessment or decision)."""

    TYPE: ClassVar[str] = "no.innoflyt.funding.complaint-decided.v1"
    n: int
    upheld: bool
    stage: str | None
    holder_id: UUID
    organisation: str
