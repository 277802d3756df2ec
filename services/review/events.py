"""The facts review publishes on `review.events`.

Key: the application id where the fact has one, else the call id. A fact of a panel round about one case that
is assessed again carries that `application_id`; the round of a whole panel carries None there.
"""

# Longer than 300 lines because the facts of a service are one list, and a reader looks for one by its name.

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from services.common.record import Fact


@dataclass(frozen=True, kw_only=True)
class CaseFact(Fact):
    """What every fact of one application carries; key: the application id."""

    application_id: UUID
    call_id: str


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Who a task or mail is for: one person, or a role (of one organisation, if named)."""

    role: str
    organisation: str | None = None
    person_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rung of a task's ladder, as an absolute instant."""

    n: int
    kind: str
    """reminder | escalation"""
    at: datetime


@dataclass(frozen=True, kw_only=True)
class TaskFact(Fact):
    """What every fact of one task carries."""

    task_id: UUID
    kind: str
    subject: str
    n: str
    call_id: str
    application_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class TaskOpened(TaskFact):
    """A person is waited for. Starts `task:{task_id}`."""

    TYPE: ClassVar[str] = "no.innoflyt.review.task-opened.v1"
    audience: Audience
    opened_at: datetime
    due_at: datetime
    ladder: list[Step]
    act_path: str


@dataclass(frozen=True, kw_only=True)
class TaskClosed(TaskFact):
    """Nobody is waited for any more; `outcome` is done or cancelled."""

    TYPE: ClassVar[str] = "no.innoflyt.review.task-closed.v1"
    outcome: str
    closed_at: datetime


@dataclass(frozen=True, kw_only=True)
class TaskPaused(TaskFact):
    """The other side owes an answer, so the task's clock stands still."""

    TYPE: ClassVar[str] = "no.innoflyt.review.task-paused.v1"
    paused_at: datetime


@dataclass(frozen=True, kw_only=True)
class TaskMoved(TaskFact):
    """The task has a new due instant and ladder (after a pause, an extension, a moved deadline, a kept
    award); it runs."""

    TYPE: ClassVar[str] = "no.innoflyt.review.task-moved.v1"
    due_at: datetime
    ladder: list[Step]
    cause: str
    """resumed | extended | deadline_moved | kept"""


@dataclass(frozen=True, kw_only=True)
class TaskHandedOver(TaskFact):
    """Somebody else is waited for now."""

    TYPE: ClassVar[str] = "no.innoflyt.review.task-handed-over.v1"
    audience: Audience


@dataclass(frozen=True, kw_only=True)
class TaskReminded(TaskFact):
    """A reminder of the ladder fell due and the task was still open and running."""

    TYPE: ClassVar[str] = "no.innoflyt.review.task-reminded.v1"
    step: int
    to: list[Audience]
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class TaskEscalated(TaskFact):
    """An escalation of the ladder fell due and the task was still open and running."""

    TYPE: ClassVar[str] = "no.innoflyt.review.task-escalated.v1"
    step: int
    level: int
    to: list[Audience]
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class PrescreeningDecided(CaseFact):
    """The trust's pre-screening; `outcome` is recommended, not_recommended or returned."""

    TYPE: ClassVar[str] = "no.innoflyt.review.prescreening-decided.v1"
    version: int
    outcome: str
    decided_by: UUID


@dataclass(frozen=True, kw_only=True)
class ClarificationAnswered(CaseFact):
    """A draft's clarification is answered: covered, adjust or feasible (X15)."""

    TYPE: ClassVar[str] = "no.innoflyt.review.clarification-answered.v1"
    clarification_id: UUID
    n: int
    organisation: str
    outcome: str
    answered_by: UUID


@dataclass(frozen=True, kw_only=True)
class ConsultationAnswered(CaseFact):
    """A consultation is answered: covered, adjust or feasible; `adjust` becomes a condition of an award."""

    TYPE: ClassVar[str] = "no.innoflyt.review.consultation-answered.v1"
    organisation: str
    outcome: str
    answered_by: UUID


@dataclass(frozen=True, kw_only=True)
class ConsultationWaived(CaseFact):
    """The organisation's answer is overdue, and an adviser lets the case go on without it, flagged."""

    TYPE: ClassVar[str] = "no.innoflyt.review.consultation-waived.v1"
    organisation: str
    waived_by: UUID


@dataclass(frozen=True, kw_only=True)
class QuestionAsked(CaseFact):
    """A question stands on the case; `task_id` is the task that waits for its answer, if any."""

    TYPE: ClassVar[str] = "no.innoflyt.review.question-asked.v1"
    question_id: UUID
    task_id: UUID | None
    asked_by: UUID
    asked_of: Audience


@dataclass(frozen=True, kw_only=True)
class QuestionAnswered(CaseFact):
    """The question on the case has its answer."""

    TYPE: ClassVar[str] = "no.innoflyt.review.question-answered.v1"
    question_id: UUID
    task_id: UUID | None
    asked_by: UUID
    answered_by: UUID


