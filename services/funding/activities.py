"""Funding's activities: each opens a transaction and calls one command."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import workflows.contracts.funding as contract
from services.common.db import Database
from services.common.run import Worker
from services.common.temporal import implements, workflow_actor
from services.funding.commands import changes, letters, losses, offers, open_round, publication, reports


def build(worker: Worker) -> list[Callable[..., Any]]:
    """Every activity of the contract, bound to the worker's database."""
    return [*_of_rounds(worker.database), *_of_grants(worker.database)]


def _of_rounds(database: Database) -> list[Callable[..., Any]]:
    async def open_decision_round(round_: contract.DecisionRound) -> None:
        async with database.transaction() as conn:
            await open_round.open_round(
                conn, round_.decision_round_id, round_.call_id, round_.application_id, workflow_actor()
            )

    async def send_letters(round_: contract.DecisionRound) -> None:
        async with database.read() as conn:
            waiting = await letters.letters_to_send(conn, round_.decision_round_id)
        # One transaction per letter: whatever stops us, the letters that are out stay out, and we go on
        # behind them.
        for application_id, version in waiting:
            async with database.transaction() as conn:
                await letters.send_letter(conn, application_id, version, workflow_actor())
        async with database.transaction() as conn:
            await letters.offer_after_letters(conn, round_.decision_round_id, workflow_actor())

    async def present_awards(round_: contract.DecisionRound) -> None:
        async with database.transaction() as conn:
            await publication.present(conn, round_.decision_round_id, workflow_actor())

    async def publish_round(call_id: str) -> None:
        async with database.transaction() as conn:
            await publication.publish(conn, call_id, workflow_actor())

    async def expire_reserve(application_id: UUID) -> None:
        async with database.transaction() as conn:
            await offers.expire_reserve(conn, application_id, workflow_actor())

    return [
        implements(contract.open_decision_round, open_decision_round),
        implements(contract.send_letters, send_letters),
        implements(contract.present_awards, present_awards),
        implements(contract.publish_round, publish_round),
        implements(contract.expire_reserve, expire_reserve),
    ]


def _of_grants(database: Database) -> list[Callable[..., Any]]:
    async def propose_loss(loss: contract.Loss) -> None:
        async with database.transaction() as conn:
            await losses.propose_loss(
                conn, loss.application_id, loss.n, loss.outcome, loss.lapses_at, workflow_actor()
            )

    async def request_report(request: contract.ReportRequest) -> None:
        async with database.transaction() as conn:
            await reports.request_report(
                conn, request.application_id, request.kind, request.n, request.ends_at, workflow_actor()
            )

    async def close_grant(application_id: UUID) -> None:
        async with database.transaction() as conn:
            await reports.close_grant(conn, application_id, workflow_actor())

    async def expire_invoicing(invoicing: contract.Invoicing) -> None:
        async with database.transaction() as conn:
            await changes.expire_invoicing(conn, invoicing.application_id, invoicing.due_at, workflow_actor())

    return [
        implements(contract.propose_loss, propose_loss),
        implements(contract.request_report, request_report),
        implements(contract.close_grant, close_grant),
        implements(contract.expire_invoicing, expire_invoicing),
    ]
