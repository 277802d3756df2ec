"""The public register of recipients, and the portfolio of the funder."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.common.auth import CallerDep, authenticate
from services.common.errors import FieldError, Invalid
from services.common.http import DatabaseDep, decode_cursor, encode_cursor
from services.funding.policy import Act, permit_role
from services.funding.store import views

router = APIRouter(prefix="/v1", tags=["register"])

CallId = Annotated[str | None, Query(max_length=100)]
Cursor = Annotated[str | None, Query(max_length=500)]
Limit = Annotated[int, Query(ge=1, le=100)]


class Recipient(BaseModel):
    call_id: str
    case_number: str
    title: str
    organisation: str
    category: str
    amount: int
    statement: str
    completed: bool


class Recipients(BaseModel):
    items: list[Recipient]
    next: str | None


class PortfolioItem(BaseModel):
    application_id: UUID
    call_id: str
    case_number: str
    title: str
    organisation: str
    category: str
    panel: str
    state: str
    amount: int
    start_due_at: datetime
    started_at: datetime | None
    started_late: bool | None
    ends_at: datetime | None
    lost_as: str | None
    reports_overdue: int
    invoiced: int


class PotView(BaseModel):
    call_id: str
    panel: str
    amount: int
    awarded: int
    held: int
    free: int


class ReservePlace(BaseModel):
    application_id: UUID
    case_number: str
    title: str
    organisation: str
    position: int
    amount: int
    state: str
    reserve_until: datetime | None
    held_back: bool


class Portfolio(BaseModel):
    items: list[PortfolioItem]
    pots: list[PotView]
    next: str | None


class ReserveList(BaseModel):
    items: list[ReservePlace]


@router.get("/recipients")
async def list_recipients(
    request: Request,
    database: DatabaseDep,
    call_id: CallId = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Recipients:
    """Who received funds in published rounds. Public: needs no token.

    With one, the cases in which the caller has a conflict of interest are left out, as everywhere.
    """
    person_id = (await authenticate(request)).person_id if "authorization" in request.headers else None
    after = None
    if cursor is not None:
        call, number = decode_cursor(cursor, 2)
        after = (_text(call), _text(number))
    async with database.read() as conn:
        rows = await views.recipients(conn, person_id, call_id, after, limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return Recipients(
        items=[Recipient.model_validate(row) for row in rows[:limit]],
        next=encode_cursor(last["call_id"], last["case_number"]) if last else None,
    )


@router.get("/portfolio")
async def show_portfolio(
    caller: CallerDep,
    database: DatabaseDep,
    call_id: CallId = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Portfolio:
    """Every grant with its state, and what is left in the pots."""
    permit_role(caller, Act.SEE_PORTFOLIO)
    after = _uuid(decode_cursor(cursor, 1)[0]) if cursor is not None else None
    async with database.read() as conn:
        rows = await views.portfolio(conn, caller.person_id, call_id, after, limit + 1)
        pots = await views.pots(conn, call_id)
    more = len(rows) > limit
    return Portfolio(
        items=[PortfolioItem.model_validate(row) for row in rows[:limit]],
        pots=[PotView.model_validate(pot) for pot in pots],
        next=encode_cursor(str(rows[limit - 1]["application_id"])) if more else None,
    )


@router.get("/calls/{call_id}/panels/{panel}/reserve")
async def show_reserve_list(
    call_id: str, panel: str, caller: CallerDep, database: DatabaseDep
) -> ReserveList:
    """The panel's reserve list in its order."""
    permit_role(caller, Act.SEE_PORTFOLIO)
    async with database.read() as conn:
        rows = await views.reserve_list(conn, caller.person_id, call_id, panel)
    return ReserveList(items=[ReservePlace.model_validate(row) for row in rows])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong_cursor()
    return value


def _uuid(value: object) -> UUID:
    try:
        return UUID(_text(value))
    except ValueError:
        raise _wrong_cursor() from None


def _wrong_cursor() -> Invalid:
    return Invalid("cursor", errors=[FieldError("cursor", None, "use `next` of the page before, unchanged")])
