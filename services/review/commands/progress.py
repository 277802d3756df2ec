"""Taking a round further: the steps that `next_step` finds due, until none is."""

from collections.abc import Awaitable, Callable, Mapping

from services.common.db import Connection
from services.common.record import Actor, Fact
from services.intake.events.call_definition import Panel
from services.review.commands import steps
from services.review.commands.moment import Moment, moment_of
from services.review.commands.panel_terms import quorum_of
from services.review.domain.rounds import next_step

STEPS: Mapping[str, Callable[[Moment], Awaitable[list[Fact]]]] = {
    "ask_declarations": steps.ask_declarations,
    "end_declarations": steps.end_declarations,
    "settle": steps.settle,
    "lose_quorum": steps.lose_quorum,
    "drop_standins": steps.drop_standins,
    "regain_quorum": steps.regain_quorum,
    "assign": steps.assign,
    "choose_leads": steps.choose_leads,
    "end_judging": steps.end_judging,
    "unlock": steps.unlock,
    "ask_judging": steps.ask_judging,
    "reopen": steps.reopen,
    "ask_standins": steps.ask_standins,
    "complete": steps.complete,
    "call_meeting": steps.call_meeting,
    "meet_without_cases": steps.meet_without_cases,
    "ask_signature": steps.ask_signature,
    "sign_without_cases": steps.sign_without_cases,
}


async def advance(conn: Connection, round_id: str, by: Actor) -> list[Fact]:
    """Take every step that is due. The caller holds the round's lock and records the facts."""
    facts: list[Fact] = []
    panel: Panel | None = None
    while True:
        moment = await moment_of(conn, round_id, by, panel)
        panel = moment.panel
        step = next_step(moment.standing, quorum_of(moment.panel))
        if step is None:
            return facts
        facts += await STEPS[step](moment)
