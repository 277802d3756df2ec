"""A locked round at one moment, and what every step of it needs."""

from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from services.common.db import Connection
from services.common.errors import StepOutOfOrder
from services.common.record import Actor, Fact
from services.intake.events.call_definition import Panel
from services.review.commands.panel_terms import panel_of
from services.review.commands.tasks import cancel_task, close_task, open_task
from services.review.commands.terms import get_call
from services.review.domain.panels import move
from services.review.domain.rounds import Standing
from services.review.store import rounds
from services.review.store.cases import lock_case
from services.review.store.rounds import Round
from workflows.contracts.review import OpenTask
from workflows.contracts.tasks import DECLARE_CONFLICTS, JUDGE_APPLICATIONS


@dataclass(frozen=True)
class Moment:
    """A locked round as it stands, and who takes it further."""

    conn: Connection
    round: Round
    standing: Standing
    panel: Panel
    by: Actor


class About(TypedDict):
    round_id: str
    call_id: str
    panel: str
    application_id: UUID | None


def about(round_: Round) -> About:
    """What every fact of the round carries."""
    return About(
        round_id=round_.id,
        call_id=round_.call_id,
        panel=round_.panel,
        application_id=round_.application_id,
    )


async def lock_round(conn: Connection, round_id: str) -> Round | None:
    """The round under lock, after its case where it is the round of one case (the order of locks)."""
    found = await rounds.get(conn, round_id)
    if found is None:
        return None
    if found.application_id is not None:
        await lock_case(conn, found.application_id)
    return await rounds.lock(conn, round_id)


async def moment_of(conn: Connection, round_id: str, by: Actor, panel: Panel | None = None) -> Moment:
    """The round, which the caller has locked; `panel` if the caller has read its terms already."""
    round_ = await rounds.get(conn, round_id)
    assert round_ is not None
    if panel is None:
        panel = panel_of(await get_call(conn, round_.call_id), round_.panel)
    return Moment(conn, round_, await rounds.standing(conn, round_), panel, by)


def require_awake(moment: Moment) -> None:
    """StepOutOfOrder while the one case of the round has ended: its tasks rest, for an undo."""
    if moment.standing.rests:
        raise StepOutOfOrder("The application has ended.")


async def enter(moment: Moment, action: str) -> None:
    """Move the round to the state the action leads to. Raises StepOutOfOrder."""
    state = move(moment.round.state, action)
    await rounds.change(moment.conn, moment.round.id, state=state)


async def start_task(
    moment: Moment, kind: str, n: int, role: str, person_id: UUID | None = None
) -> list[Fact]:
    """Open the round's task of this kind."""
    return await open_task(
        moment.conn,
        OpenTask(
            subject=_subject(moment, kind, person_id),
            kind=kind,
            n=str(n),
            call_id=moment.round.call_id,
            application_id=moment.round.application_id,
            role=role,
            person_id=person_id,
        ),
    )


def _subject(moment: Moment, kind: str, person_id: UUID | None) -> str:
    """A member's own task has a subject of its own."""
    return (
        f"{moment.round.id}/{person_id}"
        if kind in (DECLARE_CONFLICTS, JUDGE_APPLICATIONS)
        else moment.round.id
    )


async def finish_task(moment: Moment, kind: str, n: int, person_id: UUID | None = None) -> list[Fact]:
    """Close the round's task of this kind: what was waited for has happened."""
    return await close_task(
        moment.conn,
        _subject(moment, kind, person_id),
        kind,
        str(n),
        by=moment.by,
        call_id=moment.round.call_id,
        application_id=moment.round.application_id,
    )


async def drop_task(
    moment: Moment, kind: str, n: int, person_id: UUID | None = None, *, because: str
) -> list[Fact]:
    """Cancel the round's task of this kind: it is not needed any more."""
    subject = _subject(moment, kind, person_id)
    return await cancel_task(moment.conn, subject, kind, str(n), by=moment.by, because=because)
