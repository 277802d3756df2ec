"""The decision letter: its instants, its contents for ever, and the grant that an award's letter begins."""

from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection, now
from services.common.errors import NotFound
from services.common.record import Actor, Entry, Fact, record_all
from services.funding.commands.archive import archive_letter
from services.funding.commands.moves import iso, lock_case, lock_money
from services.funding.commands.offers import offer_free_money
from services.funding.documents.contents import letter_contents
from services.funding.domain.cases import CaseState, Outcome
from services.funding.domain.grants import GrantState
from services.funding.events import AwardMade, KickoffPlanned, LetterSent
from services.funding.store import calls, cases, decisions, grants, papers
from services.funding.times import award_times, instant, start_base


class NotDecidedYet(Exception):
    """The leader's decision has not been committed; to be tried again."""


async def letters_to_send(conn: Connection, round_id: str) -> list[tuple[UUID, int]]:
    """The decisions of the round whose letter has not been sent: (application, version)."""
    round_ = await decisions.find_round(conn, round_id)
    if round_ is None:
        raise NotFound
    if round_.decided_at is None:
        raise NotDecidedYet(round_id)
    return [
        (decision.application_id, decision.version)
        for decision in await decisions.decisions_of_round(conn, round_id)
        if await papers.find_letter(conn, decision.application_id, decision.version) is None
    ]


async def send_letter(conn: Connection, application_id: UUID, version: int, actor: Actor) -> None:
    """Issue the letter of one decision. Once per decision; an award begins its grant. A case that its holder
    withdrew meanwhile gets none, unless that is undone."""
    letter = await issue_letter(conn, await lock_case(conn, application_id), version, actor)
    if letter is not None:
        await record_all(conn, [letter])


async def issue_letter(conn: Connection, case: cases.Case, version: int, actor: Actor) -> Entry | None:
    """The letter of this decision on the (locked) case. Returns what to record; None where none is due."""
    if case.state in (CaseState.ENDED, CaseState.LOST):
        return None
    if await papers.find_letter(conn, case.id, version) is not None:
        return None
    decision = next(
        each for each in await decisions.decisions_of_case(conn, case.id) if each.version == version
    )
    call = await calls.get_call(conn, case.call_id)
    sent_at = await now(conn)
    complaint_until = instant(call.definition, "complaint_window", sent_at)
    reserve_until = (
        instant(call.definition, "reserve_validity", sent_at) if decision.outcome is Outcome.RESERVE else None
    )
    award = _award(case, call, decision, sent_at) if decision.outcome is Outcome.AWARDED else None
    letter = papers.Letter(
        case.id,
        version,
        sent_at,
        complaint_until,
        reserve_until,
        letter_contents(call.definition, case, decision, sent_at, complaint_until, reserve_until, award),
    )
    await papers.add_letter(conn, letter)
    await archive_letter(conn, letter)
    events: list[Fact] = [
        LetterSent(
            application_id=case.id,
            call_id=case.call_id,
            version=version,
            outcome=decision.outcome,
            amount=decision.amount,
            conditions=decision.conditions,
            sent_at=sent_at,
            complaint_until=complaint_until,
            reserve_until=reserve_until,
            holder_id=case.holder_id,
            organisation=case.organisation,
        )
    ]
    if reserve_until is not None:
        await cases.set_reserve_until(conn, case.id, reserve_until)
    if award is not None:
        await grants.add_award(conn, award)
        await cases.add_step(conn, "grant", case.id, None, "make", GrantState.AWARDED, actor)
        events += _begin(call, award, decision.conditions, sent_at)
    body: dict[str, JsonValue] = {
        "version": version,
        "outcome": decision.outcome,
        "complaint_until": iso(complaint_until),
    }
    return Entry(str(case.id), actor, "letter.sent", body, events)


def _award(
    case: cases.Case, call: calls.Call, decision: decisions.Decision, sent_at: datetime
) -> grants.Award:
    base = start_base(
        call.definition, decided_at=decision.decided_at, sent_at=sent_at, published_at=call.published_at
    )
    times = award_times(call.definition, sent_at, base)
    return grants.Award(
        application_id=case.id,
        call_id=case.call_id,
        panel=case.panel,
        version=decision.version,
        state=GrantState.AWARDED,
        amount=decision.amount,
        organisation=case.organisation,
        holder_id=case.holder_id,
        made_at=sent_at,
        accept_due_at=times.accept_due_at,
        acceptance_lapses_at=times.acceptance_lapses_at,
        first_start_due_at=times.start_due_at,
        start_due_at=times.start_due_at,
        start_lapses_at=times.start_lapses_at,
    )


def _begin(call: calls.Call, award: grants.Award, conditions: list[str], sent_at: datetime) -> list[Fact]:
    facts: list[Fact] = [
        AwardMade(
            application_id=award.application_id,
            call_id=award.call_id,
            version=award.version,
            amount=award.amount,
            holder_id=award.holder_id,
            organisation=award.organisation,
            conditions=conditions,
            accept_due_at=award.accept_due_at,
            acceptance_lapses_at=award.acceptance_lapses_at,
            start_due_at=award.start_due_at,
            start_lapses_at=award.start_lapses_at,
        )
    ]
    # Who moves up after the publication still reaches the seminar, if it has not been held.
    if call.kickoff_at is not None and call.kickoff_at > sent_at:
        facts.append(
            KickoffPlanned(
                application_id=award.application_id,
                call_id=award.call_id,
                holder_id=award.holder_id,
                at=call.kickoff_at,
            )
        )
    return facts


async def offer_after_letters(conn: Connection, round_id: str, actor: Actor) -> None:
    """Places on the reserve list count once their letters are out: what is free by now is offered."""
    round_ = await decisions.find_round(conn, round_id)
    if round_ is None:
        raise NotFound
    panels = [each.panel for each in await decisions.proposals(conn, round_id)]
    pots = await lock_money(conn, round_.call_id, panels)
    entries = []
    for locked in pots.values():
        entries += await offer_free_money(conn, locked, actor, freed_by=None)
    if entries:
        await record_all(conn, entries)
