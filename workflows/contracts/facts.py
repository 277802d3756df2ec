"""Which facts of the services go into which workflow, and exactly what of their data travels.

A workflow is told ids, codes and instants; titles, statements, scores and amounts stay behind, because a
history cannot be edited and is kept long. `tests/contract/test_facts.py` compares this table with every
service's events.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from workflows.contracts.ids import (
    application_workflow_id,
    call_workflow_id,
    grant_workflow_id,
    task_workflow_id,
)

SIGNAL = "fact"
"""The one signal every workflow takes; its argument is a `Fact`."""


@dataclass(frozen=True)
class Fact:
    """What a workflow is told of one event. `data` is JSON: the fields its route names and nothing else."""

    event_id: str
    type: str
    traceparent: str | None
    data: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return str(self.data[name])

    def number(self, name: str) -> int:
        return int(self.data[name])

    def flag(self, name: str) -> bool:
        return bool(self.data[name])

    def texts(self, name: str) -> list[str]:
        return [str(each) for each in self.data[name]]

    def instant(self, name: str) -> datetime:
        return datetime.fromisoformat(self.data[name])

    def instant_or_none(self, name: str) -> datetime | None:
        return None if self.data[name] is None else self.instant(name)

    def person(self, name: str) -> UUID:
        return UUID(self.data[name])


Workflow = Literal["application", "call", "grant", "task"]
Address = Literal["application", "call", "grant", "task", "application_or_call"]


@dataclass(frozen=True)
class Route:
    """Where facts of one type go. `carries`: the fields that travel; `within`: name -> path of deeper."""

    to: Address
    carries: tuple[str, ...] = ()
    within: Mapping[str, str] = field(default_factory=dict)
    starts: bool = False


CALL_PUBLISHED = "no.innoflyt.intake.call-published.v1"
DEADLINE_MOVED = "no.innoflyt.intake.deadline-moved.v1"
APPLICATION_SUBMITTED = "no.innoflyt.intake.application-submitted.v1"
FORMAL_CHECK_PASSED = "no.innoflyt.intake.formal-check-passed.v1"
REJECTION_PROPOSED = "no.innoflyt.intake.rejection-proposed.v1"
APPLICATION_REJECTED = "no.innoflyt.intake.application-rejected.v1"
REJECTION_UNDONE = "no.innoflyt.intake.rejection-undone.v1"
APPLICATION_RETURNED = "no.innoflyt.intake.application-returned.v1"
APPLICATION_WITHDRAWN = "no.innoflyt.intake.application-withdrawn.v1"
WITHDRAWAL_UNDONE = "no.innoflyt.intake.withdrawal-undone.v1"
APPLICATION_EXPIRED = "no.innoflyt.intake.application-expired.v1"

TASK_OPENED = "no.innoflyt.review.task-opened.v1"
TASK_CLOSED = "no.innoflyt.review.task-closed.v1"
TASK_PAUSED = "no.innoflyt.review.task-paused.v1"
TASK_MOVED = "no.innoflyt.review.task-moved.v1"
PRESCREENING_DECIDED = "no.innoflyt.review.prescreening-decided.v1"
CLARIFICATION_ANSWERED = "no.innoflyt.review.clarification-answered.v1"
CONSULTATION_ANSWERED = "no.innoflyt.review.consultation-answered.v1"
CONSULTATION_WAIVED = "no.innoflyt.review.consultation-waived.v1"
ROUND_ENTERED = "no.innoflyt.review.round-entered.v1"
CASE_UNASSESSED = "no.innoflyt.review.case-unassessed.v1"
ROUND_COMPLETE = "no.innoflyt.review.round-complete.v1"
ACCESS_GRANTED = "no.innoflyt.review.access-granted.v1"
CONFLICTS_SETTLED = "no.innoflyt.review.conflicts-settled.v1"
STAND_INS_NAMED = "no.innoflyt.review.stand-ins-named.v1"
SCORES_COMPLETE = "no.innoflyt.review.scores-complete.v1"
MEETING_HELD = "no.innoflyt.review.meeting-held.v1"
CASE_RECOMMENDED = "no.innoflyt.review.case-recommended.v1"
RECOMMENDATION_SIGNED = "no.innoflyt.review.recommendation-signed.v1"

DECISIONS_PREPARED = "no.innoflyt.funding.decisions-prepared.v1"
DECISIONS_SENT_BACK = "no.innoflyt.funding.decisions-sent-back.v1"
DECISIONS_TAKEN = "no.innoflyt.funding.decisions-taken.v1"
CASE_DECIDED = "no.innoflyt.funding.case-decided.v1"
CASE_LEFT_OUT = "no.innoflyt.funding.case-left-out.v1"
LETTER_SENT = "no.innoflyt.funding.letter-sent.v1"
RESERVE_OFFERED = "no.innoflyt.funding.reserve-offered.v1"
RESERVE_MOVE_DECIDED = "no.innoflyt.funding.reserve-move-decided.v1"
RESERVE_EXPIRED = "no.innoflyt.funding.reserve-expired.v1"
COMPLAINT_RECEIVED = "no.innoflyt.funding.complaint-received.v1"
COMPLAINT_DECIDED = "no.innoflyt.funding.complaint-decided.v1"
AWARD_MADE = "no.innoflyt.funding.award-made.v1"
AWARD_ANSWERED = "no.innoflyt.funding.award-answered.v1"
PLAN_DELIVERED = "no.innoflyt.funding.plan-delivered.v1"
PLAN_JUDGED = "no.innoflyt.funding.plan-judged.v1"
EXTENSION_ASKED = "no.innoflyt.funding.extension-asked.v1"
EXTENSION_DECIDED = "no.innoflyt.funding.extension-decided.v1"
START_CONFIRMED = "no.innoflyt.funding.start-confirmed.v1"
LOSS_PROPOSED = "no.innoflyt.funding.loss-proposed.v1"
LOSS_DECIDED = "no.innoflyt.funding.loss-decided.v1"
REPORT_REQUESTED = "no.innoflyt.funding.report-requested.v1"
REPORT_SUBMITTED = "no.innoflyt.funding.report-submitted.v1"
REPORT_JUDGED = "no.innoflyt.funding.report-judged.v1"
CHANGE_ASKED = "no.innoflyt.funding.change-asked.v1"
CHANGE_DECIDED = "no.innoflyt.funding.change-decided.v1"
INVOICE_REGISTERED = "no.innoflyt.funding.invoice-registered.v1"
INVOICING_EXPIRED = "no.innoflyt.funding.invoicing-expired.v1"

ROUTES: Mapping[str, Route] = {
    CALL_PUBLISHED: Route(
        "call",
        ("call_id", "closes_at", "draft_warnings", "straggler_at"),
        {"panels": "definition.panels.code"},
        starts=True,
    ),
    DEADLINE_MOVED: Route("call", ("closes_at", "draft_warnings", "straggler_at")),
    ROUND_COMPLETE: Route("call"),
    APPLICATION_SUBMITTED: Route(
        "application",
        ("application_id", "call_id", "version", "organisation", "panel", "touches"),
        starts=True,
    ),
    FORMAL_CHECK_PASSED: Route("application", ("version",)),
    REJECTION_PROPOSED: Route("application", ("version",)),
    APPLICATION_REJECTED: Route("application", ("version", "undo_until")),
    REJECTION_UNDONE: Route("application", ("version",)),
    APPLICATION_RETURNED: Route("application", ("version",)),
    APPLICATION_WITHDRAWN: Route("application", ("undo_until",)),
    WITHDRAWAL_UNDONE: Route("application"),
    APPLICATION_EXPIRED: Route("application"),
    PRESCREENING_DECIDED: Route("application", ("version", "outcome")),
    CLARIFICATION_ANSWERED: Route("application", ("organisation",)),
    CONSULTATION_ANSWERED: Route("application", ("organisation",)),
    CONSULTATION_WAIVED: Route("application", ("organisation",)),
    ROUND_ENTERED: Route("application", ("flags",)),
    CASE_UNASSESSED: Route("application"),
    ACCESS_GRANTED: Route("application"),
    CASE_RECOMMENDED: Route("application", ("round_id",)),
    CONFLICTS_SETTLED: Route("application_or_call", ("round_id", "quorum")),
    STAND_INS_NAMED: Route("application_or_call", ("round_id",)),
    SCORES_COMPLETE: Route("application_or_call", ("round_id",)),
    MEETING_HELD: Route("application_or_call", ("round_id",)),
    RECOMMENDATION_SIGNED: Route("application_or_call", ("round_id", "application_ids")),
    DECISIONS_PREPARED: Route("application_or_call", ("decision_round_id", "attempt", "prepared_by")),
    DECISIONS_SENT_BACK: Route("application_or_call", ("decision_round_id", "attempt")),
    DECISIONS_TAKEN: Route("application_or_call", ("decision_round_id",)),
    CASE_DECIDED: Route("application", ("version", "outcome")),
    CASE_LEFT_OUT: Route("application", ("decision_round_id",)),
    LETTER_SENT: Route("application", ("version", "outcome", "complaint_until", "reserve_until")),
    RESERVE_OFFERED: Route("application", ("n",)),
    RESERVE_MOVE_DECIDED: Route("application", ("n", "confirmed", "decision_round_id")),
    RESERVE_EXPIRED: Route("application"),
    COMPLAINT_RECEIVED: Route("application", ("n", "version")),
    COMPLAINT_DECIDED: Route("application", ("n", "upheld", "stage")),
    AWARD_MADE: Route(
        "grant",
        (
            "application_id",
            "call_id",
            "version",
            "organisation",
            "conditions",
            "accept_due_at",
            "acceptance_lapses_at",
            "start_due_at",
            "start_lapses_at",
        ),
        starts=True,
    ),
    AWARD_ANSWERED: Route("grant", ("version", "outcome")),
    PLAN_DELIVERED: Route("grant", ("organisation", "n")),
    PLAN_JUDGED: Route("grant", ("organisation", "n", "outcome")),
    EXTENSION_ASKED: Route("grant", ("n",)),
    EXTENSION_DECIDED: Route("grant", ("n", "granted", "start_due_at", "start_lapses_at")),
    START_CONFIRMED: Route("grant", ("first_report_ask_at", "ends_at", "invoicing_due_at")),
    LOSS_PROPOSED: Route("grant", ("n", "outcome")),
    LOSS_DECIDED: Route(
        "grant",
        (
            "n",
            "confirmed",
            "accept_due_at",
            "acceptance_lapses_at",
            "start_due_at",
            "start_lapses_at",
        ),
    ),
    REPORT_REQUESTED: Route("grant", ("kind", "n", "due_at", "next_ask_at")),
    REPORT_SUBMITTED: Route("grant", ("kind", "n", "attempt")),
    REPORT_JUDGED: Route("grant", ("kind", "n", "attempt", "outcome", "mend_due_at")),
    CHANGE_ASKED: Route("grant", ("n", "kind")),
    CHANGE_DECIDED: Route("grant", ("n", "granted", "ends_at", "invoicing_due_at")),
    INVOICE_REGISTERED: Route("grant", ("last",)),
    INVOICING_EXPIRED: Route("grant"),
    TASK_OPENED: Route(
        "task",
        ("task_id", "subject", "kind", "n", "call_id", "application_id", "due_at", "ladder"),
        {"organisation": "audience.organisation"},
        starts=True,
    ),
    TASK_CLOSED: Route("task", ("outcome",)),
    TASK_PAUSED: Route("task"),
    TASK_MOVED: Route("task", ("due_at", "ladder", "cause")),
}


def carried(type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What of an event's data travels. KeyError or TypeError when a field the type promises is not there."""
    route = ROUTES[type_]
    own = {name: data[name] for name in route.carries}
    return own | {name: _found(data, path.split(".")) for name, path in route.within.items()}


def addressed(type_: str, data: Mapping[str, Any]) -> tuple[Workflow, str]:
    """The kind and the id of the workflow that a fact of this type goes to."""
    to = ROUTES[type_].to
    if to == "application_or_call":
        to = "call" if data["application_id"] is None else "application"
    match to:
        case "application":
            return to, application_workflow_id(data["application_id"])
        case "call":
            return to, call_workflow_id(data["call_id"])
        case "grant":
            return to, grant_workflow_id(data["application_id"])
        case "task":
            return to, task_workflow_id(data["task_id"])


def _found(value: Any, path: list[str]) -> Any:
    """The value at the path; a list on the way gives the list of what each of its members has there."""
    if not path:
        return value
    if isinstance(value, list):
        return [_found(each, path) for each in value]
    return _found(value[path[0]], path[1:])
