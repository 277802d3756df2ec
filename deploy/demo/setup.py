"""Before the round: everybody signs in, the calls are published, the panels named."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from deploy.demo.actors.funder import members
from deploy.demo.calls import demo_call, real_call
from deploy.demo.client import Refusal, Session
from deploy.demo.world import WentWrong, World
from services.intake.events.call_definition import CallDefinition

_PATIENCE = 80


async def everybody_signs_in(world: World) -> None:
    """The first request of a person enters them into the directory; their language is chosen too."""
    for start in range(0, len(world.sessions), 8):
        batch = list(world.sessions.values())[start : start + 8]
        await asyncio.gather(*(_sign_in(session) for session in batch))
    world.tell("people", f"{len(world.sessions)} persons have signed in")


async def _sign_in(session: Session) -> None:
    me = await session.get("intake", "/v1/me")
    session.id = me["id"]
    if session.person.language != me["language"]:
        await session.patch("intake", "/v1/me", {"language": session.person.language})


async def publish_real_call(world: World) -> None:
    """The call of 2023 as it was published; closed since 25 October 2023, it refuses with the right words."""
    definition = real_call()
    adviser = world.as_("rhf-1")
    try:
        await adviser.post("intake", "/v1/calls", json.loads(definition.model_dump_json()))
        world.tell("2023", "the real call is published")
    except Refusal as refusal:
        if refusal.kind != "call-exists":
            raise
        world.tell("2023", "the real call was published before")
    body = {"call_id": definition.id, "category": "service", "organisation": "STOLAV"}
    try:
        await world.as_("holder-a01").post("intake", "/v1/applications", body)
    except Refusal as refusal:
        world.require(
            refusal.kind in ("deadline-passed", "call-is-closed"),
            "2023",
            f"refused with other words: {refusal}",
        )
        world.tell(
            "2023",
            f"refuses an application: {refusal.problem.get('title')}. {refusal.problem.get('detail', '')}",
        )
    else:
        world.require(False, "2023", "the closed call took a draft")


async def publish_demo_call(world: World, patience: int = 0) -> None:
    """The same call with the demo's times, under an id of this run's own."""
    now = datetime.now(UTC)
    await publish(world, demo_call(now, now.strftime("%Y%m%dt%H%M%S"), patience), now)


async def publish(world: World, definition: CallDefinition, now: datetime) -> None:
    """Publish this call: it is the one the round is played in."""
    call = await world.as_("rhf-1").post("intake", "/v1/calls", json.loads(definition.model_dump_json()))
    world.call_id, world.deadline, world.published_at = definition.id, definition.deadline, now
    world.endorsement_chain = {each.code: list(each.endorsement_chain) for each in definition.organisations}
    world.tell("call", f"{call['id']} is published, deadline {definition.deadline:%H:%M:%S} UTC")


async def name_panels(world: World) -> None:
    """The adviser names both panels as soon as review knows the call."""
    adviser = world.as_("rhf-1")
    for code, panel in world.cast.panels.items():
        path = f"/v1/calls/{world.call_id}/panels/{code}/members"
        await _as_soon_as_known(adviser, path, {"members": members(world, panel)})
    world.tell("panels", "both panels are named")


async def _as_soon_as_known(adviser: Session, path: str, body: dict[str, Any]) -> None:
    for _ in range(_PATIENCE):
        try:
            await adviser.put("review", path, body)
            return
        except Refusal as refusal:
            if refusal.status not in (404, 409, 422):
                raise
            last = refusal
        await asyncio.sleep(0.25)
    raise WentWrong(f"panels: {last}")
