"""Facts of review and funding, as they concern the applicant: one function each, by event type."""

from services.common.consumer import Handler, Incoming
from services.common.db import Connection
from services.funding import events as funding
from services.intake.commands import facts
from services.intake.store import status
from services.review import events as review


async def on_prescreening(conn: Connection, event: Incoming) -> None:
    fact = review.PrescreeningDecided.from_data(event.data)
    await facts.prescreening_decided(conn, fact.application_id, fact.version, fact.outcome, event.time)


async def on_clarification(conn: Connection, event: Incoming) -> None:
    fact = review.ClarificationAnswered.from_data(event.data)
    await facts.clarification_answered(
        conn,
        fact.application_id,
        fact.clarification_id,
        fact.organisation,
        fact.outcome,
        fact.answered_by,
        event.time,
    )


async def on_consultation(conn: Connection, event: Incoming) -> None:
    fact = review.ConsultationAnswered.from_data(event.data)
    await facts.note(
        conn,
        fact.application_id,
        "consultation_answered",
        event.time,
        organisation=fact.organisation,
        outcome=fact.outcome,
    )


async def on_waiver(conn: Connection, event: Incoming) -> None:
    fact = review.ConsultationWaived.from_data(event.data)
    await facts.note(
        conn, fact.application_id, "consultation_waived", event.time, organisation=fact.organisation
    )


async def on_question(conn: Connection, event: Incoming) -> None:
    fact = review.QuestionAsked.from_data(event.data)
    of_holder = fact.asked_of.role == "holder"
    await facts.question_asked(conn, fact.application_id, fact.question_id, of_holder, event.time)


async def on_answer(conn: Connection, event: Incoming) -> None:
    fact = review.QuestionAnswered.from_data(event.data)
    await facts.question_answered(conn, fact.application_id, fact.question_id, event.time)


async def on_task_opened(conn: Connection, event: Incoming) -> None:
    fact = review.TaskOpened.from_data(event.data)
    await facts.task_due(conn, fact.task_id, fact.application_id, fact.kind, fact.due_at)


async def on_task_moved(conn: Connection, event: Incoming) -> None:
    fact = review.TaskMoved.from_data(event.data)
    await facts.task_due(conn, fact.task_id, fact.application_id, fact.kind, fact.due_at)


async def on_task_closed(conn: Connection, event: Incoming) -> None:
    await status.drop_due(conn, review.TaskClosed.from_data(event.data).task_id)


async def on_round(conn: Connection, event: Incoming) -> None:
    fact = review.RoundEntered.from_data(event.data)
    await facts.note(conn, fact.application_id, "round_entered", event.time)


async def on_pitch(conn: Connection, event: Incoming) -> None:
    fact = review.PitchInvited.from_data(event.data)
    await facts.note(conn, fact.application_id, "pitch_invited", event.time)


async def on_access(conn: Connection, event: Incoming) -> None:
    fact = review.AccessGranted.from_data(event.data)
    await facts.set_access(conn, fact.application_id, fact.person_id, True, event.time)


async def on_access_revoked(conn: Connection, event: Incoming) -> None:
    fact = review.AccessRevoked.from_data(event.data)
    await facts.set_access(conn, fact.application_id, fact.person_id, False, event.time)


async def on_conflict(conn: Connection, event: Incoming) -> None:
    fact = review.ConflictDeclared.from_data(event.data)
    await facts.declare_conflict(conn, fact.application_id, fact.person_id, event.time)


async def on_decision(conn: Connection, event: Incoming) -> None:
    fact = funding.CaseDecided.from_data(event.data)
    await facts.case_decided(conn, fact.application_id, fact.version, fact.outcome)


async def on_letter(conn: Connection, event: Incoming) -> None:
    fact = funding.LetterSent.from_data(event.data)
    await facts.outcome_reached(
        conn,
        fact.application_id,
        fact.outcome,
        "letter_sent",
        event.time,
        version=fact.version,
        amount=fact.amount,
        complaint_until=fact.complaint_until.isoformat(),
        conditions=list(fact.conditions),
    )


async def on_award_answered(conn: Connection, event: Incoming) -> None:
    fact = funding.AwardAnswered.from_data(event.data)
    await facts.note(conn, fact.application_id, f"award_{fact.outcome}", event.time)


async def on_plan_delivered(conn: Connection, event: Incoming) -> None:
    fact = funding.PlanDelivered.from_data(event.data)
    await facts.note(conn, fact.application_id, "plan_delivered", event.time, organisation=fact.organisation)


async def on_plan_judged(conn: Connection, event: Incoming) -> None:
    fact = funding.PlanJudged.from_data(event.data)
    await facts.note(
        conn, fact.application_id, f"plan_{fact.outcome}", event.time, organisation=fact.organisation
    )


async def on_extension_asked(conn: Connection, event: Incoming) -> None:
    fact = funding.ExtensionAsked.from_data(event.data)
    await facts.note(conn, fact.application_id, "extension_asked", event.time)


async def on_extension_decided(conn: Connection, event: Incoming) -> None:
    fact = funding.ExtensionDecided.from_data(event.data)
    code = "extension_granted" if fact.granted else "extension_refused"
    await facts.note(conn, fact.application_id, code, event.time, start_due_at=fact.start_due_at.isoformat())


