"""What a person sees while the demo runs: the seventeen applications, and the newest events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deploy.demo.world import World

_REFRESH_SECONDS = 0.5
_NEWS_LINES = 12


@asynccontextmanager
async def progress(world: World, console: Console) -> AsyncIterator[None]:
    """Live on a terminal; elsewhere one line per event."""
    showing = asyncio.create_task(_live(world, console) if console.is_terminal else _lines(world, console))
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
        if not console.is_terminal:
            _print_new(world, console)


async def _live(world: World, console: Console) -> None:
    with Live(_picture(world), console=console, refresh_per_second=2, transient=True) as live:
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            live.update(_picture(world))


async def _lines(world: World, console: Console) -> None:
    while True:
        _print_new(world, console)
        await asyncio.sleep(_REFRESH_SECONDS)


def _print_new(world: World, console: Console) -> None:
    for seconds, who, what in world.news[world.shown :]:
        console.print(f"{seconds:6.1f} s  {who:7} {what}", markup=False, highlight=False, soft_wrap=True)
    world.shown = len(world.news)


def _picture(world: World) -> Group:
    seconds = time.monotonic() - world.begun
    table = Table(title=f"{world.call_id or 'before the call'}  {seconds:.0f} s", expand=False)
    for heading in ("", "organisation", "category", "stage", "outcome", "seen", "now"):
        table.add_column(heading, no_wrap=True)
    for ref, role in world.cast.applications.items():
        status = world.status.get(ref, {})
        table.add_row(
            ("✓ " if world.done(role) else "  ") + ref,
            role.organisation,
            role.category,
            status.get("stage", "draft" if ref in world.ids else ""),
            " → ".join(status.get("outcomes", [])),
            ", ".join(sorted(world.seen[ref])),
            "" if world.done(role) else world.doing.get(ref, "")[:48],
        )
    news = [f"{at:6.1f} s  {who:7} {what}"[:110] for at, who, what in world.news[-_NEWS_LINES:]]
    return Group(table, Text("\n".join(news)))
