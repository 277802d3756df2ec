"""Who sits in a panel, and who stands in for a round."""

from collections.abc import Collection, Sequence
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection
from services.common.errors import FieldError, Invalid, NotFound, Refused, StepOutOfOrder
from services.common.record import Actor, Fact
from services.intake.events.call_definition import Panel
from services.review import events
from services.review.commands.moment import (
    Moment,
    about,
    drop_task,
    enter,
    finish_task,
    lock_round,
    moment_of,
    require_awake,
)
from services.review.commands.panel_terms import panel_of
from services.review.commands.progress import advance
from services.review.commands.recording import record_facts
from services.review.commands.steps import stop_asking_leader
from services.review.domain.panels import Member
from services.review.domain.rounds import Participant
from services.review.store import assessments, cases, panels, participants, people, rounds
from workflows.contracts.ids import panel_round_id
from workflows.contracts.tasks import DECLARE_CONFLICTS, JUDGE_APPLICATIONS, NAME_STANDINS


class RoundStarted(Refused):
    """The panel's round has started; its members can no longer be replaced."""


class NoStandInsWanted(Refused):
    """The round does not need stand-ins now."""


async def name_members(
    conn: Connection, call_id: str, panel_code: str, members: Sequence[Member], by: Actor
) -> None:
    """Set who sits in the panel. Raises NotFound, Invalid and, once members have been asked to declare,
    RoundStarted."""
    call = await cases.lock_call(conn, call_id)
    if call is None:
        raise NotFound
    panel = panel_of(call, panel_code)
    round_id = panel_round_id(call_id, panel_code)
    await rounds.begin(conn, round_id, call_id, panel_code, None, "gathering")
    round_ = await rounds.lock(conn, round_id)
    if round_ is None or round_.state != "gathering":
        raise RoundStarted
    _check(members)
    _check_panel(members, panel)
    await _require_signed_in(conn, members)
    await panels.replace_members(conn, call_id, panel_code, members)
    body: dict[str, JsonValue] = {"panel": panel_code, "members": [str(each.person_id) for each in members]}
    await record_facts(conn, by, "panel.members-named", body, [], key=call_id)


async def name_standins(
    conn: Connection, round_id: str, members: Sequence[Member], by: Actor, named_by: UUID
) -> None:
    """Add members to a round without quorum; they declare conflicts next.

    In a re-assessment nobody may stand in who took part in assessing the case before. Raises NotFound,
    NoStandInsWanted, Invalid, and StepOutOfOrder while the one case of the round has ended.
    """
    round_ = await lock_round(conn, round_id)
    if round_ is None:
        raise NotFound
    moment = await moment_of(conn, round_id, by)
    require_awake(moment)
    if not round_.standins_wanted:
        raise NoStandInsWanted
    _check(members)
    await _require_signed_in(conn, members)
    present = await participants.ever_members(conn, round_id)
    _refuse(members, present, "name somebody else: is, or was, a member of this round")
    if any(each.chair for each in moment.standing.members):
        _refuse(
            [m for m in members if m.chair],
            {m.person_id for m in members},
            "leave chair out: the round has one",
        )
    if round_.application_id is not None:
        earlier = await panels.took_part(conn, round_.application_id, round_id)
        _refuse(members, earlier, "name somebody else: took part in assessing this application before")
        if not any(each.chair for each in (*members, *moment.standing.members)):
            raise _invalid("members", "name one of them as chair")
    await participants.add_members(conn, round_id, members, standin=True)
    await rounds.change(conn, round_id, standins_wanted=False)
    if round_.state == "short":
        await enter(moment, "name_standins")
    facts = await finish_task(moment, NAME_STANDINS, round_.standins_asked)
    facts.append(events.StandInsNamed(**about(round_), named_by=named_by))
    facts += await advance(conn, round_id, by)
    body: dict[str, JsonValue] = {"round_id": round_id, "members": [str(each.person_id) for each in members]}
    await record_facts(conn, by, "round.standins-named", body, facts, key=round_.key)


