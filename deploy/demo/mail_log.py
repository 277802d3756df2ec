"""The log of everything sent, read as the operator does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from deploy.demo.world import World, instant

Line = dict[str, Any]


async def messages_about(world: World, ref: str) -> list[Line]:
    """Every message about this application."""
    return await _pages(world, {"application_id": world.ids[ref]}, None)


async def messages_since(world: World, since: datetime) -> list[Line]:
    """Every message written since then, about whatever."""
    return await _pages(world, {}, since)


async def _pages(world: World, params: dict[str, str], since: datetime | None) -> list[Line]:
    operator = world.as_("operator")
    found: list[Line] = []
    while True:
        page = await operator.get("notify", "/v1/messages", **params)
        found += page["items"]
        older = since is not None and found and instant(found[-1]["created_at"]) < since
        if page["next"] is None or older:
            return [each for each in found if since is None or instant(each["created_at"]) >= since]
        params = params | {"cursor": page["next"]}
