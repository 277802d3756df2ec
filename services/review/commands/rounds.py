"""Cases entering their round, the barrier before it, and what the workflows order a round to do."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection
from services.common.errors import NotFound
from services.common.record import Actor, Fact
from services.intake import events as intake
from services.review import events
from services.review.commands.moment import Moment, enter, lock_round, moment_of
from services.review.commands.panel_terms import panel_of
from services.review.commands.progress import advance
from services.review.commands.recording import record_facts
from services.review.commands.steps import ask_standins as ask_standins_step
from services.review.commands.tasks import CaseNotKnownYet
from services.review.commands.terms import get_call, waits_for_straggler
from services.review.domain.cases import CaseAction, CaseState
from services.review.domain.cases import move as move_case
from services.review.store import barrier, cases, panels, participants, rounds
from services.review.store.cases import Case
from workflows.contracts.ids import panel_round_id
from workflows.contracts.review import CaseEntry, PanelRound

_REVIEW = Actor("service", "review")
_OUT = frozenset({CaseState.RETURNED, CaseState.ENDED})
_STILL_OPEN = frozenset({"gathering", "declaring", "short"})
"""A case can join while nobody has been assigned and the conflicts are not settled."""


async def enter_round(conn: Connection, entry: CaseEntry, by: Actor) -> None:
    """The case is ready for its panel; the last one to enter completes the round. Once per case.

    It is flagged with the answers that were waived. A case that has ended or been returned meanwhile stays
    out. One that comes when conflicts are settled is noted, and assessed in a round of its own. Retried while
    the case is unknown.
    """
    await get_call(conn, entry.call_id)
    await cases.lock_call(conn, entry.call_id)
    case = await cases.lock_case(conn, entry.application_id)
    if case is None or case.panel is None:
        raise CaseNotKnownYet(str(entry.application_id))
    flags = [*entry.flags, *await barrier.waived(conn, case.id)]
    facts = await _enter(conn, case, flags)
    if facts:
        facts += await complete_round_if_ready(conn, entry.call_id)
    body: dict[str, JsonValue] = {"flags": list[JsonValue](flags)}
    await record_facts(conn, by, "round.entered", body, facts)


async def _enter(conn: Connection, case: Case, flags: Sequence[str]) -> list[Fact]:
    """Put the case into the round of its panel; nothing happens if it is there, or cannot be."""
    assert case.panel is not None
    round_id = panel_round_id(case.call_id, case.panel)
    await rounds.begin(conn, round_id, case.call_id, case.panel, None, "gathering")
    round_ = await rounds.lock(conn, round_id)
    assert round_ is not None
    if case.state in _OUT or await rounds.holds_case(conn, round_id, case.id):
        return []
    await cases.set_state(conn, case.id, move_case(case.state, CaseAction.ENTER_ROUND))
    late = round_.state not in _STILL_OPEN
    await rounds.add_case(conn, round_id, case.id, flags, late=late)
    facts: list[Fact] = [
        events.RoundEntered(application_id=case.id, call_id=case.call_id, panel=case.panel, flags=list(flags))
    ]
    if late:
        facts.append(events.CaseUnassessed(application_id=case.id, call_id=case.call_id))
    return facts


async def note_call_closed(
    conn: Connection, call_id: str, closed_at: datetime, application_ids: Sequence[UUID]
) -> list[Fact]:
    """The call no longer receives, and these cases are alive: from now on the round waits for them."""
    await get_call(conn, call_id)
    await cases.lock_call(conn, call_id)
    await cases.set_closed(conn, call_id, closed_at)
    await barrier.note_alive(conn, call_id, application_ids)
    return await complete_round_if_ready(conn, call_id)


async def complete_round_if_ready(conn: Connection, call_id: str) -> list[Fact]:
    """Judge the barrier under the call's lock: RoundComplete once, when nobody is waited for any more.

    Past the straggler instant, where the call does not wait for what they lack, the missing cases go on
    flagged with it. Also takes the call's rounds further, which matters when a case has just ended or come
    back.
    """
    call = await cases.lock_call(conn, call_id)
    if call is None:
        return []
    facts: list[Fact] = []
    for round_id in await rounds.unsigned_of_call(conn, call_id):
        await lock_round(conn, round_id)
        facts += await advance(conn, round_id, _REVIEW)
    if call.closed_at is None or call.round_complete_at is not None:
        return facts
    waiting = await barrier.waited_for(conn, call_id)
    if waiting and not await _may_go_on(conn, call, waiting):
        return facts
    for application_id in waiting:
        facts += await _enter_flagged(conn, application_id)
    await barrier.complete(conn, call_id, waiting)
    return [*facts, events.RoundComplete(call_id=call_id, straggler_ids=waiting)]


async def _may_go_on(conn: Connection, call: cases.Call, waiting: Sequence[UUID]) -> bool:
    if call.straggler_passed_at is None:
        return False
    for application_id in waiting:
        waived = await barrier.waived(conn, application_id)
        lacking = [each for each in await barrier.missing(conn, application_id) if each not in waived]
        if waits_for_straggler(call, lacking):
            return False
    return True


async def _enter_flagged(conn: Connection, application_id: UUID) -> list[Fact]:
    """A straggler goes on without what it lacks. One that review does not know yet enters later."""
    case = await cases.lock_case(conn, application_id)
    if case is None or case.panel is None:
        return []
    return await _enter(conn, case, await barrier.missing(conn, application_id))


async def note_formal_check(conn: Connection, fact: intake.FormalCheckPassed) -> list[Fact]:
    """The version holds the formal rules, or an adviser found that it does."""
    await barrier.note_formal_check(conn, fact.application_id, fact.version)
    return await complete_round_if_ready(conn, fact.call_id)


async def pass_straggler_instant(conn: Connection, call_id: str, by: Actor) -> None:
    """From now on the round need not wait for the cases that are missing, if the call says so."""
    await get_call(conn, call_id)
    await cases.lock_call(conn, call_id)
    if await barrier.pass_straggler_instant(conn, call_id):
        facts = await complete_round_if_ready(conn, call_id)
        await record_facts(conn, by, "round.straggler-instant", {}, facts, key=call_id)


async def open_conflicts(conn: Connection, order: PanelRound, by: Actor) -> None:
    """Ask every member to declare; without cases the round settles at once, without members it is short."""
    moment = await _order(conn, order, by)
    if moment.round.state == "gathering":
        members = await panels.members_of(conn, order.call_id, order.panel)
        await participants.add_members(conn, order.round_id, members, standin=False)
        await enter(moment, "open")
    await _go_on(moment, "round.conflicts-opened")


async def open_reassessment(conn: Connection, order: PanelRound, by: Actor) -> None:
    """The round of one case, assessed again or for the first time; an adviser names its members. Once."""
    if order.application_id is None:
        raise NotFound
    call = await get_call(conn, order.call_id)
    panel_of(call, order.panel)
    case = await cases.lock_case(conn, order.application_id)
    if case is None:
        raise CaseNotKnownYet(str(order.application_id))
    if not await rounds.begin(
        conn, order.round_id, order.call_id, order.panel, order.application_id, "short"
    ):
        return
    await rounds.add_case(conn, order.round_id, order.application_id, [], late=False)
    if case.state is CaseState.DECIDED:
        await cases.set_state(conn, case.id, move_case(case.state, CaseAction.ASSESS_AGAIN))
    await ask_standins(conn, order, by)


async def ask_standins(conn: Connection, order: PanelRound, by: Actor) -> None:
    """Open 'name stand-ins', once each time that quorum was lost."""
    moment = await _order(conn, order, by)
    if moment.round.state == "short" and not moment.round.standins_wanted:
        facts = await ask_standins_step(moment)
        await record_facts(
            conn, by, "round.standins-asked", {"round_id": order.round_id}, facts, key=moment.round.key
        )


async def assign(conn: Connection, order: PanelRound, by: Actor) -> None:
    """Give every member the cases they have no conflict in, and ask for scores. Once per round and member."""
    moment = await _order(conn, order, by)
    if moment.round.state == "settled":
        await enter(moment, "assign")
    await _go_on(moment, "round.assigned")


async def open_meeting(conn: Connection, order: PanelRound, by: Actor) -> None:
    """Ask the chair to hold the meeting, as soon as the scores are complete."""
    moment = await _order(conn, order, by)
    await rounds.change(conn, order.round_id, meeting_wanted=True)
    await _go_on(moment, "round.meeting-opened")


async def open_signing(conn: Connection, order: PanelRound, by: Actor) -> None:
    """Ask the chair to sign, as soon as the meeting has been held."""
    moment = await _order(conn, order, by)
    await rounds.change(conn, order.round_id, signing_wanted=True)
    await _go_on(moment, "round.signing-opened")


async def _order(conn: Connection, order: PanelRound, by: Actor) -> Moment:
    """The round under lock; a panel's round begins here if no case has entered it."""
    call = await get_call(conn, order.call_id)
    panel_of(call, order.panel)
    if order.application_id is None:
        await rounds.begin(conn, order.round_id, order.call_id, order.panel, None, "gathering")
    if await lock_round(conn, order.round_id) is None:
        raise NotFound
    return await moment_of(conn, order.round_id, by)


async def _go_on(moment: Moment, action: str) -> None:
    facts = await advance(moment.conn, moment.round.id, moment.by)
    await record_facts(moment.conn, moment.by, action, {"round_id": moment.round.id}, facts)
