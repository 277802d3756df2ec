"""Activities of rounds, as the workflows call them."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.common.db import Connection
from services.common.record import Actor
from services.common.run import Worker
from services.common.temporal import implements, workflow_actor
from services.review.commands import rounds
from workflows.contracts import review as contracts
from workflows.contracts.review import CaseEntry, PanelRound

Order = Callable[[Connection, PanelRound, Actor], Awaitable[None]]


def build(worker: Worker) -> list[Callable[..., Any]]:
    async def enter_round(entry: CaseEntry) -> None:
        async with worker.database.transaction() as conn:
            await rounds.enter_round(conn, entry, workflow_actor())

    async def pass_straggler_instant(call_id: str) -> None:
        async with worker.database.transaction() as conn:
            await rounds.pass_straggler_instant(conn, call_id, workflow_actor())

    def ordering(command: Order) -> Callable[[PanelRound], Awaitable[None]]:
        async def activity(round_: PanelRound) -> None:
            async with worker.database.transaction() as conn:
                await command(conn, round_, workflow_actor())

        return activity

    return [
        implements(contracts.enter_round, enter_round),
        implements(contracts.pass_straggler_instant, pass_straggler_instant),
        implements(contracts.open_conflicts, ordering(rounds.open_conflicts)),
        implements(contracts.open_reassessment, ordering(rounds.open_reassessment)),
        implements(contracts.ask_standins, ordering(rounds.ask_standins)),
        implements(contracts.assign, ordering(rounds.assign)),
        implements(contracts.open_meeting, ordering(rounds.open_meeting)),
        implements(contracts.open_signing, ordering(rounds.open_signing)),
    ]