async def on_start(conn: Connection, event: Incoming) -> None:
    fact = funding.StartConfirmed.from_data(event.data)
    await facts.note(conn, fact.application_id, "started", event.time, late=fact.late)


async def on_loss(conn: Connection, event: Incoming) -> None:
    fact = funding.LossDecided.from_data(event.data)
    if fact.confirmed:
        await facts.outcome_reached(conn, fact.application_id, fact.outcome, "award_lost", event.time)
    else:
        await facts.note(conn, fact.application_id, "award_kept", event.time)


async def on_reserve_expired(conn: Connection, event: Incoming) -> None:
    fact = funding.ReserveExpired.from_data(event.data)
    await facts.note(conn, fact.application_id, "reserve_expired", event.time)


async def on_kickoff(conn: Connection, event: Incoming) -> None:
    fact = funding.KickoffPlanned.from_data(event.data)
    await facts.note(conn, fact.application_id, "kickoff_planned", event.time, at_instant=fact.at.isoformat())


async def on_report_requested(conn: Connection, event: Incoming) -> None:
    fact = funding.ReportRequested.from_data(event.data)
    await facts.note(
        conn,
        fact.application_id,
        "report_requested",
        event.time,
        kind=fact.kind,
        number=fact.n,
        due_at=fact.due_at.isoformat(),
    )


async def on_report_submitted(conn: Connection, event: Incoming) -> None:
    fact = funding.ReportSubmitted.from_data(event.data)
    await facts.note(
        conn,
        fact.application_id,
        "report_submitted",
        event.time,
        kind=fact.kind,
        number=fact.n,
        late=fact.late,
    )


async def on_report_judged(conn: Connection, event: Incoming) -> None:
    fact = funding.ReportJudged.from_data(event.data)
    await facts.note(
        conn, fact.application_id, f"report_{fact.outcome}", event.time, kind=fact.kind, number=fact.n
    )


async def on_change(conn: Connection, event: Incoming) -> None:
    fact = funding.ChangeDecided.from_data(event.data)
    if fact.kind == "leader" and fact.granted:
        await facts.leader_changed(conn, fact.application_id, fact.holder_id, event.time)
    else:
        code = "change_granted" if fact.granted else "change_refused"
        await facts.note(conn, fact.application_id, code, event.time, kind=fact.kind)


async def on_grant_closed(conn: Connection, event: Incoming) -> None:
    fact = funding.GrantClosed.from_data(event.data)
    await facts.note(conn, fact.application_id, "grant_closed", event.time)


async def on_complaint(conn: Connection, event: Incoming) -> None:
    fact = funding.ComplaintReceived.from_data(event.data)
    await facts.note(conn, fact.application_id, "complaint_received", event.time)


async def on_complaint_decided(conn: Connection, event: Incoming) -> None:
    fact = funding.ComplaintDecided.from_data(event.data)
    code = "complaint_upheld" if fact.upheld else "complaint_dismissed"
    await facts.note(conn, fact.application_id, code, event.time)


TOPICS = ("review.events", "funding.events")

HANDLERS: dict[str, Handler] = {
    review.PrescreeningDecided.TYPE: on_prescreening,
    review.ClarificationAnswered.TYPE: on_clarification,
    review.ConsultationAnswered.TYPE: on_consultation,
    review.ConsultationWaived.TYPE: on_waiver,
    review.QuestionAsked.TYPE: on_question,
    review.QuestionAnswered.TYPE: on_answer,
    review.TaskOpened.TYPE: on_task_opened,
    review.TaskMoved.TYPE: on_task_moved,
    review.TaskClosed.TYPE: on_task_closed,
    review.RoundEntered.TYPE: on_round,
    review.PitchInvited.TYPE: on_pitch,
    review.AccessGranted.TYPE: on_access,
    review.AccessRevoked.TYPE: on_access_revoked,
    review.ConflictDeclared.TYPE: on_conflict,
    funding.CaseDecided.TYPE: on_decision,
    funding.LetterSent.TYPE: on_letter,
    funding.AwardAnswered.TYPE: on_award_answered,
    funding.PlanDelivered.TYPE: on_plan_delivered,
    funding.PlanJudged.TYPE: on_plan_judged,
    funding.ExtensionAsked.TYPE: on_extension_asked,
    funding.ExtensionDecided.TYPE: on_extension_decided,
    funding.StartConfirmed.TYPE: on_start,
    funding.LossDecided.TYPE: on_loss,
    funding.ReserveExpired.TYPE: on_reserve_expired,
    funding.KickoffPlanned.TYPE: on_kickoff,
    funding.ReportRequested.TYPE: on_report_requested,
    funding.ReportSubmitted.TYPE: on_report_submitted,
    funding.ReportJudged.TYPE: on_report_judged,
    funding.ChangeDecided.TYPE: on_change,
    funding.GrantClosed.TYPE: on_grant_closed,
    funding.ComplaintReceived.TYPE: on_complaint,
    funding.ComplaintDecided.TYPE: on_complaint_decided,
}
