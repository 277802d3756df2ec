"""The round of a panel: conflicts of interest, assessments, meeting, recommendation."""

from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import facts, review, tasks
    from workflows.contracts.facts import Fact
    from workflows.procedure import run as waits
    from workflows.procedure.run import Run

_Step = tuple[Callable[[review.PanelRound], Awaitable[None]], str]

_WITH_QUORUM: _Step = (review.assign, tasks.JUDGE_APPLICATIONS)
_WITHOUT_QUORUM: _Step = (review.ask_standins, tasks.NAME_STANDINS)
_NEXT: dict[str, _Step] = {
    facts.STAND_INS_NAMED: (review.open_conflicts, tasks.DECLARE_CONFLICTS),
    facts.SCORES_COMPLETE: (review.open_meeting, tasks.HOLD_MEETING),
    facts.MEETING_HELD: (review.open_signing, tasks.SIGN_RECOMMENDATION),
}
"""What follows a fact of the round, and the kind of task that is waited for then."""


async def assess(run: Run, round_: review.PanelRound) -> None:
    """Carry the round to its signed recommendation.

    Each fact is answered once, in the order of review: a conflict that is declared late can cost the quorum
    or take scores away again, and then part of the way is gone twice. A panel without cases signs at once.
    """
    answered: set[str] = set()

    def unanswered() -> Fact | None:
        types = (facts.CONFLICTS_SETTLED, *_NEXT)
        news = [each for each in run.known.all() if each.type in types and each.event_id not in answered]
        return next((each for each in news if each.text("round_id") == round_.round_id), None)

    def signed() -> bool:
        return run.known.has(facts.RECOMMENDATION_SIGNED, round_id=round_.round_id)

    if round_.application_id is None:
        waited_for = tasks.DECLARE_CONFLICTS
        await run.do(review.open_conflicts, round_)
    else:
        waited_for = tasks.NAME_STANDINS
        await run.do(review.open_reassessment, round_)
    while not signed():
        fact = unanswered()
        if fact is None:
            wait = waits.panel(round_.round_id, waited_for)
            await run.until(lambda: signed() or unanswered() is not None, wait)
            continue
        answered.add(fact.event_id)
        activity, waited_for = _step_after(fact)
        await run.do(activity, round_)


def _step_after(fact: Fact) -> _Step:
    if fact.type == facts.CONFLICTS_SETTLED:
        return _WITH_QUORUM if fact.flag("quorum") else _WITHOUT_QUORUM
    return _NEXT[fact.type]
