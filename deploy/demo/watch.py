"""Keeps the newest status of every application, as its holder sees it, until all have ended as the cast
says."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from deploy.demo.cast import Role
from deploy.demo.world import WentWrong, World

_LOOK_SECONDS = 0.7
_LOOK_CLOSER_SECONDS = 2.0


async def watch(world: World, seconds: float) -> None:
    """Return when every ending and everything to be seen was reached. WentWrong after `seconds`, naming what
    is
    missing and what each application waits for."""
    stages: dict[str, str] = {}
    looked: dict[str, float] = {}
    until = time.monotonic() + seconds
    while True:
        for line in await _list(world):
            ref = world.ref(line["id"])
            if ref is None:
                continue
            changed = stages.get(ref) != line["stage"]
            stages[ref] = line["stage"]
            role = world.cast.applications[ref]
            under_way = line["stage"] != "draft" and not world.done(role)
            if changed or (under_way and time.monotonic() > looked.get(ref, 0)):
                looked[ref] = time.monotonic() + _LOOK_CLOSER_SECONDS
                await _look(world, role)
        if all(world.done(role) for role in world.cast.applications.values()):
            return
        if time.monotonic() > until:
            raise WentWrong(await unfinished(world))
        await asyncio.sleep(_LOOK_SECONDS)


async def _list(world: World) -> list[dict[str, Any]]:
    page = await world.as_("rhf-1").get("intake", "/v1/applications", call_id=world.call_id, limit=100)
    items: list[dict[str, Any]] = page["items"]
    return items


async def _look(world: World, role: Role) -> None:
    before = world.status.get(role.ref, {})
    path = f"/v1/applications/{world.ids[role.ref]}/status"
    status = await world.holder(role).get("intake", path)
    world.status[role.ref] = status
    if status["outcomes"] != before.get("outcomes", []):
        world.tell(role.ref, " then ".join(status["outcomes"]))
        world.flag(f"{role.ref} {status['outcomes'][-1]}").set()
    reached = tuple(status["outcomes"])
    if reached != role.outcomes[: len(reached)]:
        raise WentWrong(f"{role.ref} ended {list(reached)}, expected {list(role.outcomes)}")
    if status["outcomes"] == ["reserve", "awarded"]:
        world.saw(role.ref, "moved_up")


async def unfinished(world: World) -> str:
    """What each application that has not ended waits for."""
    lines = ["the demo did not end in time:"]
    adviser = world.as_("rhf-1")
    page = await adviser.get("review", "/v1/tasks", view="all", call_id=world.call_id, limit=200)
    for ref, role in world.cast.applications.items():
        if world.done(role):
            continue
        status = world.status.get(ref, {})
        waits = [
            f"{task['kind']} of {task['audience']['role']} (due {task['due_at'][11:19]})"
            for task in page["items"]
            if world.ref(task["application_id"]) == ref
        ]
        missing = sorted(set(role.seen) - world.seen[ref])
        lines.append(
            f"  {ref}: stage {status.get('stage', 'draft')}, outcomes {status.get('outcomes', [])}, "
            f"expected {list(role.outcomes)}, not seen {missing}; {world.doing.get(ref, '')}; "
            f"open tasks: {', '.join(waits) or 'none'}"
        )
    others = [f"{task['kind']} on {task['subject']}" for task in page["items"] if not task["application_id"]]
    lines.append(f"  other open tasks: {', '.join(others) or 'none'}")
    return "\n".join(lines)
