"""`make demo`: one whole round of the 2023 call, played by its cast through the public APIs. Exit code 0 only
if every
application ends as the cast says and doctor finds nothing."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys

import httpx
from rich.console import Console

from deploy.demo import cast, pdfs, setup, summary
from deploy.demo.actors import acts_of_everybody
from deploy.demo.actors.applicant import everybody_applies
from deploy.demo.actors.institution import complain
from deploy.demo.client import Refusal, Session, Unreachable, Web
from deploy.demo.epilogue import after_the_round
from deploy.demo.events_count import events_so_far
from deploy.demo.progress import progress
from deploy.demo.watch import watch
from deploy.demo.worklist import Worklists
from deploy.demo.world import WentWrong, World
from deploy.stack.settings import ROOT, Profile, load

_LONGEST_SECONDS = 200.0
_PAGE_WIDTH = 170


async def run(console: Console, profile: Profile = "run", patience: int = 0) -> int:
    settings = load(profile)
    summary.forget(settings.folder / "demo")
    web = Web(settings)
    people = cast.load()
    world = World(web, people, {person.id: Session(web, person) for person in people.people.values()})
    try:
        async with progress(world, console):
            events = await events_so_far(settings)
            await play(world, patience)
            result = await summary.summarise(world, await events_so_far(settings) - events)
    except (WentWrong, Refusal, Unreachable, httpx.HTTPError, ExceptionGroup) as raised:
        for error in _leaves(raised):
            if not isinstance(error, WentWrong | Refusal | Unreachable | httpx.HTTPError):
                raise
            console.print(f"{type(error).__name__}: {error}", markup=False, highlight=False)
        for fault in world.faults:
            console.print("wrong:", fault, markup=False, highlight=False)
        return 1
    finally:
        await web.close()
    summary.show(result, console)
    console.print(f"written to {summary.write(result, settings.folder / 'demo').relative_to(ROOT)}")
    for fault in world.faults:
        console.print("wrong:", fault, markup=False, highlight=False)
    return 1 if world.faults or doctor(profile) != 0 else 0


async def play(world: World, patience: int = 0) -> None:
    """Everybody acts until every application has ended. `patience`: see `demo_call`."""
    papers = {ref: pdfs.papers(role) for ref, role in world.cast.applications.items()}
    await setup.everybody_signs_in(world)
    await setup.publish_real_call(world)
    await setup.publish_demo_call(world, patience)
    async with asyncio.TaskGroup() as group:
        worklists = group.create_task(Worklists(world, acts_of_everybody(world)).run())
        group.create_task(setup.name_panels(world))
        group.create_task(everybody_applies(world, papers))
        complaints = group.create_task(complain(world))
        # Both come later: the end of the drafts, and the lapse that somebody on the reserve list waits for.
        await watch(world, _LONGEST_SECONDS + 2 * patience)
        await after_the_round(world)
        complaints.cancel()
        worklists.cancel()


def doctor(profile: Profile) -> int:
    """`make doctor`: what it finds is printed; 0 when all is well."""
    command = [sys.executable, "-m", "deploy.stack", "doctor", "--profile", profile]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def _leaves(error: Exception) -> list[Exception]:
    if isinstance(error, ExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [error]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--profile", choices=["run", "test"], default="run", help="which stack it plays on")
    parser.add_argument(
        "--patience", type=int, default=0, help="so many seconds more for what must happen in time"
    )
    # Into a file or a pipe the table gets the width it needs; a terminal knows its own.
    console = Console(width=None if sys.stdout.isatty() else _PAGE_WIDTH)
    given = parser.parse_args()
    sys.exit(asyncio.run(run(console, given.profile, given.patience)))
