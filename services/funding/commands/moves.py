"""Every change of a state: through the machine, with a row of history. And the locks that commands begin
with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.common.db import Connection
from services.common.errors import NotFound
from services.common.record import Actor
from services.funding.domain.cases import CASE, CaseAction, CaseState
from services.funding.domain.grants import GRANT, GrantAction, GrantState
from services.funding.domain.machine import move
from services.funding.store import calls, cases, grants


async def lock_money(conn: Connection, call_id: str, panels: Sequence[str]) -> dict[str, calls.LockedPot]:
    """The first lock of every command that may move money: pots before cases, cases before awards."""
    return await calls.lock_pots(conn, call_id, panels)


async def lock_case(conn: Connection, application_id: UUID) -> cases.Case:
    """The locked case. NotFound where there is none."""
    case = await cases.lock_case(conn, application_id)
    if case is None:
        raise NotFound
    return case


async def lock_award(conn: Connection, application_id: UUID) -> grants.Award:
    """The locked award. NotFound where the case has none."""
    award = await grants.lock_award(conn, application_id)
    if award is None:
        raise NotFound
    return award


async def move_case(
    conn: Connection, case: cases.Case, action: CaseAction, actor: Actor, **changes: Any
) -> CaseState:
    """Take the case through its machine. StepOutOfOrder where that is not possible."""
    after = move(CASE, case.state, action)
    await cases.save_case(conn, case, state=after, **changes)
    await cases.add_step(conn, "case", case.id, case.state, action, after, actor)
    return after


async def move_award(
    conn: Connection, award: grants.Award, action: GrantAction, actor: Actor, **changes: object
) -> GrantState:
    """Take the grant through its machine. StepOutOfOrder where that is not possible."""
    after = move(GRANT, award.state, action)
    await grants.save_award(conn, award, state=after, **changes)
    await cases.add_step(conn, "grant", award.application_id, award.state, action, after, actor)
    return after


def iso(at: datetime | None) -> str | None:
    """An instant as it stands in an audit body."""
    return at.isoformat() if at else None
