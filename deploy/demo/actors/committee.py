"""Panel members: conflicts, scores, meeting, recommendation. One of them has a conflict, and meets a wall."""

from __future__ import annotations

from uuid import uuid4

from deploy.demo.client import Refusal, Session
from deploy.demo.worklist import Act, Task, follow, path_of
from deploy.demo.world import World


def committee_acts(world: World) -> dict[str, Act]:
    async def declare(session: Session, task: Task) -> bool:
        round_id = _round_of(task)
        cases = await session.get("review", f"/v1/rounds/{round_id}/cases")
        conflicts = _conflicts(world, session.person.id)
        declarations = [
            {
                "application_id": case["application_id"],
                "conflict": world.ref(case["application_id"]) in conflicts,
                "ground": "Nær samarbeidspartner" if world.ref(case["application_id"]) in conflicts else None,
            }
            for case in cases["items"]
        ]
        await follow(session, task, {"declarations": declarations})
        for ref in conflicts:
            await _meets_a_wall(world, session, round_id, ref, cases["count"])
        return True

    async def judge(session: Session, task: Task) -> bool:
        round_id = _round_of(task)
        mine = await session.get("review", f"/v1/rounds/{round_id}/assessments")
        for item in mine["items"]:
            role = world.role(item["application_id"])
            assert role is not None
            again = round_id.startswith(str(item["application_id"]))
            given = role.scores_again if again else role.scores
            scores = dict(zip(item["criteria"], given, strict=True))
            path = f"/v1/rounds/{round_id}/assessments/{item['application_id']}"
            await session.put("review", path, {"scores": scores, "comment": "Vurdert etter utlysningen."})
        await follow(session, task, {})
        return True

    async def meet(session: Session, task: Task) -> bool:
        await follow(session, task, {})
        return True

    return {
        "declare_conflicts": declare,
        "judge_applications": judge,
        "hold_meeting": meet,
        "sign_recommendation": meet,
    }


def _round_of(task: Task) -> str:
    return path_of(task)[2].split("/")[3]


def _conflicts(world: World, person_id: str) -> list[str]:
    return [
        ref
        for panel in world.cast.panels.values()
        for member, refs in panel.conflicts.items()
        if member == person_id
        for ref in refs
    ]


async def _meets_a_wall(world: World, session: Session, round_id: str, ref: str, before: int) -> None:
    """From now on the case does not exist for this member: not by id, not in lists or counts, not to vote
    on."""
    case = world.ids[ref]
    cases = await session.get("review", f"/v1/rounds/{round_id}/cases")
    world.require(
        cases["count"] == before - 1, ref, f"a conflicted member still counts {cases['count']} cases"
    )
    world.require(case not in str(cases), ref, "a conflicted member still has the case in the list")
    for service, path in (
        ("review", "/v1/cases/{}"),
        ("intake", "/v1/applications/{}"),
        ("notify", "/v1/cases/{}/messages"),
        ("funding", "/v1/cases/{}/decisions"),
    ):
        theirs = await session.status(service, path.format(case))
        unknown = await session.status(service, path.format(uuid4()))
        world.require(
            theirs == unknown == 404, ref, f"{service} answers a conflicted member {theirs}, not as unknown"
        )
    listed = await session.get("intake", "/v1/applications", call_id=world.call_id)
    world.require(case not in str(listed), ref, "a conflicted member still finds the application")
    try:
        scores = {"scores": {}, "comment": ""}
        await session.put("review", f"/v1/rounds/{round_id}/assessments/{case}", scores)
        world.require(False, ref, "the vote of a conflicted member was taken")
    except Refusal as refusal:
        world.require(refusal.status in (404, 409), ref, f"a conflicted vote met {refusal.status}")
    world.saw(ref, "conflict")
