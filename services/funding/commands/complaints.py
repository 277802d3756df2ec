"""Complaints over the procedure: received from the institution, answered by someone who took no part."""

from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.common.db import Connection
from services.common.errors import FieldError, Invalid, NotFound, Refused, StepOutOfOrder
from services.common.record import Actor, Entry, record, record_all
from services.funding.commands.moves import iso, lock_case, lock_money, move_case
from services.funding.commands.offers import leave_list, withdraw_offer
from services.funding.domain.cases import CaseAction, CaseState, require_uninvolved
from services.funding.domain.grants import REQUEST, RequestAction, RequestState
from services.funding.domain.machine import move
from services.funding.events import ComplaintDecided, ComplaintReceived
from services.funding.store import cases, complaints, decisions, grants, papers, recommendations


class ComplaintTooLate(Refused):
    """The time for complaints about this decision is over."""


class ComplaintExists(Refused):
    """A complaint about this decision has been received already."""


class AwardStands(Refused):
    """An award is altered by asking for a change, not by a complaint."""


async def complain(
    conn: Connection,
    application_id: UUID,
    organisation: str,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    error: str,
    ground: str,
) -> int:
    """The institution complains about the newest decision, within the window of its letter. One per decision.

    The complaint has the number of the decision it is about, so that what follows from it (a new assessment,
    a new decision) is numbered without a gap or a clash.
    """
    case = await lock_case(conn, application_id)
    version = case.decision_version
    letter = await papers.find_letter(conn, application_id, version)
    if case.ended_as == "rejected":
        raise StepOutOfOrder(
            "a rejection has no decision letter: the trust complains in writing to the funder, until the "
            "instant that the mail about it names, and an adviser can undo it until then"
        )
    if letter is None:
        raise StepOutOfOrder("there is no decision to complain about yet")
    if case.state in (CaseState.AWARDED, CaseState.LOST):
        raise AwardStands
    if any(each.n == version for each in await complaints.complaints(conn, application_id)):
        raise ComplaintExists
    if at > letter.complaint_until:
        raise ComplaintTooLate(f"it had to be here by {iso(letter.complaint_until)}")
    await complaints.add_complaint(conn, application_id, version, error, ground, organisation, by, at)
    subject = f"{application_id}/{version}"
    await cases.add_step(conn, "complaint", subject, None, "ask", RequestState.ASKED, actor)
    await record(
        conn,
        key=str(application_id),
        actor=actor,
        action="complaint.received",
        body={"n": version, "error": error},
        events=[
            ComplaintReceived(application_id=application_id, call_id=case.call_id, n=version, version=version)
        ],
    )
    return version


async def answer_complaint(
    conn: Connection,
    application_id: UUID,
    n: int,
    by: UUID,
    actor: Actor,
    at: datetime,
    *,
    upheld: bool,
    stage: str | None,
    reason: str,
) -> None:
    """Dismiss the complaint, or uphold it and name the stage to return to.

    The old decision stands until the next one supersedes it. A place on the reserve list is left, and an
    offer that waits for an adviser is withdrawn with it. While the case moves up it is being decided anew, so
    then only a dismissal is possible.
    """
    found = await cases.find_case(conn, application_id)
    if found is None or not found.panel:
        raise NotFound
    pots = await lock_money(conn, found.call_id, [found.panel])
    case = await lock_case(conn, application_id)
    complaint = next(
        (each for each in await complaints.complaints(conn, application_id) if each.n == n), None
    )
    if complaint is None:
        raise NotFound
    require_uninvolved(by, await _took_part(conn, application_id))
    before = RequestState(complaint.state)
    offered: list[Entry] = []
    action = RequestAction.GRANT if upheld else RequestAction.REFUSE
    after = move(REQUEST, before, action)
    if upheld != (stage is not None):
        remedy = "assessment or decision" if upheld else "leave it out"
        raise Invalid("stage", errors=[FieldError("stage", stage, remedy)])
    if upheld:
        if case.decision_version != n:
            raise StepOutOfOrder("the case has been decided anew since")
        await move_case(conn, case, CaseAction.UPHOLD, actor, held=0)
        if case.state in (CaseState.RESERVE, CaseState.OFFERED):
            offered = await leave_list(conn, case, pots, actor)
        if case.state is CaseState.OFFERED:
            offered.insert(0, await withdraw_offer(conn, case, by, actor, at, reason="complaint upheld"))
    await complaints.answer_complaint(conn, complaint, after, stage, reason, by, at)
    await cases.add_step(conn, "complaint", f"{application_id}/{n}", before, action, after, actor)
    decided = ComplaintDecided(
        application_id=application_id,
        call_id=case.call_id,
        n=n,
        upheld=upheld,
        stage=stage,
        holder_id=case.holder_id,
        organisation=case.organisation,
    )
    body: dict[str, JsonValue] = {"n": n, "upheld": upheld, "stage": stage, "reason": reason}
    await record_all(
        conn, [Entry(str(application_id), actor, "complaint.decided", body, [decided]), *offered]
    )


async def _took_part(conn: Connection, application_id: UUID) -> list[UUID]:
    people = [
        *await recommendations.who_signed(conn, application_id),
        *await grants.who_moved(conn, application_id),
    ]
    for decision in await decisions.decisions_of_case(conn, application_id):
        people += [decision.prepared_by, decision.decided_by]
    return people
