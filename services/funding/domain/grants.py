"""What can happen to a grant from the letter to its close, and to what is owed and asked on the way."""

from enum import StrEnum

from services.common.errors import Refused
from services.funding.domain import machine


class PlanNotConfirmed(Refused):
    """The adjusted plan must be confirmed before the start."""


class StillOwed(Refused):
    """The grant cannot be closed while its final report is not approved."""


class GrantState(StrEnum):
    AWARDED = "awarded"
    REFUSED = "refused"  # the holder said no; an adviser confirms the loss
    ACCEPTANCE_LAPSING = "acceptance_lapsing"  # no answer in time; an adviser confirms the loss
    ACCEPTED = "accepted"
    START_LAPSING = "start_lapsing"  # no start in time; an adviser confirms the loss
    STARTED = "started"
    CLOSED = "closed"
    LOST = "lost"


class GrantAction(StrEnum):
    ACCEPT = "accept"
    REFUSE = "refuse"
    PROPOSE_LOSS = "propose_loss"
    CONFIRM_LOSS = "confirm_loss"
    KEEP = "keep"
    WITHDRAW = "withdraw"
    DELIVER_PLAN = "deliver_plan"
    JUDGE_PLAN = "judge_plan"
    ASK_EXTENSION = "ask_extension"
    DECIDE_EXTENSION = "decide_extension"
    START = "start"
    REQUEST_REPORT = "request_report"
    SUBMIT_REPORT = "submit_report"
    JUDGE_REPORT = "judge_report"
    ASK_CHANGE = "ask_change"
    ASK_LEADER = "ask_leader"
    DECIDE_CHANGE = "decide_change"
    INVOICE = "invoice"
    EXPIRE_INVOICING = "expire_invoicing"
    CLOSE = "close"


_LOSS = {
    GrantAction.CONFIRM_LOSS: GrantState.LOST,
    GrantAction.WITHDRAW: GrantState.LOST,
}


def _stays(state: GrantState, *actions: GrantAction) -> dict[GrantAction, GrantState]:
    return {action: state for action in actions}


GRANT: machine.Machine[GrantState, GrantAction] = {
    GrantState.AWARDED: {
        **_stays(GrantState.AWARDED, GrantAction.ASK_LEADER, GrantAction.DECIDE_CHANGE),
        GrantAction.ACCEPT: GrantState.ACCEPTED,
        GrantAction.REFUSE: GrantState.REFUSED,
        GrantAction.PROPOSE_LOSS: GrantState.ACCEPTANCE_LAPSING,
        GrantAction.WITHDRAW: GrantState.LOST,
    },
    GrantState.REFUSED: {
        **_stays(GrantState.REFUSED, GrantAction.PROPOSE_LOSS, GrantAction.DECIDE_CHANGE),
        GrantAction.KEEP: GrantState.AWARDED,
        **_LOSS,
    },
    GrantState.ACCEPTANCE_LAPSING: {
        **_stays(GrantState.ACCEPTANCE_LAPSING, GrantAction.ASK_LEADER, GrantAction.DECIDE_CHANGE),
        GrantAction.KEEP: GrantState.AWARDED,
        **_LOSS,
    },
    GrantState.ACCEPTED: {
        **_stays(
            GrantState.ACCEPTED,
            GrantAction.DELIVER_PLAN,
            GrantAction.JUDGE_PLAN,
            GrantAction.ASK_EXTENSION,
            GrantAction.DECIDE_EXTENSION,
            GrantAction.ASK_CHANGE,
            GrantAction.ASK_LEADER,
            GrantAction.DECIDE_CHANGE,
        ),
        GrantAction.START: GrantState.STARTED,
        GrantAction.PROPOSE_LOSS: GrantState.START_LAPSING,
        GrantAction.WITHDRAW: GrantState.LOST,
    },
    GrantState.START_LAPSING: {
        # An adviser can still answer what was asked before the lapse; and the leader may be who is missing.
        **_stays(
            GrantState.START_LAPSING,
            GrantAction.JUDGE_PLAN,
            GrantAction.ASK_LEADER,
            GrantAction.DECIDE_CHANGE,
        ),
        GrantAction.KEEP: GrantState.ACCEPTED,
        **_LOSS,
    },
    GrantState.STARTED: {
        **_stays(
            GrantState.STARTED,
            GrantAction.REQUEST_REPORT,
            GrantAction.SUBMIT_REPORT,
            GrantAction.JUDGE_REPORT,
            GrantAction.ASK_CHANGE,
            GrantAction.ASK_LEADER,
            GrantAction.DECIDE_CHANGE,
            GrantAction.INVOICE,
            GrantAction.EXPIRE_INVOICING,
        ),
        GrantAction.CLOSE: GrantState.CLOSED,
    },
    # The trust may invoice until the invoicing deadline, also after the final report.
    GrantState.CLOSED: _stays(
        GrantState.CLOSED, GrantAction.INVOICE, GrantAction.EXPIRE_INVOICING, GrantAction.DECIDE_CHANGE
    ),
    # What was asked before the loss can still be answered: its task would stay open otherwise.
    GrantState.LOST: _stays(GrantState.LOST, GrantAction.DECIDE_CHANGE),
}


class ReportState(StrEnum):
    REQUESTED = "requested"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"


class ReportAction(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"
    APPROVE = "approve"


REPORT: machine.Machine[ReportState, ReportAction] = {
    ReportState.REQUESTED: {ReportAction.SUBMIT: ReportState.SUBMITTED},
    ReportState.SUBMITTED: {
        ReportAction.RETURN: ReportState.RETURNED,
        ReportAction.APPROVE: ReportState.APPROVED,
    },
    ReportState.RETURNED: {ReportAction.SUBMIT: ReportState.SUBMITTED},
    ReportState.APPROVED: {},
}


class PlanState(StrEnum):
    OWED = "owed"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CONFIRMED = "confirmed"


class PlanAction(StrEnum):
    DELIVER = "deliver"
    CONFIRM = "confirm"
    RETURN = "return"


PLAN: machine.Machine[PlanState, PlanAction] = {
    PlanState.OWED: {PlanAction.DELIVER: PlanState.DELIVERED},
    PlanState.DELIVERED: {PlanAction.CONFIRM: PlanState.CONFIRMED, PlanAction.RETURN: PlanState.RETURNED},
    PlanState.RETURNED: {PlanAction.DELIVER: PlanState.DELIVERED},
    PlanState.CONFIRMED: {},
}


class RequestState(StrEnum):
    """A wish of the holder, or a complaint of the institution, and its answer."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"  # the project started before the extension was decided


class RequestAction(StrEnum):
    GRANT = "grant"
    REFUSE = "refuse"
    OVERTAKE = "overtake"


REQUEST: machine.Machine[RequestState, RequestAction] = {
    RequestState.ASKED: {
        RequestAction.GRANT: RequestState.GRANTED,
        RequestAction.REFUSE: RequestState.REFUSED,
        RequestAction.OVERTAKE: RequestState.OVERTAKEN,
    },
    RequestState.GRANTED: {},
    RequestState.REFUSED: {},
    RequestState.OVERTAKEN: {},
}

PLAN_CONDITION = "adjusted_plan_"


def plans_owed(conditions: list[str]) -> list[str]:
    """The organisations that must confirm an adjusted plan (X15), from the conditions of the award."""
    return [each.removeprefix(PLAN_CONDITION) for each in conditions if each.startswith(PLAN_CONDITION)]
