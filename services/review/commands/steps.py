"""What a round does by itself, one function per step that `next_step` may find due."""

from uuid import UUID

from services.common.record import Fact
from services.review import events
from services.review.commands.moment import Moment, about, drop_task, enter, finish_task, start_task
from services.review.domain.panels import acting_chair, move
from services.review.domain.panels import choose_leads as balance
from services.review.domain.rounds import Participant, Standing
from services.review.store import assessments, participants, rounds
from workflows.contracts.tasks import (
    DECLARE_CONFLICTS,
    HOLD_MEETING,
    JUDGE_APPLICATIONS,
    NAME_STANDINS,
    SIGN_RECOMMENDATION,
)


async def _ask(moment: Moment, member: Participant, kind: str, column: str) -> list[Fact]:
    n = await participants.count_up(moment.conn, moment.round.id, member.person_id, column)
    return await start_task(moment, kind, n, "member", member.person_id)


async def ask_declarations(moment: Moment) -> list[Fact]:
    facts: list[Fact] = []
    for member in moment.standing.members:
        if moment.standing.owes_declaration(member) and not member.declaring:
            facts += await _ask(moment, member, DECLARE_CONFLICTS, "declarations")
    return facts


async def end_declarations(moment: Moment) -> list[Fact]:
    facts: list[Fact] = []
    for member in moment.standing.members:
        if member.declaring and not moment.standing.owes_declaration(member):
            n, _ = await participants.tasks_of(moment.conn, moment.round.id, member.person_id)
            await participants.change_member(moment.conn, moment.round.id, member.person_id, declaring=False)
            facts += await finish_task(moment, DECLARE_CONFLICTS, n, member.person_id)
            facts.append(events.ConflictsDeclared(**about(moment.round), person_id=member.person_id))
    return facts


async def settle(moment: Moment) -> list[Fact]:
    await enter(moment, "settle")
    return [events.ConflictsSettled(**about(moment.round), quorum=True)]


async def lose_quorum(moment: Moment) -> list[Fact]:
    await enter(moment, "lose_quorum")
    return [events.ConflictsSettled(**about(moment.round), quorum=False)]


async def assign(moment: Moment) -> list[Fact]:
    pairs = moment.standing.unassigned()
    await assessments.assign(moment.conn, moment.round.id, pairs)
    facts: list[Fact] = [
        events.AccessGranted(application_id=case, call_id=moment.round.call_id, person_id=person)
        for case, person in pairs
    ]
    for case in sorted({case for case, _ in pairs}) if moment.panel.pitch else []:
        holder = await rounds.invite_once(moment.conn, moment.round.id, case)
        if holder is not None:
            facts.append(
                events.PitchInvited(application_id=case, call_id=moment.round.call_id, holder_id=holder)
            )
    return facts


async def choose_leads(moment: Moment) -> list[Fact]:
    """A lead is an ordinary member where one scores the case; leads that still can keep their cases."""
    standing = moment.standing
    missing = standing.without_lead()
    able: dict[UUID, list[UUID]] = {}
    for case in standing.cases:
        lead = standing.leads.get(case)
        assigned = [m for m in standing.members if (case, m.person_id) in standing.assigned]
        ordinary = [m.person_id for m in assigned if not m.user_representative]
        able[case] = (
            (ordinary or [m.person_id for m in assigned]) if case in missing else [lead] if lead else []
        )
    chosen = balance(able)
    for case in missing:
        await assessments.set_lead(moment.conn, moment.round.id, case, chosen[case])
    return []


async def end_judging(moment: Moment) -> list[Fact]:
    facts: list[Fact] = []
    for member in moment.standing.members:
        if member.judging and not moment.standing.duties(member):
            _, n = await participants.tasks_of(moment.conn, moment.round.id, member.person_id)
            await participants.change_member(moment.conn, moment.round.id, member.person_id, judging=False)
            facts += await drop_task(moment, JUDGE_APPLICATIONS, n, member.person_id, because="no_cases_left")
    return facts


