"""Lists of applications: the same policy as for a single one decides on each row."""

from datetime import datetime
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection
from services.intake import policy
from services.intake.policy import Act
from services.intake.store import relations
from services.intake.store.applications import Application
from services.intake.store.relations import ListFilter


async def visible_page(
    conn: Connection,
    caller: Caller,
    wanted: ListFilter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> tuple[list[Application], bool]:
    """At most `limit` applications that the caller may read, newest first, and whether there are more."""
    visible: list[Application] = []
    while True:
        batch = await relations.candidates(conn, caller, wanted, after, limit + 1)
        visible += [application for application, relation in batch if policy.may(caller, relation, Act.READ)]
        if len(visible) > limit:
            return visible[:limit], True
        if len(batch) <= limit:
            return visible, False
        after = (batch[-1][0].created_at, batch[-1][0].id)
