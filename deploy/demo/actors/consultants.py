"""Those who are consulted: Helseplattformen, Hemit, NTNU TTO."""

from __future__ import annotations

from datetime import timedelta

from deploy.demo.client import Session
from deploy.demo.worklist import Act, Task, follow
from deploy.demo.world import World, instant

_ABOUT_RIGHT = timedelta(seconds=1)


def consultant_acts(world: World) -> dict[str, Act]:
    """Answers at once; nothing at all about A16, and about A13 only after a question has been answered."""

    async def consult(session: Session, task: Task) -> bool:
        ref = world.ref(task["application_id"])
        if ref == "A16":
            world.listed[ref] = task["id"]
            world.flag("A16 consultation listed").set()
            return True
        if ref == "A13" and not await _answered(world, session, task):
            return False
        outcome = "adjust" if ref == "A13" else "feasible"
        reason = {
            "adjust": "Planen må tilpasses leveransene i neste periode.",
            "feasible": "Kan gjennomføres slik det er planlagt.",
        }[outcome]
        await follow(session, task, {"outcome": outcome, "reason": reason})
        return True

    async def confirm_plan(session: Session, task: Task) -> bool:
        body = {"organisation": session.person.org, "confirmed": True, "reason": "Planen passer nå."}
        await follow(session, task, body)
        return True

    return {"consult": consult, "confirm_plan": confirm_plan}


async def _answered(world: World, session: Session, task: Task) -> bool:
    """A13: ask, which stops the clock; when the answer is there, check that nothing but the pause moved
    it."""
    path = f"/v1/cases/{task['application_id']}/questions"
    if "A13" not in world.listed:
        world.listed["A13"] = task["id"]
        world.first_due = task["due_at"]
        await session.post(
            "review",
            path,
            {
                "text": "Hvilken del av journalen skal verktøyet lese fra?",
                "of": "holder",
                "task_id": task["id"],
            },
        )
        paused = await session.get("review", f"/v1/tasks/{task['id']}")
        world.require(
            paused["state"] == "paused", "A13", f"the consultation is {paused['state']}, not paused"
        )
        world.doing["A13"] = "owes Helseplattformen an answer; the clock stands still"
        world.saw("A13", "paused")
        return False
    [question] = (await session.get("review", path))["items"]
    if question["answer"] is None:
        return False
    stood_still = instant(question["answered_at"]) - instant(question["asked_at"])
    moved = instant(task["due_at"]) - instant(world.first_due)
    world.require(
        abs(moved - stood_still) < _ABOUT_RIGHT,
        "A13",
        f"the clock stood still for {stood_still}, but due moved by {moved}",
    )
    world.pause_seconds = stood_still.total_seconds()
    return True
