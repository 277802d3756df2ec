"""Activities of intake: open a transaction, call a command."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError

from services.common.run import Worker
from services.common.temporal import implements, workflow_actor
from services.intake.commands import calls, drafts, formal_check, stages
from workflows.contracts import intake as contracts
from workflows.contracts.intake import CaseVersion, DraftWarning, Stage

_SCANNING = timedelta(seconds=1)


def build(worker: Worker) -> list[Callable[..., Any]]:
    """The implementations, each under its contract's name."""
    database = worker.database

    async def run_formal_check(version: CaseVersion) -> None:
        try:
            async with database.transaction() as conn:
                await formal_check.run_formal_check(
                    conn, version.application_id, version.version, workflow_actor()
                )
        except formal_check.NotYetScanned:
            # Nothing is wrong, and the scanner is quick: no growing pauses as after a failure.
            name = formal_check.NotYetScanned.__name__
            raise ApplicationError(name, type=name, next_retry_delay=_SCANNING) from None

    async def enter_stage(stage: Stage) -> None:
        async with database.transaction() as conn:
            await stages.enter_stage(
                conn, stage.application_id, stage.stage, stage.owner, stage.expected_at, workflow_actor()
            )

    async def warn_drafts(warning: DraftWarning) -> None:
        warned = -1
        while warned:
            async with database.transaction() as conn:
                warned = await drafts.warn_drafts(conn, warning.call_id, warning.n, workflow_actor())

    async def close_call(call_id: str) -> None:
        async with database.transaction() as conn:
            await calls.close_call(conn, call_id, workflow_actor())
        closed = -1
        while closed:
            async with database.transaction() as conn:
                closed = await drafts.close_drafts(conn, call_id, workflow_actor())

    return [
        implements(contracts.run_formal_check, run_formal_check),
        implements(contracts.enter_stage, enter_stage),
        implements(contracts.warn_drafts, warn_drafts),
        implements(contracts.close_call, close_call),
    ]
