"""A decision round: prepared by an adviser, taken by the leader, who may send it back."""

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import facts, funding, review, tasks
    from workflows.procedure.run import Run


async def decide(run: Run, round_: funding.DecisionRound) -> None:
    """Carry the round until the leader has decided every case in it."""
    await run.do(funding.open_decision_round, round_)
    attempt = 1
    while not await _attempt(run, round_, attempt):
        attempt += 1


async def _attempt(run: Run, round_: funding.DecisionRound, attempt: int) -> bool:
    """Preparation and decision by two different persons; False when the leader sent the round back."""
    known, round_id = run.known, round_.decision_round_id

    def prepared() -> facts.Fact | None:
        return known.last(facts.DECISIONS_PREPARED, decision_round_id=round_id, attempt=attempt)

    def taken() -> bool:
        return known.has(facts.DECISIONS_TAKEN, decision_round_id=round_id)

    def sent_back() -> bool:
        return known.has(facts.DECISIONS_SENT_BACK, decision_round_id=round_id, attempt=attempt)

    await run.ask(
        _task(round_, tasks.PREPARE_DECISION, attempt, "rhf_adviser"), lambda: prepared() is not None
    )
    preparation = prepared()
    assert preparation is not None
    take = _task(round_, tasks.TAKE_DECISION, attempt, "leader")
    not_preparer = replace(take, not_person_id=preparation.person("prepared_by"))
    await run.ask(not_preparer, lambda: taken() or sent_back())
    return taken()


def _task(round_: funding.DecisionRound, kind: str, attempt: int, role: str) -> review.OpenTask:
    return review.OpenTask(
        subject=round_.decision_round_id,
        kind=kind,
        n=str(attempt),
        call_id=round_.call_id,
        application_id=round_.application_id,
        role=role,
    )