async def unlock(moment: Moment) -> list[Fact]:
    for member in moment.standing.members:
        if member.locked and moment.standing.unscored(member):
            await participants.change_member(moment.conn, moment.round.id, member.person_id, locked_at=None)
    return []


async def ask_judging(moment: Moment) -> list[Fact]:
    facts: list[Fact] = []
    for member in moment.standing.members:
        if moment.standing.duties(member) and not member.judging and not member.locked:
            facts += await _ask(moment, member, JUDGE_APPLICATIONS, "judgings")
    return facts


async def stop_asking_leader(moment: Moment, because: str) -> list[Fact]:
    """Whoever was asked to hold the meeting, or to sign, is not asked any more."""
    if moment.round.led_by is None:
        return []
    await rounds.change(moment.conn, moment.round.id, led_by=None)
    if moment.round.state == "met":
        return await drop_task(moment, SIGN_RECOMMENDATION, moment.round.signings, because=because)
    return await drop_task(moment, HOLD_MEETING, moment.round.meetings, because=because)


async def reopen(moment: Moment) -> list[Fact]:
    """Back to assessing: the ranking is void, and nobody is asked to meet or sign any more."""
    facts = await stop_asking_leader(moment, "reopened")
    await enter(moment, "reopen")
    await rounds.change(moment.conn, moment.round.id, tie_breaks=[])
    await assessments.clear_placings(moment.conn, moment.round.id)
    return facts


async def ask_standins(moment: Moment) -> list[Fact]:
    """Ask the advisers to name stand-ins (fvl. § 9)."""
    n = moment.round.standins_asked + 1
    await rounds.change(moment.conn, moment.round.id, standins_asked=n, standins_wanted=True)
    return await start_task(moment, NAME_STANDINS, n, "rhf_adviser")


async def drop_standins(moment: Moment) -> list[Fact]:
    """A case that cost the quorum has ended: nobody need stand in."""
    await rounds.change(moment.conn, moment.round.id, standins_wanted=False)
    return await drop_task(moment, NAME_STANDINS, moment.round.standins_asked, because="quorum_holds")


async def regain_quorum(moment: Moment) -> list[Fact]:
    await enter(moment, "regain_quorum")
    return []


async def complete(moment: Moment) -> list[Fact]:
    await enter(moment, "complete")
    return [events.ScoresComplete(**about(moment.round))]


def chair_now(standing: Standing) -> UUID | None:
    """Who leads the round's meeting and signs, conflicts considered."""
    return acting_chair(standing.members, standing.cases, standing.conflicts)


async def call_meeting(moment: Moment) -> list[Fact]:
    n, chair = moment.round.meetings + 1, chair_now(moment.standing)
    await rounds.change(moment.conn, moment.round.id, meetings=n, led_by=chair)
    return await start_task(moment, HOLD_MEETING, n, "chair", chair)


async def ask_signature(moment: Moment) -> list[Fact]:
    n, chair = moment.round.signings + 1, chair_now(moment.standing)
    await rounds.change(moment.conn, moment.round.id, signings=n, led_by=chair)
    return await start_task(moment, SIGN_RECOMMENDATION, n, "chair", chair)


async def meet_without_cases(moment: Moment) -> list[Fact]:
    facts = await stop_asking_leader(moment, "no_cases_left")
    await rounds.set_met(moment.conn, moment.round.id, move(moment.round.state, "meet"), [])
    return [*facts, events.MeetingHeld(**about(moment.round))]


async def sign_without_cases(moment: Moment) -> list[Fact]:
    facts = await stop_asking_leader(moment, "no_cases_left")
    await rounds.set_signed(moment.conn, moment.round.id, move(moment.round.state, "sign"), None)
    return [*facts, events.RecommendationSigned(**about(moment.round), signed_by=None, application_ids=[])]
