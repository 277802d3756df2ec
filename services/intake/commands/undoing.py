"""An ending is undone: the case is again where it was, or where the trust's word has put it meanwhile."""

from datetime import datetime

from services.common.db import Connection, now
from services.common.errors import Refused
from services.common.record import Actor
from services.intake.commands.calls import CallIsClosed
from services.intake.domain.states import Action, State
from services.intake.store import applications, status
from services.intake.store.applications import Application
from services.intake.store.calls import Call


class UndoWindowClosed(Refused):
    """It is too late to undo this."""


async def require_in_window(conn: Connection, undo_until: datetime) -> None:
    """UndoWindowClosed after this instant."""
    if await now(conn) > undo_until:
        raise UndoWindowClosed("It stands.", undo_until=undo_until.isoformat())


async def undo_ending(
    conn: Connection,
    call: Call,
    application: Application,
    action: Action,
    after: State,
    actor: Actor,
    *,
    outcome: str,
) -> None:
    """Take the step `action`, which the caller has judged, from an ending with this outcome to `after`.

    CallIsClosed for what the trust has returned, unless the call still receives it. What the trust has not
    recommended ends as that.
    """
    if after is State.RETURNED and call.closed_at is not None:
        raise CallIsClosed("It had been returned, and the deadline for sending it in again has passed.")
    await applications.enter_state(conn, application, action, after, actor)
    await status.undo_outcome(conn, application.id, outcome)
    await status.happened(conn, application.id, _HAPPENED[action])
    if after is State.NOT_RECOMMENDED:
        await status.reach_outcome(conn, application.id, "not_recommended")


_HAPPENED = {Action.UNDO_WITHDRAWAL: "withdrawal_undone", Action.UNDO_REJECTION: "rejection_undone"}
