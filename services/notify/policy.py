"""Who may read the log of what was sent. The only place that decides it; routes and lists ask here."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection
from services.common.errors import Forbidden, NotFound
from services.common.record import log_access
from services.notify.domain import CaseFile
from services.notify.store import book

READERS = frozenset({"rhf_adviser", "operator", "auditor"})


def require_reader(caller: Caller) -> None:
    """The whole log is for advisers of the funder, operators and auditors; Forbidden for others."""
    if not caller.roles & READERS:
        raise Forbidden("the log of messages is for advisers, operators and auditors")


async def require_case(conn: Connection, caller: Caller, application_id: UUID) -> None:
    """The case's holder and editors, and readers of the log. NotFound for all others: the case does not
    exist for them, least of all for a reader with a conflict of interest. A reader of another organisation is
    noted."""
    case = await book.case_file(conn, application_id)
    if case is None:
        raise NotFound
    if caller.person_id in case.applicants:
        return
    if not caller.roles & READERS or await book.conflicted(conn, application_id, caller.person_id):
        raise NotFound
    await _note_read(conn, caller, application_id, case)


async def note_read(conn: Connection, caller: Caller, application_id: UUID) -> None:
    """Note a reader of another organisation than the case's; of one that is not known yet, everybody."""
    await _note_read(conn, caller, application_id, await book.case_file(conn, application_id))


async def _note_read(conn: Connection, caller: Caller, application_id: UUID, case: CaseFile | None) -> None:
    if case is not None and caller.person_id in case.applicants:
        return
    if case is None or case.organisation is None or caller.organisation != case.organisation:
        await log_access(
            conn, actor=caller.actor, action="case.messages", key=str(application_id), outcome="read"
        )


async def sees_message(conn: Connection, caller: Caller, message: Mapping[str, Any]) -> bool:
    """Whether a reader of the log may see this row of it: not in a conflict, but for what they were told as
    the applicant."""
    if message["application_id"] is None or (
        message["as_applicant"] and message["person_id"] == caller.person_id
    ):
        return True
    return not await book.conflicted(conn, message["application_id"], caller.person_id)
