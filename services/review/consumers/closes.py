"""Which fact closes which task: the one table by which deciding anywhere ends the waiting here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.common.record import Fact
from services.funding import events as funding
from services.intake import events as intake
from workflows.contracts import tasks


@dataclass(frozen=True)
class TaskKey:
    """What names a task; see workflows/contracts/tasks.py."""

    subject: str
    kind: str
    n: str


def _of_case(kind: str, n: Callable[[Any], object]) -> Callable[[Any], TaskKey | None]:
    return lambda fact: TaskKey(str(fact.application_id), kind, str(n(fact)))


def _of_decision_round(kind: str) -> Callable[[Any], TaskKey | None]:
    return lambda fact: TaskKey(fact.decision_round_id, kind, str(fact.attempt))


def _formal_check_passed(fact: intake.FormalCheckPassed) -> TaskKey | None:
    if fact.decided_by is None:
        return None  # nobody was asked
    return TaskKey(str(fact.application_id), tasks.CONFIRM_REJECTION, str(fact.version))


def _report_submitted(fact: funding.ReportSubmitted) -> TaskKey:
    kind = tasks.FINAL_REPORT if fact.kind == "final" else tasks.YEARLY_REPORT
    return TaskKey(str(fact.application_id), kind, f"{fact.n}.{fact.attempt}")


def _last_invoice(fact: funding.InvoiceRegistered) -> TaskKey | None:
    return TaskKey(str(fact.application_id), tasks.REGISTER_INVOICES, "1") if fact.last else None


CLOSES: Mapping[type[Fact], Callable[[Any], TaskKey | None]] = {
    intake.EndorsementDecided: _of_case(tasks.ENDORSE_DRAFT, lambda fact: fact.n),
    intake.FormalCheckPassed: _formal_check_passed,
    intake.ApplicationRejected: _of_case(tasks.CONFIRM_REJECTION, lambda fact: fact.version),
    funding.DecisionsPrepared: _of_decision_round(tasks.PREPARE_DECISION),
    funding.DecisionsSentBack: _of_decision_round(tasks.TAKE_DECISION),
    funding.DecisionsTaken: _of_decision_round(tasks.TAKE_DECISION),
    funding.AwardAnswered: _of_case(tasks.ACCEPT_AWARD, lambda fact: fact.version),
    funding.PlanDelivered: _of_case(tasks.DELIVER_PLAN, lambda fact: f"{fact.organisation}:{fact.n}"),
    funding.PlanJudged: _of_case(tasks.CONFIRM_PLAN, lambda fact: f"{fact.organisation}:{fact.n}"),
    funding.StartConfirmed: _of_case(tasks.CONFIRM_START, lambda fact: fact.version),
    funding.ExtensionDecided: _of_case(tasks.DECIDE_EXTENSION, lambda fact: fact.n),
    funding.LossDecided: _of_case(tasks.CONFIRM_LOSS, lambda fact: fact.n),
    funding.ReserveMoveDecided: _of_case(tasks.CONFIRM_MOVE, lambda fact: fact.n),
    funding.ReportSubmitted: _report_submitted,
    funding.ReportJudged: _of_case(tasks.JUDGE_REPORT, lambda fact: f"{fact.kind}:{fact.n}.{fact.attempt}"),
    funding.ChangeDecided: _of_case(tasks.DECIDE_CHANGE, lambda fact: fact.n),
    funding.InvoiceRegistered: _last_invoice,
    funding.InvoicingExpired: _of_case(tasks.REGISTER_INVOICES, lambda fact: 1),
    funding.ComplaintDecided: _of_case(tasks.ANSWER_COMPLAINT, lambda fact: fact.n),
}
