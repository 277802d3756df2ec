"""The page of one grant: its state, and everything that is owed, asked and answered."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from services.common.db import Connection
from services.funding.store import grants, reports, views
from services.funding.store.cases import Case


class PlanView(BaseModel):
    organisation: str
    state: str
    n: int


class PlanDeliveryView(BaseModel):
    organisation: str
    n: int
    statement: str
    delivered_at: datetime
    confirmed: bool | None
    reason: str | None
    judged_at: datetime | None


class ExtensionView(BaseModel):
    n: int
    state: str
    until: datetime
    reason: str
    asked_at: datetime
    answer: str | None
    decided_at: datetime | None


class LossView(BaseModel):
    n: int
    outcome: str
    proposed_at: datetime
    confirmed: bool | None
    reason: str | None
    decided_at: datetime | None


class ReportView(BaseModel):
    kind: str
    n: int
    state: str
    attempt: int
    due_at: datetime
    next_ask_at: datetime | None


class ReportDeliveryView(BaseModel):
    kind: str
    n: int
    attempt: int
    summary: str
    results: str
    next_steps: str
    spent: int
    late: bool
    submitted_at: datetime
    approved: bool | None
    reason: str | None


class ChangeView(BaseModel):
    n: int
    kind: str
    state: str
    reason: str
    new_holder_id: UUID | None
    new_end: date | None
    asked_at: datetime
    answer: str | None
    decided_at: datetime | None


class InvoiceView(BaseModel):
    n: int
    amount: int
    invoiced_on: date
    last: bool
    registered_at: datetime


class GrantStep(BaseModel):
    state: str
    at: datetime


class GrantView(BaseModel):
    """Amounts in whole NOK; the project's instants are null before its start."""

    application_id: UUID
    call_id: str
    case_number: str
    title: str
    organisation: str
    holder_id: UUID
    state: str
    amount: int
    version: int
    accept_due_at: datetime
    start_due_at: datetime
    started_at: datetime | None
    started_late: bool | None
    ends_at: datetime | None
    final_report_due_at: datetime | None
    invoicing_due_at: datetime | None
    lost_as: str | None
    closed_at: datetime | None
    plans: list[PlanView]
    plan_deliveries: list[PlanDeliveryView]
    extensions: list[ExtensionView]
    losses: list[LossView]
    reports: list[ReportView]
    report_deliveries: list[ReportDeliveryView]
    changes: list[ChangeView]
    invoices: list[InvoiceView]
    history: list[GrantStep]


async def page_of(conn: Connection, case: Case, award: grants.Award) -> GrantView:
    """Everything about the grant, in one view of the data."""
    parts: dict[str, Any] = {
        "plans": await grants.plans(conn, case.id),
        "plan_deliveries": await views.plan_deliveries(conn, case.id),
        "extensions": await views.extensions(conn, case.id),
        "losses": await views.losses(conn, case.id),
        "reports": await reports.reports(conn, case.id),
        "report_deliveries": await reports.report_deliveries(conn, case.id),
        "changes": await views.changes(conn, case.id),
        "invoices": await views.invoices(conn, case.id),
        "history": [{"state": state, "at": at} for state, at in await views.history(conn, case.id)],
    }
    own = {name: getattr(award, name) for name in GrantView.model_fields if hasattr(award, name)}
    known = {**own, "case_number": case.case_number, "title": case.title, **parts}
    return TypeAdapter(GrantView).validate_python(known, from_attributes=True)
