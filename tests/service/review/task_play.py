"""What the tests of tasks have in common: a call with a short ladder, and facts of the other services."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from services.funding import events as funding
from services.intake import events as intake
from tests.service.review.case_play import FAR, CasePlay, ladder_of
from tests.service.review.panel_play import CALL
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


SHORT = [
    ("reminder", "-PT1H", ["audience"]),
    ("reminder", "PT1H", ["audience"]),
    ("escalation", "PT2H", ["lead"]),
    ("escalation", "PT3H", ["rhf_adviser", "hf_adviser"]),
]


async def short_call(play: CasePlay, **changes: object) -> uuid.UUID:
    """A consultation due in ten hours, with two reminders and two escalations; the case to consult on."""
    await play.begin(tasks=ladder_of(kinds.CONSULT, due="PT10H", steps=SHORT), **changes)
    return await play.submit("a", category="service", touches=["HP"])


async def consult(play: CasePlay, application_id: uuid.UUID) -> uuid.UUID:
    return await play.open(kinds.CONSULT, application_id, "HP", role="consultant", organisation="HP")


def plan_judged(case: uuid.UUID) -> funding.PlanJudged:
    return funding.PlanJudged(application_id=case, call_id=CALL, organisation="HP", n=1, outcome="confirmed")


async def holder_of(play: CasePlay, case: uuid.UUID, person: Callable[..., Person]) -> Person:
    """Somebody who can sign in, made the holder of the case."""
    made = person()
    await play.owner.execute("update cases set holder_id = $2 where id = $1", case, made.id)
    await play.owner.execute(
        "update question set of_person = $2 where application_id = $1 and of_role = 'holder'", case, made.id
    )
    return made


async def request_endorsement(play: CasePlay, n: int, endorser: uuid.UUID | None = None) -> uuid.UUID:
    draft = uuid.uuid5(uuid.NAMESPACE_DNS, f"draft-{n}.test")
    await play.deliver(
        intake.EndorsementRequested(
            application_id=draft,
            call_id=CALL,
            endorsement_id=uuid.uuid4(),
            n=n,
            position="clinic_head",
            organisation="HMR",
            person_id=endorser or uuid.uuid4(),
            holder_id=uuid.uuid4(),
            title=f"Draft {n}",
        ),
        str(draft),
    )
    return kinds.task_id(str(draft), kinds.ENDORSE_DRAFT, str(n))


def _fact(of: type, **more: object) -> Callable[[uuid.UUID], object]:
    return lambda case: of(application_id=case, call_id=CALL, **more)


FACTS: dict[str, Callable[[uuid.UUID], object]] = {
    "withdraw": _fact(intake.ApplicationWithdrawn, withdrawn_by=uuid.uuid4(), undo_until=FAR),
    "undo_withdrawal": _fact(intake.WithdrawalUndone, undone_by=uuid.uuid4()),
    "reject": _fact(
        intake.ApplicationRejected, version=1, rules=["X08"], decided_by=uuid.uuid4(), undo_until=FAR
    ),
    "undo_rejection": _fact(intake.RejectionUndone, version=1, decided_by=uuid.uuid4()),
    "expire": _fact(intake.ApplicationExpired),
}


def extension_decided(case: uuid.UUID, start_due_at: datetime, *, granted: bool = True) -> object:
    return funding.ExtensionDecided(
        application_id=case,
        call_id=CALL,
        n=1,
        version=1,
        granted=granted,
        start_due_at=start_due_at,
        start_lapses_at=start_due_at + 10 * DAY,
        holder_id=uuid.uuid4(),
    )
