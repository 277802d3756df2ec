"""A case goes no further, and the undo of that."""

from uuid import UUID

from services.common.db import Connection
from services.common.record import Actor, Fact
from services.review.commands.rounds import complete_round_if_ready
from services.review.commands.tasks import cancel_idle_tasks, reopen_case_tasks
from services.review.domain.cases import CaseAction, CaseState, move
from services.review.events import CaseUnassessed
from services.review.store import cases as store
from services.review.store import rounds


async def end_case(conn: Connection, case: store.Case, ended_as: str, *, by: Actor) -> list[Fact]:
    """End this case (locked after its call): nobody is waited for any more, and its round may go on.

    A case that has ended already stays as it ended.
    """
    if case.state is CaseState.ENDED:
        return []
    action = CaseAction.NOT_RECOMMEND if ended_as == "not_recommended" else CaseAction.END
    move(case.state, action)
    await store.set_ended(conn, case.id, ended_as, case.state)
    facts = await cancel_idle_tasks(conn, case.id, by=by)
    return facts + await complete_round_if_ready(conn, case.call_id)


async def undo_ending(conn: Connection, case: store.Case, ended_as: str) -> list[Fact]:
    """Take the case up again where this ending left it; nothing happens if it did not end so.

    Its panel may have signed without it meanwhile.
    """
    if case.ended_as != ended_as or case.ended_from is None:
        return []
    await store.set_revived(conn, case.id, CaseState(case.ended_from))
    facts = await reopen_case_tasks(conn, case.id, because=ended_as)
    facts += await complete_round_if_ready(conn, case.call_id)
    if await rounds.went_on_without(conn, case.id):
        facts.append(CaseUnassessed(application_id=case.id, call_id=case.call_id))
    return facts


async def lock_call_and_case(conn: Connection, application_id: UUID) -> store.Case | None:
    """The case under lock, its call before it: the order in which whoever may complete a round locks."""
    known = await store.get_case(conn, application_id)
    if known is None:
        return None
    await store.lock_call(conn, known.call_id)
    return await store.lock_case(conn, application_id)
