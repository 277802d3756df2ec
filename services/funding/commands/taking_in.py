"""What funding keeps of the other services' facts: calls with pots, cases, recommendations, conflicts."""

from services.common.db import Connection
from services.common.record import Actor, record, record_all
from services.funding.commands.left_out import leave_out
from services.funding.domain.grants import PLAN_CONDITION
from services.funding.store import calls, cases, decisions, recommendations
from services.intake.events import ApplicationSubmitted, CallPublished, DeadlineMoved
from services.review.events import (
    CaseRecommended,
    ConflictDeclared,
    ConsultationAnswered,
    RecommendationSigned,
)

_SERVICE = Actor("service", "funding")


async def take_in_call(conn: Connection, fact: CallPublished) -> None:
    """The call with one pot per panel. Once per call."""
    if not await calls.add_call(conn, fact.call_id, fact.definition, fact.deadline):
        return
    pots = {panel["code"]: panel["pot"] for panel in fact.definition["panels"]}
    await record(conn, key=fact.call_id, actor=_SERVICE, action="call.taken_in", body={"pots": pots})


async def move_deadline(conn: Connection, fact: DeadlineMoved) -> None:
    """The common deadline moved."""
    await calls.set_deadline(conn, fact.call_id, fact.deadline)


async def take_in_submission(conn: Connection, fact: ApplicationSubmitted) -> None:
    """The case's particulars; those of an older version change nothing."""
    await cases.hear_of(conn, fact.application_id, fact.call_id)
    await cases.write_submission(conn, fact)


async def take_in_recommendation(conn: Connection, fact: CaseRecommended) -> None:
    """What the panel recommends for one case. Once per round and case."""
    await cases.hear_of(conn, fact.application_id, fact.call_id)
    await recommendations.add_recommendation(conn, fact)


async def take_in_answer(conn: Connection, fact: ConsultationAnswered) -> None:
    """A plan must be adjusted (X15): where the panel had signed by then, its recommendation gets the
    condition now, and so does what is proposed and not decided yet."""
    if fact.outcome != "adjust":
        return
    await decisions.lock_round_of_call(conn, fact.call_id)
    await decisions.lock_rounds_of_case(conn, fact.application_id)
    condition = PLAN_CONDITION + fact.organisation
    if await recommendations.add_condition(conn, fact.application_id, condition):
        await record(
            conn,
            key=str(fact.application_id),
            actor=_SERVICE,
            action="condition.added",
            body={"condition": condition},
        )


async def take_in_signature(conn: Connection, fact: RecommendationSigned) -> None:
    """The panel's list is complete: these cases and no others. A case that was assessed by itself may have
    missed the call's decision, or there is none to wait for."""
    await decisions.lock_round_of_call(conn, fact.call_id)
    await recommendations.add_panel_round(conn, fact)
    entries = await leave_out(conn, fact.call_id, _SERVICE, fact.application_id)
    if entries:
        await record_all(conn, entries)


async def take_in_conflict(conn: Connection, fact: ConflictDeclared) -> None:
    """From now on the case does not exist for that person."""
    await cases.add_conflict(conn, fact.application_id, fact.person_id)
