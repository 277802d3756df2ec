"""Where a person acts on a task: `<METHOD> <service> <path>` at the service that owns the decision.

Following the path gives no right: the owning service judges who may act.
"""

from collections.abc import Mapping
from uuid import UUID

from workflows.contracts import tasks

_ACT_PATHS: Mapping[str, str] = {
    tasks.ENDORSE_DRAFT: "POST intake /v1/applications/{application_id}/endorsements/{act_id}/decision",
    tasks.ANSWER_CLARIFICATION: "POST review /v1/clarifications/{act_id}/answer",
    tasks.PRESCREEN: "POST review /v1/cases/{application_id}/prescreening",
    tasks.CONSULT: "POST review /v1/cases/{application_id}/consultations/{n}",
    tasks.CONFIRM_REJECTION: "POST intake /v1/applications/{application_id}/rejection",
    tasks.ANSWER_QUESTION: "POST review /v1/questions/{n}/answer",
    tasks.NAME_STANDINS: "PUT review /v1/rounds/{round_id}/standins",
    tasks.DECLARE_CONFLICTS: "POST review /v1/rounds/{round_id}/conflicts",
    tasks.JUDGE_APPLICATIONS: "POST review /v1/rounds/{round_id}/scores-lock",
    tasks.HOLD_MEETING: "POST review /v1/rounds/{round_id}/meeting",
    tasks.SIGN_RECOMMENDATION: "POST review /v1/rounds/{round_id}/recommendation",
    tasks.PREPARE_DECISION: "POST funding /v1/decision-rounds/{round_id}/preparation",
    tasks.TAKE_DECISION: "POST funding /v1/decision-rounds/{round_id}/decision",
    tasks.ACCEPT_AWARD: "POST funding /v1/grants/{application_id}/acceptance",
    tasks.DELIVER_PLAN: "POST funding /v1/grants/{application_id}/plan",
    tasks.CONFIRM_PLAN: "POST funding /v1/grants/{application_id}/plan/judgement",
    tasks.CONFIRM_START: "POST funding /v1/grants/{application_id}/start",
    tasks.DECIDE_EXTENSION: "POST funding /v1/grants/{application_id}/extension/decision",
    tasks.CONFIRM_LOSS: "POST funding /v1/grants/{application_id}/loss/decision",
    tasks.CONFIRM_MOVE: "POST funding /v1/cases/{application_id}/reserve-move",
    tasks.YEARLY_REPORT: "POST funding /v1/grants/{application_id}/reports/yearly/{report}",
    tasks.FINAL_REPORT: "POST funding /v1/grants/{application_id}/reports/final/{report}",
    tasks.JUDGE_REPORT: "POST funding /v1/grants/{application_id}/reports/{report_kind}/{report}/judgement",
    tasks.DECIDE_CHANGE: "POST funding /v1/grants/{application_id}/changes/{n}/decision",
    tasks.REGISTER_INVOICES: "POST funding /v1/grants/{application_id}/invoices",
    tasks.ANSWER_COMPLAINT: "POST funding /v1/cases/{application_id}/complaints/{n}/answer",
    tasks.HANDLE_LATE_FACT: "POST review /v1/tasks/{task_id}/handled",
    tasks.REACH_RECIPIENT: "POST review /v1/tasks/{task_id}/handled",
}


_WAIVER_PATHS: Mapping[str, str] = {
    tasks.CONSULT: "POST review /v1/cases/{application_id}/consultations/{n}/waiver",
}


def waiver_path(kind: str, n: str, application_id: UUID | None) -> str | None:
    """Where an adviser of the funder lets the case go on once the task is overdue; None: it must wait."""
    path = _WAIVER_PATHS.get(kind)
    return None if path is None else path.format(application_id=application_id, n=n)


def act_path(
    kind: str, subject: str, n: str, *, task_id: UUID, application_id: UUID | None, act_id: UUID | None
) -> str:
    """The path with every id filled in. `act_id`: of the endorsement or clarification the task is about."""
    report_kind, _, numbered = n.rpartition(":")
    return _ACT_PATHS[kind].format(
        application_id=application_id,
        act_id=act_id,
        task_id=task_id,
        n=n,
        round_id=subject.partition("/")[0],
        report_kind=report_kind,
        report=numbered.partition(".")[0],
    )
