"""Tasks that no procedure foresees: something went wrong, and a person must look at it."""

from uuid import UUID

from services.common.db import Connection
from services.common.record import Fact
from services.notify.events import MessageFailed
from services.review.commands.tasks import open_task
from services.review.store import cases as store
from workflows.contracts.review import OpenTask
from workflows.contracts.tasks import HANDLE_LATE_FACT, REACH_RECIPIENT
from workflows.events import FactArrivedLate


async def reach_recipient(conn: Connection, fact: MessageFailed) -> list[Fact]:
    """A mail came back: an adviser must find another way to tell its recipient."""
    return await _alarm(
        conn,
        REACH_RECIPIENT,
        n=str(fact.message_id),
        application_id=fact.application_id,
        call_id=fact.call_id,
    )


async def handle_late_fact(conn: Connection, fact: FactArrivedLate) -> list[Fact]:
    """Something happened to a case whose run had ended: an adviser must see what it means."""
    return await _alarm(
        conn,
        HANDLE_LATE_FACT,
        n=str(fact.event_id),
        application_id=fact.application_id,
        call_id=fact.call_id,
    )


async def returned_in_round(conn: Connection, case: store.Case, version: int) -> list[Fact]:
    """The case was handed back when it was in its round already: an adviser must see what it means."""
    return await _alarm(
        conn, HANDLE_LATE_FACT, n=f"returned:{version}", application_id=case.id, call_id=case.call_id
    )


async def add_condition(conn: Connection, case: store.Case, organisation: str) -> list[Fact]:
    """A plan must be adjusted, says the organisation, and the panel has signed: an adviser must see to it."""
    return await _alarm(
        conn,
        HANDLE_LATE_FACT,
        n=f"adjusted_plan:{organisation}",
        application_id=case.id,
        call_id=case.call_id,
    )


async def conflict_after_signature(
    conn: Connection, application_id: UUID, person_id: UUID, call_id: str
) -> list[Fact]:
    """Who has a conflict of interest took part in the signed recommendation: an adviser must see to it."""
    n = f"conflict:{person_id}"
    return await _alarm(conn, HANDLE_LATE_FACT, n=n, application_id=application_id, call_id=call_id)


async def _alarm(
    conn: Connection, kind: str, *, n: str, application_id: UUID | None, call_id: str | None
) -> list[Fact]:
    case = None if application_id is None else await store.get_case(conn, application_id)
    if case is not None:
        call_id = case.call_id
    # What belongs to no call (an invitation that came back) stands by itself: its id takes the call's place.
    task = OpenTask(
        subject=str(application_id or call_id or n),
        kind=kind,
        n=n,
        call_id=call_id or n,
        application_id=application_id,
        role="rhf_adviser",
    )
    return await open_task(conn, task)
