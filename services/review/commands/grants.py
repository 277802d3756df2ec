"""What happens in a grant to the tasks that are open in it."""

from services.common.db import Connection
from services.common.record import Fact
from services.funding import events as funding
from services.review import events
from services.review.commands.clock import move_task, pause_task
from services.review.commands.tasks import REVIEW, cancel_idle_tasks, cancel_task, close_task, identity_of
from services.review.domain.tasks import TaskAction, move
from services.review.store import cases as case_store
from services.review.store import clocks
from services.review.store import tasks as store
from workflows.contracts import tasks as kinds


async def pause_start(conn: Connection, fact: funding.ExtensionAsked) -> list[Fact]:
    """The start's clock stands still while an adviser owes the answer; also if its task is yet to open."""
    key = (str(fact.application_id), kinds.CONFIRM_START, str(fact.version))
    cause = f"extension:{fact.n}"
    if not await store.is_known(conn, *key):
        await clocks.note_early_pause(conn, *key, cause)
        return []
    task = await store.lock_latest(conn, *key)
    if task is None or task.closed_at is not None:
        return []
    return await pause_task(conn, task, cause=cause)


async def move_start(conn: Connection, fact: funding.ExtensionDecided) -> list[Fact]:
    """Granted or not, the start is due when funding says, and its clock runs."""
    key = (str(fact.application_id), kinds.CONFIRM_START, str(fact.version))
    if not await store.is_known(conn, *key):
        await clocks.note_early_move(conn, *key, fact.start_due_at)
        return []
    task = await store.lock_latest(conn, *key)
    if task is None or task.closed_at is not None:
        return []
    return await move_task(conn, task, fact.start_due_at, cause="extended")


async def answer_award(conn: Connection, fact: funding.AwardAnswered) -> list[Fact]:
    """A holder whose no did not stand was asked anew, by a task of its own: that is answered too."""
    facts: list[Fact] = []
    for task in await store.lock_open_of_case(conn, fact.application_id):
        if task.kind == kinds.ACCEPT_AWARD:
            facts += await close_task(
                conn,
                task.subject,
                task.kind,
                task.n,
                by=REVIEW,
                call_id=task.call_id,
                application_id=task.application_id,
            )
    return facts


async def lose_award(conn: Connection, fact: funding.LossDecided) -> list[Fact]:
    """A confirmed loss ends what was waited for in the grant, also if its task is yet to open; a kept award
    gives the holder new time."""
    if fact.confirmed:
        await case_store.set_lost(conn, fact.application_id, fact.outcome)
        return await cancel_idle_tasks(conn, fact.application_id, by=REVIEW)
    kept_until = {kinds.ACCEPT_AWARD: fact.accept_due_at, kinds.CONFIRM_START: fact.start_due_at}
    facts: list[Fact] = []
    for task in await store.lock_open_of_case(conn, fact.application_id):
        if due_at := kept_until.get(task.kind):
            facts += await move_task(conn, task, due_at, cause="kept")
    return facts


async def expire_reserve(conn: Connection, fact: funding.ReserveExpired) -> list[Fact]:
    facts: list[Fact] = []
    for task in await store.lock_open_of_case(conn, fact.application_id):
        if task.kind == kinds.CONFIRM_MOVE:
            facts += await cancel_task(
                conn, task.subject, task.kind, task.n, by=REVIEW, because="reserve_expired"
            )
    return facts


async def change_grant(conn: Connection, fact: funding.ChangeDecided) -> list[Fact]:
    """A new leader takes over what waited for the old one; another end moves what is due by it."""
    if not fact.granted:
        return []
    facts = await _change_holder(conn, fact)
    for task in await store.lock_open_of_case(conn, fact.application_id):
        due_at = fact.invoicing_due_at
        if task.kind == kinds.REGISTER_INVOICES and due_at is not None and task.due_at != due_at:
            facts += await move_task(conn, task, due_at, cause="end_moved")
    return facts


async def _change_holder(conn: Connection, fact: funding.ChangeDecided) -> list[Fact]:
    case = await case_store.lock_case(conn, fact.application_id)
    if case is None or case.holder_id == fact.holder_id:
        return []
    await case_store.set_holder(conn, case.id, fact.holder_id)
    facts: list[Fact] = []
    for task in await store.lock_open_of_case(conn, case.id):
        if task.audience_role == "holder":
            move(task.state, TaskAction.HAND_OVER)
            await store.set_audience(conn, task.id, fact.holder_id)
            audience = events.Audience(role="holder", person_id=fact.holder_id)
            facts.append(events.TaskHandedOver(**identity_of(task), audience=audience))
    return facts