@dataclass(frozen=True, kw_only=True)
class RoundEntered(CaseFact):
    """The case is ready for its panel."""

    TYPE: ClassVar[str] = "no.innoflyt.review.round-entered.v1"
    panel: str
    flags: list[str]
    """What is missing when a straggler goes on: formal_check, prescreening, consultation_<org>."""


@dataclass(frozen=True, kw_only=True)
class CaseUnassessed(CaseFact):
    """The case lives, and its panel went on without it: it came too late, or was away and is back.

    It is assessed in a round of its own, which may be by the same members.
    """

    TYPE: ClassVar[str] = "no.innoflyt.review.case-unassessed.v1"


@dataclass(frozen=True, kw_only=True)
class RoundComplete(Fact):
    """Every live case of the call entered its round, or the straggler instant passed; key: the call id."""

    TYPE: ClassVar[str] = "no.innoflyt.review.round-complete.v1"
    call_id: str
    straggler_ids: list[UUID]


@dataclass(frozen=True, kw_only=True)
class AccessGranted(CaseFact):
    """A committee member may read the application's content."""

    TYPE: ClassVar[str] = "no.innoflyt.review.access-granted.v1"
    person_id: UUID


@dataclass(frozen=True, kw_only=True)
class AccessRevoked(CaseFact):
    """The member may no longer read it (handed over, stood down)."""

    TYPE: ClassVar[str] = "no.innoflyt.review.access-revoked.v1"
    person_id: UUID


@dataclass(frozen=True, kw_only=True)
class ConflictDeclared(CaseFact):
    """The person has a conflict of interest: from now on the case does not exist for them (fvl. ch. II)."""

    TYPE: ClassVar[str] = "no.innoflyt.review.conflict-declared.v1"
    person_id: UUID


@dataclass(frozen=True, kw_only=True)
class PanelFact(Fact):
    """What every fact of a panel round carries: `{call_id}.{panel}`, or `{application_id}.r{n}` for one."""

    round_id: str
    call_id: str
    panel: str
    application_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class ConflictsDeclared(PanelFact):
    """One member has declared on every case of the round."""

    TYPE: ClassVar[str] = "no.innoflyt.review.conflicts-declared.v1"
    person_id: UUID


@dataclass(frozen=True, kw_only=True)
class ConflictsSettled(PanelFact):
    """Every member has declared; `quorum` false: stand-ins are needed first."""

    TYPE: ClassVar[str] = "no.innoflyt.review.conflicts-settled.v1"
    quorum: bool


@dataclass(frozen=True, kw_only=True)
class StandInsNamed(PanelFact):
    """An adviser named members for the round; they declare conflicts next."""

    TYPE: ClassVar[str] = "no.innoflyt.review.stand-ins-named.v1"
    named_by: UUID


@dataclass(frozen=True, kw_only=True)
class PitchInvited(CaseFact):
    """The applicant is invited to pitch before the panel."""

    TYPE: ClassVar[str] = "no.innoflyt.review.pitch-invited.v1"
    holder_id: UUID


@dataclass(frozen=True, kw_only=True)
class ScoresLocked(PanelFact):
    """One member has locked their own scores on all their cases."""

    TYPE: ClassVar[str] = "no.innoflyt.review.scores-locked.v1"
    person_id: UUID


@dataclass(frozen=True, kw_only=True)
class ScoresComplete(PanelFact):
    """Every member has locked; the meeting can be held."""

    TYPE: ClassVar[str] = "no.innoflyt.review.scores-complete.v1"


@dataclass(frozen=True, kw_only=True)
class MeetingHeld(PanelFact):
    """The panel has met: thresholds, ranking and allocation are stored."""

    TYPE: ClassVar[str] = "no.innoflyt.review.meeting-held.v1"


@dataclass(frozen=True, kw_only=True)
class CaseRecommended(CaseFact):
    """The panel's signed recommendation for one case (innstilling).

    `outcome` is awarded, reserve, declined_ranking, declined_threshold or referred; `rank` counts from 1
    among those above the threshold; `averages` by criterion code.
    """

    TYPE: ClassVar[str] = "no.innoflyt.review.case-recommended.v1"
    round_id: str
    panel: str
    outcome: str
    amount: int
    rank: int | None
    averages: dict[str, float]
    conditions: list[str]
    """adjusted_plan_HP and the like"""


@dataclass(frozen=True, kw_only=True)
class RecommendationSigned(PanelFact):
    """The chair signed; `application_ids` are the cases it holds, in one transaction with their facts."""

    TYPE: ClassVar[str] = "no.innoflyt.review.recommendation-signed.v1"
    signed_by: UUID | None
    """None: the panel had no case to recommend on"""
    application_ids: list[UUID]
