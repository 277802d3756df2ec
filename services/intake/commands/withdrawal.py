"""Withdrawal by the holder until the case is decided, and its undo within the call's window."""

from datetime import datetime
from uuid import UUID

from services.common.auth import Caller
from services.common.db import Connection, now
from services.common.errors import StepOutOfOrder
from services.common.record import record
from services.intake.commands.access import lock_for
from services.intake.commands.undoing import require_in_window, undo_ending
from services.intake.domain.instants import undo_until
from services.intake.domain.states import Action, State, move
from services.intake.events import ApplicationWithdrawn, WithdrawalUndone
from services.intake.policy import Act
from services.intake.store import applications, status, submissions


async def withdraw(conn: Connection, caller: Caller, application_id: UUID, reason: str) -> datetime:
    """Take the application out; returns until when that can be undone: what had been returned only while
    the call receives it."""
    call, application = await lock_for(conn, caller, application_id, Act.OWN)
    after = move(application.state, Action.WITHDRAW)
    until = undo_until(call.definition, await now(conn))
    if application.state is State.RETURNED:
        until = min(until, call.closes_at)
    await applications.enter_state(conn, application, Action.WITHDRAW, after, caller.actor)
    await submissions.insert_withdrawal(conn, application_id, caller.person_id, reason, until)
    await status.reach_outcome(conn, application_id, "withdrawn")
    await status.happened(conn, application_id, "withdrawn")
    withdrawn = ApplicationWithdrawn(
        application_id=application_id,
        call_id=application.call_id,
        withdrawn_by=caller.person_id,
        undo_until=until,
    )
    await record(
        conn,
        key=str(application_id),
        actor=caller.actor,
        action="application.withdrawn",
        body={"undo_until": until.isoformat()},
        events=[withdrawn],
    )
    return until


async def undo_withdrawal(conn: Connection, caller: Caller, application_id: UUID) -> str:
    """Put the application back where it was. One that had been returned can only come back while the call is
    open."""
    call, application = await lock_for(conn, caller, application_id, Act.OWN, hold_call=True)
    after = move(application.state, Action.UNDO_WITHDRAWAL)
    withdrawal = await submissions.open_withdrawal(conn, application_id)
    if withdrawal is None:
        raise StepOutOfOrder("Nothing was withdrawn.", state=application.state.value)
    await require_in_window(conn, withdrawal.undo_until)
    if "not_accepted" in await status.outcomes(conn, application_id):
        # It had crossed with the award, and was taken as the holder's no to it: the money has gone on.
        raise StepOutOfOrder("The award was given up with it.", state=application.state.value)
    await undo_ending(
        conn, call, application, Action.UNDO_WITHDRAWAL, after, caller.actor, outcome="withdrawn"
    )
    await submissions.undo_withdrawal(conn, application_id, withdrawal.n)
    undone = WithdrawalUndone(
        application_id=application_id,
        call_id=application.call_id,
        undone_by=caller.person_id,
        state=after.value,
    )
    await record(
        conn,
        key=str(application_id),
        actor=caller.actor,
        action="application.withdrawal_undone",
        body={},
        events=[undone],
    )
    return after.value
