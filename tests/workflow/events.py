"""The services' facts as workflow tests need them, made by the services' own event classes.

Whatever a person would recognise is filled with canaries, which no history may hold.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from services.common.record import Fact as Event
from services.funding import events as funding
from services.intake import events as intake
from services.review import events as review
from workflows.contracts.facts import Fact, addressed, carried

CANARY = "Kanarifugl"
CALL = "innovation-2023"
ORGANISATION = "STOLAV"
NOK = 750_123
"""An amount that no history may hold either."""


def fact(event: Event, event_id: UUID | None = None) -> Fact:
    """What the starter would tell a workflow of this event."""
    return Fact(str(event_id or uuid4()), event.TYPE, None, carried(event.TYPE, event.to_data()))


def workflow_of(event: Event) -> str:
    return addressed(event.TYPE, event.to_data())[1]


def call_published(
    opens_at: datetime,
    closes_at: datetime,
    warnings: list[datetime],
    straggler_at: datetime,
    panels: list[str],
) -> Event:
    return intake.CallPublished(
        call_id=CALL,
        opens_at=opens_at,
        deadline=closes_at,
        closes_at=closes_at,
        draft_warnings=warnings,
        straggler_at=straggler_at,
        definition={"title": {"nb": CANARY}, "panels": [{"code": code, "pot": NOK} for code in panels]},
    )


class Applicant:
    """Makes the events of one application."""

    def __init__(self, application_id: UUID | None = None) -> None:
        self.id = application_id or uuid4()
        self._case: dict[str, Any] = {"application_id": self.id, "call_id": CALL}

    def submitted(self, version: int = 1, touches: tuple[str, ...] = ()) -> Event:
        return intake.ApplicationSubmitted(
            **self._case,
            version=version,
            case_number="2023-0042",
            submitted_at=datetime.fromisoformat("2023-10-25T12:00:00Z"),
            category="service",
            panel="service_transfer",
            organisation=ORGANISATION,
            title=CANARY,
            holder_id=uuid4(),
            editor_ids=[],
            amount=NOK,
            total_budget=2 * NOK,
            priority_areas=[],
            patient_groups=[],
            touches=list(touches),
            findings=[],
            after_internal_deadline=False,
            statement=CANARY,
        )

    def passed(self, version: int = 1) -> Event:
        return intake.FormalCheckPassed(**self._case, version=version, decided_by=None)

    def rejection_proposed(self, version: int = 1) -> Event:
        return intake.RejectionProposed(**self._case, version=version, rules=["X08"])

    def rejected(self, undo_until: datetime, version: int = 1) -> Event:
        return intake.ApplicationRejected(
            **self._case, version=version, rules=["X08"], decided_by=uuid4(), undo_until=undo_until
        )

    def rejection_undone(self, version: int = 1) -> Event:
        return intake.RejectionUndone(**self._case, version=version, decided_by=uuid4())

    def returned(self, version: int = 1) -> Event:
        return intake.ApplicationReturned(**self._case, version=version, cause="attachment_refused")

    def withdrawn(self, undo_until: datetime) -> Event:
        return intake.ApplicationWithdrawn(**self._case, withdrawn_by=uuid4(), undo_until=undo_until)

    def withdrawal_undone(self) -> Event:
        return intake.WithdrawalUndone(**self._case, undone_by=uuid4())

    def expired(self) -> Event:
        return intake.ApplicationExpired(**self._case)

    def prescreened(self, outcome: str = "recommended", version: int = 1) -> Event:
        return review.PrescreeningDecided(**self._case, version=version, outcome=outcome, decided_by=uuid4())

    def clarified(self, organisation: str) -> Event:
        return review.ClarificationAnswered(
            **self._case,
            clarification_id=uuid4(),
            n=1,
            organisation=organisation,
            outcome="covered",
            answered_by=uuid4(),
        )

    def consulted(self, organisation: str) -> Event:
        return review.ConsultationAnswered(
            **self._case, organisation=organisation, outcome="feasible", answered_by=uuid4()
        )

    def waived(self, organisation: str) -> Event:
        return review.ConsultationWaived(**self._case, organisation=organisation, waived_by=uuid4())

    def entered(self, flags: tuple[str, ...] = ()) -> Event:
        return review.RoundEntered(**self._case, panel="service_transfer", flags=list(flags))

    def unassessed(self) -> Event:
        return review.CaseUnassessed(**self._case)

    def access_granted(self) -> Event:
        return review.AccessGranted(**self._case, person_id=uuid4())

    def recommended(self, round_id: str, outcome: str = "awarded") -> Event:
        return review.CaseRecommended(
            **self._case,
            round_id=round_id,
            panel="service_transfer",
            outcome=outcome,
            amount=NOK,
            rank=1,
            averages={"nytte": 5.25},
            conditions=[],
        )

    def decided(self, outcome: str, version: int = 1) -> Event:
        return funding.CaseDecided(
            **self._case,
            decision_round_id=f"{CALL}.d1",
            version=version,
            outcome=outcome,
            amount=NOK,
            conditions=[],
        )

    def letter(
        self, outcome: str, complaint_until: datetime, reserve_until: datetime | None = None, version: int = 1
    ) -> Event:
        return funding.LetterSent(
            **self._case,
            version=version,
            outcome=outcome,
            amount=NOK,
            conditions=[],
            sent_at=complaint_until,
            complaint_until=complaint_until,
            reserve_until=reserve_until,
            holder_id=uuid4(),
            organisation=ORGANISATION,
        )

    def left_out(self, round_id: str) -> Event:
        return funding.CaseLeftOut(**self._case, decision_round_id=round_id)

    def complained(self, n: int = 1, version: int = 1) -> Event:
        return funding.ComplaintReceived(**self._case, n=n, version=version)

    def answered(self, upheld: bool, stage: str | None = None, n: int = 1) -> Event:
        return funding.ComplaintDecided(
            **self._case, n=n, upheld=upheld, stage=stage, holder_id=uuid4(), organisation=ORGANISATION
        )

    def offered(self, n: int = 1) -> Event:
        return funding.ReserveOffered(**self._case, n=n, amount=NOK, freed_by=uuid4())

    def move_decided(self, confirmed: bool, round_id: str | None, n: int = 1) -> Event:
        return funding.ReserveMoveDecided(**self._case, n=n, confirmed=confirmed, decision_round_id=round_id)

    def reserve_expired(self) -> Event:
        return funding.ReserveExpired(**self._case)


class PanelRound:
    """Makes the events of one panel round."""

    def __init__(self, round_id: str, application_id: UUID | None = None) -> None:
        self.id = round_id
        self._round: dict[str, Any] = {
            "round_id": round_id,
            "call_id": CALL,
            "panel": "service_transfer",
            "application_id": application_id,
        }

    def settled(self, quorum: bool = True) -> Event:
        return review.ConflictsSettled(**self._round, quorum=quorum)

    def stand_ins(self) -> Event:
        return review.StandInsNamed(**self._round, named_by=uuid4())

    def scored(self) -> Event:
        return review.ScoresComplete(**self._round)

    def met(self) -> Event:
        return review.MeetingHeld(**self._round)

    def signed(self, *application_ids: UUID) -> Event:
        return review.RecommendationSigned(
            **self._round, signed_by=uuid4(), application_ids=list(application_ids)
        )


class Decisions:
    """Makes the events of one decision round."""

    def __init__(self, round_id: str, application_id: UUID | None = None) -> None:
        self.id = round_id
        self._round: dict[str, Any] = {
            "decision_round_id": round_id,
            "call_id": CALL,
            "application_id": application_id,
        }

    def prepared(self, by: UUID, attempt: int = 1) -> Event:
        return funding.DecisionsPrepared(**self._round, prepared_by=by, attempt=attempt)

    def sent_back(self, attempt: int = 1) -> Event:
        return funding.DecisionsSentBack(**self._round, sent_back_by=uuid4(), attempt=attempt)

    def taken(self, attempt: int = 1) -> Event:
        return funding.DecisionsTaken(**self._round, decided_by=uuid4(), attempt=attempt)
