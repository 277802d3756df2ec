"""The one table of who is told what: every fact of the other services, with its mails or the reason for
none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.common.errors import Malformed
from services.common.record import Fact
from services.funding import events as funding
from services.intake import events as intake
from services.notify import events as notify
from services.notify.domain import Audience, CaseFile
from services.review import events as review

To = Literal[
    "holder",  # the fact's holder_id, else the case's
    "editors",  # the case's co-editors
    "hf_adviser",  # of the case's trust
    "institution",  # the signers of the case's trust
    "holders",  # the fact's holder_ids
    "person",  # the fact's person_id
    "asker",  # the fact's asked_by
    "audience",  # the fact's audience
    "recipients",  # the fact's list `to`
    "task_audience",  # whoever the fact's task is waiting for
]
Link = Literal["case", "task", "call", "invitation"]

# Told as those who have a task; their deputies are told too.
_BY_TASK: frozenset[To] = frozenset({"audience", "recipients", "task_audience"})


@dataclass(frozen=True)
class Mail:
    """A mail to these recipients. `by` names the field of the fact whose value picks among `templates`.

    `never`: the values of a field with which the fact is no news to anybody. `also`: the same fact in other
    words to others; whoever is among both gets the first.
    """

    to: tuple[To, ...]
    template: str = ""
    by: str = ""
    templates: Mapping[str, str] = field(default_factory=dict)
    link: Link = "case"
    never: Mapping[str, frozenset[str]] = field(default_factory=dict)
    also: "Mail | None" = None

    @property
    def mails(self) -> tuple["Mail", ...]:
        return (self, *(self.also.mails if self.also else ()))

    def is_news(self, data: Mapping[str, Any]) -> bool:
        return all(data.get(name) not in values for name, values in self.never.items())

    def template_for(self, data: Mapping[str, Any]) -> str:
        """The template for this fact; Malformed for a value that the table does not know."""
        if not self.by:
            return self.template
        value = str(data.get(self.by)).lower()
        if value not in self.templates:
            raise Malformed(f"{self.by} = {value!r}: no mail is written for this value")
        return self.templates[value]

    @property
    def all_templates(self) -> tuple[str, ...]:
        return tuple(self.templates.values()) if self.by else (self.template,)

    @property
    def needs_case(self) -> bool:
        """Whether recipients or text come from the case."""
        return self.link in ("case", "task")

    @property
    def reaches_deputies(self) -> bool:
        return any(to in _BY_TASK for to in self.to)

    def audiences(
        self, data: Mapping[str, Any], case: CaseFile | None, task: Audience | None
    ) -> list[Audience]:
        """Whom this mail goes to, as persons and roles; the address book knows who they are."""
        found: list[Audience] = []
        for to in self.to:
            found += _audiences(to, data, case, task)
        return found


@dataclass(frozen=True)
class NoMail:
    """Nobody is written to, because ..."""

    because: str


def _audiences(
    to: To, data: Mapping[str, Any], case: CaseFile | None, task: Audience | None
) -> list[Audience]:
    match to:
        case "holder":
            return [_applicant(data.get("holder_id") or (case.holder_id if case else None))]
        case "editors":
            return [_applicant(each) for each in case.editor_ids] if case else []
        case "hf_adviser" | "institution":
            return [Audience(to, case.organisation)] if case and case.organisation else []
        case "holders":
            return [_applicant(each) for each in data["holder_ids"]]
        case "person":
            return [_person(data["person_id"])]
        case "asker":
            asker = _person(data["asked_by"])
            return [_applicant(asker.person_id) if case and asker.person_id in case.applicants else asker]
        case "audience":
            return [_of_case(Audience.of(data["audience"]), case)]
        case "recipients":
            return [_of_case(Audience.of(each), case) for each in data["to"]]
        case "task_audience":
            return [_of_case(task, case)] if task else []


def _person(person_id: object) -> Audience:
    return Audience.of({"role": "person", "person_id": person_id})


def _applicant(person_id: object) -> Audience:
    return Audience.of({"role": "holder", "person_id": person_id})


def _of_case(audience: Audience, case: CaseFile | None) -> Audience:
    """`holder` is a role of the case, not of the address book."""
    if audience.role == "holder" and audience.person_id is None and case is not None:
        return _applicant(case.holder_id)
    return audience


_A_TASK_TELLS = "the task that it opens tells whoever must act"
_WITHIN = "a step within the committee; the tasks tell its members"
_LETTER_TELLS = "the decision letter tells"
_STATUS_SHOWS = "nothing is asked of anybody; the status page shows it"
_HOLDERS: tuple[To, ...] = ("holder", "editors")

TELLING: Mapping[type[Fact], Mail | NoMail] = {
    intake.CallPublished: NoMail("the funder announces its calls in public; nobody has a case yet"),
    intake.DeadlineMoved: Mail(("holders",), "deadline-moved", link="call"),
    intake.CallClosed: NoMail("what it means for a case is told by facts of that case"),
    intake.DraftWarned: Mail(("holder",), "draft-warned"),
    intake.DraftClosed: Mail(("holder",), "draft-closed"),
    intake.EndorsementRequested: NoMail(_A_TASK_TELLS),
    intake.EndorsementDecided: Mail(
        ("holder",),
        by="outcome",
        templates={
            "endorsed": "endorsement-endorsed",
            "declined": "endorsement-declined",
            "voided": "endorsement-voided",
        },
        # The holder did that, or need not do anything about it.
        never={"cause": frozenset({"submitted", "reassigned", "cancelled"})},
    ),
    intake.ClarificationAsked: NoMail(_A_TASK_TELLS),
    intake.ApplicationSubmitted: Mail(_HOLDERS, "receipt"),
    intake.SubmissionInTime: NoMail("the trust may return it now, which would be told then"),
    intake.FormalCheckPassed: NoMail(_STATUS_SHOWS),
    intake.RejectionProposed: NoMail("a person decides first; " + _A_TASK_TELLS),
    intake.ApplicationRejected: Mail((*_HOLDERS, "hf_adviser", "institution"), "application-rejected"),
    intake.RejectionUndone: Mail((*_HOLDERS, "hf_adviser"), "rejection-undone"),
    intake.ApplicationReturned: Mail(_HOLDERS, "application-returned"),
    intake.ApplicationWithdrawn: Mail((*_HOLDERS, "hf_adviser"), "application-withdrawn"),
    intake.WithdrawalUndone: Mail((*_HOLDERS, "hf_adviser"), "withdrawal-undone"),
    intake.ApplicationExpired: Mail((*_HOLDERS, "hf_adviser"), "application-expired"),
    intake.AttachmentCleaned: NoMail(_STATUS_SHOWS),
    intake.AttachmentRefused: Mail(("holder",), "attachment-refused"),
    intake.ContactChanged: Mail(("person",), "invitation", link="invitation"),
    intake.ContactDeleted: NoMail("the person is forgotten"),
    review.TaskOpened: Mail(("audience",), "task-opened", link="task"),
    review.TaskClosed: NoMail("nothing is asked of anybody any more"),
    review.TaskPaused: NoMail("the clock stands still; the question itself is told by its own task"),
    review.TaskMoved: Mail(("task_audience",), "task-moved", link="task"),
    review.TaskHandedOver: Mail(("audience",), "task-handed-over", link="task"),
    review.TaskReminded: Mail(("recipients",), "task-reminded", link="task"),
    review.TaskEscalated: Mail(("recipients",), "task-escalated", link="task"),
    review.PrescreeningDecided: Mail(
        _HOLDERS,
        by="outcome",
        templates={
            "recommended": "prescreening-recommended",
            "not_recommended": "prescreening-not_recommended",
            "returned": "prescreening-returned",
        },
    ),
    review.ClarificationAnswered: Mail(("holder",), "clarification-answered"),
    review.ConsultationAnswered: NoMail("it is advice to the committee; " + _LETTER_TELLS),
    review.ConsultationWaived: NoMail(
        "nobody waits for the answer any more; the panel sees that it is missing"
    ),
    review.QuestionAsked: NoMail(_A_TASK_TELLS),
    review.QuestionAnswered: Mail(("asker",), "question-answered"),
    review.RoundEntered: NoMail(_STATUS_SHOWS),
    review.CaseUnassessed: NoMail(_A_TASK_TELLS),
    review.RoundComplete: NoMail(_WITHIN),
    review.AccessGranted: NoMail(_WITHIN),
    review.AccessRevoked: NoMail(_WITHIN),
    review.ConflictDeclared: NoMail("from now on the case does not exist for that person"),
    review.ConflictsDeclared: NoMail(_WITHIN),
    review.ConflictsSettled: NoMail(_WITHIN),
    review.StandInsNamed: NoMail(_WITHIN),
    review.PitchInvited: Mail(_HOLDERS, "pitch-invited"),
    review.ScoresLocked: NoMail(_WITHIN),
    review.ScoresComplete: NoMail(_WITHIN),
    review.MeetingHeld: NoMail(_WITHIN),
    review.CaseRecommended: NoMail("a recommendation is not a decision; " + _LETTER_TELLS),
    review.RecommendationSigned: NoMail(_A_TASK_TELLS),
    funding.DecisionsPrepared: NoMail(_A_TASK_TELLS),
    funding.DecisionsSentBack: NoMail(_A_TASK_TELLS),
    funding.DecisionsTaken: NoMail(_LETTER_TELLS),
    funding.CaseDecided: NoMail(_LETTER_TELLS),
    funding.LeaderMeetingPresented: NoMail("the presentation is shown in the meeting itself"),
    funding.LetterSent: Mail(
        (*_HOLDERS, "institution"),
        by="outcome",
        templates={
            "awarded": "letter-awarded",
            "reserve": "letter-reserve",
            "declined_ranking": "letter-declined_ranking",
            "declined_threshold": "letter-declined_threshold",
            "referred": "letter-referred",
        },
        also=Mail(
            ("hf_adviser",),
            by="outcome",
            templates={"referred": "letter-referred-adviser"},
            never={"outcome": frozenset({"awarded", "reserve", "declined_ranking", "declined_threshold"})},
        ),
    ),
    funding.AwardMade: NoMail(_LETTER_TELLS + ", and the task to answer the award"),
    funding.RoundPublished: Mail(("holders",), "round-published", link="call"),
    funding.KickoffPlanned: Mail(("holder",), "kickoff-planned"),
    funding.AwardAnswered: Mail(
        (*_HOLDERS, "hf_adviser"),
        by="outcome",
        templates={"accepted": "award-accepted", "refused": "award-refused"},
    ),
    funding.PlanDelivered: NoMail(_A_TASK_TELLS),
    funding.PlanJudged: Mail(
        _HOLDERS, by="outcome", templates={"confirmed": "plan-confirmed", "returned": "plan-returned"}
    ),
    funding.ExtensionAsked: NoMail(_A_TASK_TELLS),
    funding.ExtensionDecided: Mail(
        _HOLDERS, by="granted", templates={"true": "extension-granted", "false": "extension-refused"}
    ),
    funding.StartConfirmed: Mail((*_HOLDERS, "hf_adviser"), "start-confirmed"),
    funding.LossProposed: NoMail("a person decides first; the ladder has told the holder what is at stake"),
    funding.LossDecided: Mail(
        (*_HOLDERS, "hf_adviser"),
        by="confirmed",
        templates={"true": "loss-confirmed", "false": "award-kept"},
    ),
    funding.ReserveOffered: NoMail(_A_TASK_TELLS),
    funding.CaseLeftOut: NoMail(_A_TASK_TELLS),
    funding.ReserveMoveDecided: NoMail(_LETTER_TELLS),
    funding.ReserveExpired: Mail(_HOLDERS, "reserve-expired"),
    funding.ReportRequested: NoMail(_A_TASK_TELLS),
    funding.ReportSubmitted: NoMail(_A_TASK_TELLS),
    funding.ReportJudged: Mail(
        _HOLDERS, by="outcome", templates={"approved": "report-approved", "returned": "report-returned"}
    ),
    funding.ChangeAsked: NoMail(_A_TASK_TELLS),
    funding.ChangeDecided: Mail(
        (*_HOLDERS, "asker"), by="granted", templates={"true": "change-granted", "false": "change-refused"}
    ),
    funding.InvoiceRegistered: NoMail("whoever registered it knows"),
    funding.InvoicingExpired: Mail(("institution",), "invoicing-expired"),
    funding.GrantClosed: Mail((*_HOLDERS, "hf_adviser", "institution"), "grant-closed"),
    funding.ComplaintReceived: Mail((*_HOLDERS, "institution"), "complaint-received"),
    funding.ComplaintDecided: Mail(
        (*_HOLDERS, "institution"),
        by="upheld",
        templates={"true": "complaint-upheld", "false": "complaint-dismissed"},
    ),
    notify.MessageFailed: NoMail("an adviser's task follows, which tells"),
}

OF_WORKFLOWS: Mapping[str, NoMail] = {
    "no.innoflyt.workflows.fact-arrived-late.v1": NoMail("an adviser's task follows, which tells"),
}
"""Facts of the workflows, by type: services do not import what workflows define."""

BY_TYPE: Mapping[str, type[Fact]] = {fact.TYPE: fact for fact in TELLING}

ASKING = tuple(fact.TYPE for fact, mail in TELLING.items() if isinstance(mail, Mail) and mail.link == "task")
"""Facts whose mails ask somebody to act on a task: once it is closed they are not wanted any more."""
