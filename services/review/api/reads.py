"""Looks at other organisations' cases are noted in the access log."""

from services.common.auth import Caller
from services.common.db import Database
from services.common.record import log_access
from services.review.policy import CaseAccess


async def note_read(database: Database, caller: Caller, action: str, case: CaseAccess) -> None:
    """Note that the case was read from outside the applicant's organisation, by someone who may."""
    own = caller.person_id == case.holder_id or caller.person_id in case.editor_ids
    if own or (case.organisation is not None and caller.organisation == case.organisation):
        return
    async with database.transaction() as conn:
        await log_access(
            conn, actor=caller.actor, action=action, key=str(case.application_id), outcome="read"
        )
