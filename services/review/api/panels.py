"""Routes of panels: who sits in them, and who stands in."""

from collections.abc import Iterable
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.common.auth import CallerDep
from services.common.db import Connection
from services.common.denials import noting_denials
from services.common.http import Body, DatabaseDep
from services.common.idempotency import once
from services.review.api.visible_rounds import visible_round
from services.review.commands import panels as commands
from services.review.commands.panel_terms import panel_of
from services.review.domain.panels import Member
from services.review.policy import STAFF, Act, permit, permit_role
from services.review.store import cases, panels, rounds

router = APIRouter(prefix="/v1", tags=["panels"])

_PERSON = "0b3c7f5e-4f0a-5d0c-9a52-6f1d8f0f3c11"


class MemberIn(Body):
    """One member; user representatives score every criterion like the others."""

    person_id: UUID
    chair: bool = False
    user_representative: bool = False


class Members(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"members": [{"person_id": _PERSON, "chair": True}]}]}
    )
    members: list[MemberIn] = Field(max_length=50)


class MemberOut(BaseModel):
    person_id: UUID
    chair: bool
    user_representative: bool
    away: bool = Field(description="gone since locking their scores; somebody else leads")


class MembersOut(BaseModel):
    members: list[MemberOut]


@router.put("/calls/{call_id}/panels/{panel}/members")
async def name_members(
    call_id: str, panel: str, body: Members, caller: CallerDep, database: DatabaseDep
) -> MembersOut:
    """Name everyone who sits in the panel, with exactly one chair, until its round starts."""
    async with (
        noting_denials(database, caller, "name_members", call_id),
        database.transaction() as conn,
    ):
        permit_role(caller, Act.NAME_MEMBERS)
        await commands.name_members(conn, call_id, panel, _members(body), caller.actor)
        return await _members_of(conn, call_id, panel)


@router.get("/calls/{call_id}/panels/{panel}/members")
async def list_members(call_id: str, panel: str, caller: CallerDep, database: DatabaseDep) -> MembersOut:
    """Everyone who sits in the panel."""
    async with noting_denials(database, caller, "list_members", call_id), database.read() as conn:
        found = await _members_of(conn, call_id, panel)
        call = await cases.get_call(conn, call_id)
        theirs = set(caller.roles & STAFF)
        if any(each.person_id == caller.person_id for each in found.members):
            theirs.add("member")
        permit(caller, Act.SEE_MEMBERS, frozenset(theirs) if call is not None else frozenset())
        assert call is not None
        panel_of(call, panel)
        return found


@router.put("/rounds/{round_id}/standins")
async def name_standins(round_id: str, body: Members, caller: CallerDep, database: DatabaseDep) -> MembersOut:
    """Name stand-ins for a round without quorum, or the members of a re-assessment."""
    async with (
        noting_denials(database, caller, "name_standins", round_id),
        database.transaction() as conn,
    ):
        permit_role(caller, Act.NAME_STANDINS)
        await visible_round(conn, caller, round_id, Act.NAME_STANDINS)
        members = _members(body)
        await commands.name_standins(conn, round_id, members, caller.actor, caller.person_id)
        round_ = await rounds.get(conn, round_id)
        assert round_ is not None
        standing = await rounds.standing(conn, round_)
        return _out(standing.members)


class StandDown(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"person_id": _PERSON, "reason": "Ill for the rest of the month."}]}
    )
    person_id: UUID
    reason: str = Field(min_length=1, max_length=4000)


@router.post("/rounds/{round_id}/stand-down", status_code=201, response_model=MembersOut)
async def stand_down(
    round_id: str, body: StandDown, request: Request, caller: CallerDep, database: DatabaseDep
) -> Response:
    """Take a member who cannot take part after all out of the round; returns who is left."""

    async def run(conn: Connection) -> MembersOut:
        permit_role(caller, Act.STAND_DOWN)
        seen = await visible_round(conn, caller, round_id, Act.STAND_DOWN)
        await commands.stand_down(conn, round_id, body.person_id, body.reason, caller.actor)
        return _out((await rounds.standing(conn, seen.round)).members)

    async with noting_denials(database, caller, "stand_down", round_id):
        return await once(request, caller, database, run)


def _members(body: Members) -> list[Member]:
    return [Member(each.person_id, each.chair, each.user_representative) for each in body.members]


async def _members_of(conn: Connection, call_id: str, panel: str) -> MembersOut:
    return _out(await panels.members_of(conn, call_id, panel))


def _out(members: Iterable[Member]) -> MembersOut:
    return MembersOut(
        members=[
            MemberOut(
                person_id=each.person_id,
                chair=each.chair,
                user_representative=each.user_representative,
                away=each.away,
            )
            for each in members
        ]
    )
