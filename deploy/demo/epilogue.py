"""When all have ended: what must be true of the whole round, seen from outside."""

from __future__ import annotations

import asyncio

from deploy.demo.mail_log import messages_about, messages_since
from deploy.demo.world import World

_QUIET_TRIES = 60


async def after_the_round(world: World) -> None:
    """Wait until the last mails are out, then check conditions, pauses, and the silence around a conflict."""
    await _mails_are_out(world)
    await _waited_is_split(world)
    await _conflict_was_silent(world)
    await _reports_are_approved(world)
    for ref, role in world.cast.applications.items():
        more = sorted(world.seen[ref] - set(role.seen))
        world.require(not more, ref, f"seen, and not in the cast: {more}")


async def _mails_are_out(world: World) -> None:
    for _ in range(_QUIET_TRIES):
        log = await messages_since(world, world.published_at)
        left = [each for each in log if each["status"] in ("queued", "sending", "unaddressed")]
        if not left:
            return
        await asyncio.sleep(0.5)
    world.require(False, "mail", f"{len(left)} mails are not out, such as {left[0]['template']}")


async def _waited_is_split(world: World) -> None:
    role = world.cast.applications["A13"]
    path = f"/v1/applications/{world.ids['A13']}/status"
    waited = (await world.holder(role).get("intake", path))["waited"]
    split = waited["us"] > 0 and waited["them"] >= world.pause_seconds - 1
    world.require(split, "A13", f"waited {waited}, but the clock stood still for {world.pause_seconds:.1f} s")
    decisions = await world.holder(role).get("funding", f"/v1/cases/{world.ids['A13']}/decisions")
    world.require(
        "adjusted_plan_HP" in str(decisions), "A13", "the decision has no condition from Helseplattformen"
    )


async def _conflict_was_silent(world: World) -> None:
    for panel in world.cast.panels.values():
        for member, refs in panel.conflicts.items():
            for ref in refs:
                person = world.as_(member).id
                told = [
                    each
                    for each in await messages_about(world, ref)
                    if each["person_id"] == person and each["status"] == "sent"
                ]
                world.require(not told, ref, f"{member} has a conflict and got {len(told)} mails about it")


async def _reports_are_approved(world: World) -> None:
    for role in world.cast.applications.values():
        if "report_approved" in role.seen:
            grant = await world.holder(role).get("funding", f"/v1/grants/{world.ids[role.ref]}")
            first = [each["state"] for each in grant["reports"] if (each["kind"], each["n"]) == ("yearly", 1)]
            world.require(first == ["approved"], role.ref, f"the first yearly report is {first}")