async def stand_down(conn: Connection, round_id: str, person_id: UUID, reason: str, by: Actor) -> None:
    """A member who cannot take part after all (illness, say) leaves the round.

    Access and scores not yet locked go; locked scores count, and somebody else leads and signs. If quorum is
    lost, stand-ins are asked for. Raises NotFound, Invalid for who is no member, and StepOutOfOrder once the
    recommendation is signed, or while the one case of the round has ended.
    """
    round_ = await lock_round(conn, round_id)
    if round_ is None:
        raise NotFound
    moment = await moment_of(conn, round_id, by)
    member = next((each for each in moment.standing.members if each.person_id == person_id), None)
    if member is None:
        raise Invalid(
            "The person is no member of the round.",
            errors=[FieldError("person_id", str(person_id), "name a member of this round")],
        )
    require_awake(moment)
    if round_.state == "signed":
        raise StepOutOfOrder("The recommendation is signed.")
    facts: list[Fact] = []
    if round_.led_by == person_id:
        facts += await stop_asking_leader(moment, "stood_down")
    if member.locked:
        await participants.set_away(conn, round_id, person_id)
    else:
        facts += await _leave(moment, member)
    facts += await advance(conn, round_id, by)
    body: dict[str, JsonValue] = {"round_id": round_id, "person_id": str(person_id), "reason": reason}
    await record_facts(conn, by, "round.stood-down", body, facts, key=round_.key)


async def _leave(moment: Moment, member: Participant) -> list[Fact]:
    conn, round_id, person_id = moment.conn, moment.round.id, member.person_id
    await participants.lock_member(conn, round_id, person_id)
    facts: list[Fact] = []
    declarations, judgings = await participants.tasks_of(conn, round_id, person_id)
    if member.declaring:
        facts += await drop_task(moment, DECLARE_CONFLICTS, declarations, person_id, because="stood_down")
    if member.judging:
        facts += await drop_task(moment, JUDGE_APPLICATIONS, judgings, person_id, because="stood_down")
    for case in await assessments.unassign_round(conn, round_id, person_id):
        facts.append(
            events.AccessRevoked(application_id=case, call_id=moment.round.call_id, person_id=person_id)
        )
    await participants.set_stood_down(conn, round_id, person_id)
    return facts


async def _require_signed_in(conn: Connection, members: Sequence[Member]) -> None:
    """An invited person signs in under another id, for which no task would wait."""
    invited = await people.never_signed_in(conn, [each.person_id for each in members])
    _refuse(members, invited, "name them once they have signed in by their invitation")


def _check(members: Sequence[Member]) -> None:
    if not members:
        raise _invalid("members", "name at least one member")
    ids = [each.person_id for each in members]
    errors = [
        FieldError(f"members.{n}.person_id", str(each), "name each person once")
        for n, each in enumerate(ids)
        if each in ids[:n]
    ]
    errors += [
        FieldError(f"members.{n}", str(each.person_id), "a user representative cannot be the chair")
        for n, each in enumerate(members)
        if each.chair and each.user_representative
    ]
    if errors:
        raise Invalid("The members cannot be named like this.", errors=errors)
    if sum(each.chair for each in members) > 1:
        raise _invalid("members", "name only one of them as chair")


def _check_panel(members: Sequence[Member], panel: Panel) -> None:
    """A panel that could never have quorum is refused when it is named, not when it is to meet."""
    if not any(each.chair for each in members):
        raise _invalid("members", "name one of them as chair")
    representatives = sum(each.user_representative for each in members)
    if len(members) < panel.quorum:
        raise _invalid("members", f"name at least {panel.quorum}: the panel's quorum")
    if representatives < panel.quorum_user_representatives:
        needed = panel.quorum_user_representatives
        raise _invalid("members", f"name at least {needed} user representative(s): the panel's quorum")


def _refuse(members: Sequence[Member], persons: Collection[UUID], remedy: str) -> None:
    errors = [
        FieldError("members", str(each.person_id), remedy) for each in members if each.person_id in persons
    ]
    if errors:
        raise Invalid("The members cannot be named like this.", errors=errors)


def _invalid(field: str, remedy: str) -> Invalid:
    return Invalid("The members cannot be named like this.", errors=[FieldError(field, None, remedy)])
