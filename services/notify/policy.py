"""Who may read the log of what was sent. The only place that decides it; routes and lists ask here."""

from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection
from services.common.errors import Forbidden, NotFound
from services.notify.store import book

READERS = frozenset({"rhf_adviser", "operator", "auditor"})


def require_reader(caller: Caller) -> None:
    """The whole log is for advisers of the funder, operators and auditors; Forbidden for others."""
    if not caller.roles & READERS:
        raise Forbidden("the log of messages is for advisers, operators and auditors")


async def require_case(conn: Connection, caller: Caller, application_id: UUID) -> None:
    """The case's holder and editors, and readers of the log. NotFound for all others: the case does not
    exist for
    them, least of all for someone with a conflict of interest."""
    case = await book.case_file(conn, application_id)
    if case is None or await book.conflicted(conn, application_id, caller.person_id):
        raise NotFound
    if caller.roles & READERS or caller.person_id in (case.holder_id, *case.editor_ids):
        return
    raise NotFound


async def sees_case(conn: Connection, caller: Caller, application_id: UUID | None) -> bool:
    """Whether a reader of the log may see messages about this case (None: about no case)."""
    return application_id is None or not await book.conflicted(conn, application_id, caller.person_id)
