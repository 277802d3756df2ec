"""The facts intake publishes on `intake.events` (and people's contacts on `intake.contacts`).

Key: the application id; the call id for `call-*` and `deadline-*`; the person id for contacts.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from services.common.record import Fact
from services.intake.events.call_definition import CallDefinition

__all__ = ["CallDefinition"]


@dataclass(frozen=True, kw_only=True)
class CallPublished(Fact):
    """A call is published; key: the call id. `definition` is a `CallDefinition` as JSON."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.call-published.v1"
    call_id: str
    opens_at: datetime
    deadline: datetime
    closes_at: datetime
    draft_warnings: list[datetime]
    straggler_at: datetime
    definition: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class DeadlineMoved(Fact):
    """The common deadline moved, for everyone at once; key: the call id."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.deadline-moved.v1"
    call_id: str
    deadline: datetime
    closes_at: datetime
    draft_warnings: list[datetime]
    straggler_at: datetime
    holder_ids: list[UUID]


@dataclass(frozen=True, kw_only=True)
class CallClosed(Fact):
    """The call no longer receives; key: the call id. `application_ids`: every case that is then alive."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.call-closed.v1"
    call_id: str
    closed_at: datetime
    application_ids: list[UUID]


@dataclass(frozen=True, kw_only=True)
class CaseFact(Fact):
    """What every fact of one application carries; key: the application id."""

    application_id: UUID
    call_id: str


@dataclass(frozen=True, kw_only=True)
class DraftWarned(CaseFact):
    """An unsubmitted draft's holder is to be warned of the deadline."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.draft-warned.v1"
    holder_id: UUID
    n: int
    deadline: datetime


@dataclass(frozen=True, kw_only=True)
class DraftClosed(CaseFact):
    """The call closed, and this draft had not been submitted."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.draft-closed.v1"
    holder_id: UUID
    deadline: datetime


@dataclass(frozen=True, kw_only=True)
class EndorsementRequested(CaseFact):
    """A leader is asked to endorse a draft (X31). `n` numbers the requests of one application."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.endorsement-requested.v1"
    endorsement_id: UUID
    n: int
    position: str
    organisation: str
    person_id: UUID
    holder_id: UUID
    title: str


@dataclass(frozen=True, kw_only=True)
class EndorsementDecided(CaseFact):
    """A leader answered, or need not any more; `outcome` is endorsed, declined or voided.

    `cause` of what is voided: changed (what was endorsed), submitted (without it), reassigned (the leader has
    signed in and is asked again), cancelled.
    """

    TYPE: ClassVar[str] = "no.innoflyt.intake.endorsement-decided.v1"
    endorsement_id: UUID
    n: int
    position: str
    person_id: UUID
    holder_id: UUID
    outcome: str
    cause: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClarificationAsked(CaseFact):
    """A draft's holder asks an organisation whether the idea is covered or feasible (X14)."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.clarification-asked.v1"
    clarification_id: UUID
    n: int
    organisation: str
    holder_id: UUID
    title: str


@dataclass(frozen=True, kw_only=True)
class ApplicationSubmitted(CaseFact):
    """A version of an application is received; `version` 1 is the first, higher ones follow a return.

    Amounts are whole NOK. `findings` are the ids of the rules the applicant acknowledged. `touches` names the
    organisations to be consulted.
    """

    TYPE: ClassVar[str] = "no.innoflyt.intake.application-submitted.v1"
    version: int
    case_number: str
    submitted_at: datetime
    category: str
    panel: str
    organisation: str
    title: str
    holder_id: UUID
    editor_ids: list[UUID]
    amount: int
    total_budget: int
    priority_areas: list[str]
    patient_groups: list[str]
    touches: list[str]
    findings: list[str]
    after_internal_deadline: bool
    statement: str


@dataclass(frozen=True, kw_only=True)
class SubmissionInTime(CaseFact):
    """The common deadline moved, and with it the trust's own: the first version was not late after all."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.submission-in-time.v1"


@dataclass(frozen=True, kw_only=True)
class FormalCheckPassed(CaseFact):
    """The version holds the formal rules, or an adviser found that it does. `decided_by` None: no
    findings."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.formal-check-passed.v1"
    version: int
    decided_by: UUID | None


@dataclass(frozen=True, kw_only=True)
class RejectionProposed(CaseFact):
    """The version breaks formal rules; a person must confirm the rejection (X11)."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.rejection-proposed.v1"
    version: int
    rules: list[str]


@dataclass(frozen=True, kw_only=True)
class ApplicationRejected(CaseFact):
    """An adviser confirmed the rejection (avvist); until `undo_until` the trust may complain, and it can be
    undone."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.application-rejected.v1"
    version: int
    rules: list[str]
    decided_by: UUID
    undo_until: datetime


@dataclass(frozen=True, kw_only=True)
class RejectionUndone(CaseFact):
    """A mistaken rejection was undone within the window; the version counts as passed.

    `state` the case is in then: submitted, or returned or not_recommended, as the trust has said meanwhile.
    """

    TYPE: ClassVar[str] = "no.innoflyt.intake.rejection-undone.v1"
    version: int
    decided_by: UUID
    state: str = "submitted"


@dataclass(frozen=True, kw_only=True)
class ApplicationReturned(CaseFact):
    """Intake handed the case back to its holder: an attachment was refused before the common deadline."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.application-returned.v1"
    version: int
    cause: str


@dataclass(frozen=True, kw_only=True)
class ApplicationWithdrawn(CaseFact):
    """The holder withdrew; can be undone until `undo_until`."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.application-withdrawn.v1"
    withdrawn_by: UUID
    undo_until: datetime


@dataclass(frozen=True, kw_only=True)
class WithdrawalUndone(CaseFact):
    """The withdrawal was undone within the window; `state` as of a rejection that was undone."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.withdrawal-undone.v1"
    undone_by: UUID
    state: str = "submitted"


@dataclass(frozen=True, kw_only=True)
class ApplicationExpired(CaseFact):
    """A returned case was not submitted again by the common deadline."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.application-expired.v1"


@dataclass(frozen=True, kw_only=True)
class AttachmentCleaned(CaseFact):
    """An attachment passed every check and can be downloaded."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.attachment-cleaned.v1"
    attachment_id: UUID
    kind: str


@dataclass(frozen=True, kw_only=True)
class AttachmentRefused(CaseFact):
    """An attachment was refused; `reason` is a code (infected, active_content, wrong_type, too_large,
    unreadable)."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.attachment-refused.v1"
    attachment_id: UUID
    kind: str
    reason: str
    holder_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactChanged(Fact):
    """A person or role mailbox as others may reach them; key: the person id; the newest one counts."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.contact-changed.v1"
    TOPIC: ClassVar[str] = "intake.contacts"
    person_id: UUID
    kind: str
    """person | mailbox"""
    name: str
    email: str
    language: str
    organisation: str | None
    roles: list[str] = field(default_factory=list)
    deputy_id: UUID | None = None
    invitation_token: str | None = None
    signed_in: bool = True
    """false: known by address alone, until they take their invitation and are another person id"""


@dataclass(frozen=True, kw_only=True)
class ContactDeleted(Fact):
    """The person is to be forgotten; published as a tombstone (no value)."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.contact-deleted.v1"
    TOPIC: ClassVar[str] = "intake.contacts"
    TOMBSTONE: ClassVar[bool] = True
    person_id: UUID
