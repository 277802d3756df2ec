"""Lists of applications: the same policy as for a single one decides on each row."""

import dataclasses
from datetime import datetime
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection
from services.intake import policy
from services.intake.policy import Act, Relation
from services.intake.store import relations, submissions
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
    visible: list[tuple[Application, Relation]] = []
    while True:
        batch = await relations.candidates(conn, caller, wanted, after, limit + 1)
        visible += [each for each in batch if policy.may(caller, each[1], Act.READ)]
        if len(visible) > limit or len(batch) <= limit:
            return await _as_sent(conn, caller, visible[:limit]), len(visible) > limit
        after = (batch[-1][0].created_at, batch[-1][0].id)


async def _as_sent(
    conn: Connection, caller: Caller, found: list[tuple[Application, Relation]]
) -> list[Application]:
    """Each with the content that this caller may read, as `read_content` gives it."""
    others = [application.id for application, relation in found if not policy.is_party(caller, relation)]
    sent = await submissions.newest(conn, others)
    return [
        dataclasses.replace(application, content=sent[application.id].draft)
        if application.id in sent
        else application
        for application, _ in found
    ]
