"""A case that is back after its round was decided without it: it is decided in a round of its own."""

from uuid import UUID

from services.common.db import Connection
from services.common.record import Actor, Entry
from services.funding.commands.moves import move_case
from services.funding.domain.cases import CaseAction, next_round_id
from services.funding.events import CaseLeftOut
from services.funding.store import cases


async def leave_out(
    conn: Connection, call_id: str, actor: Actor, application_id: UUID | None = None
) -> list[Entry]:
    """Give every such case of the call, or this one, a round of its own. Returns what to record.

    Nobody is left out before the call's own round is decided: what is decided for one case alone comes after
    it, with the money that is left and a place behind the others. The call's round must be locked, so that
    whoever comes back while it is being decided is in it, left out by it, or sees that it is decided.
    """
    entries: list[Entry] = []
    for case in await cases.lock_left_out(conn, call_id, application_id):
        await move_case(conn, case, CaseAction.LEAVE_OUT, actor)
        earlier = await cases.own_rounds(conn, case.id, case.decision_version)
        round_id = next_round_id(case.id, case.decision_version, left_out=earlier)
        left_out = CaseLeftOut(application_id=case.id, call_id=case.call_id, decision_round_id=round_id)
        entries.append(
            Entry(str(case.id), actor, "case.left_out", {"decision_round_id": round_id}, [left_out])
        )
    return entries
