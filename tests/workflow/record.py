"""`python -m tests.workflow.record [part of a name]`: record the histories that the replay test checks.

Every test that plays a workflow is a path; its runs are stored as they then are. Record anew, and say so in
the changelog, only when a change of the workflows is meant to begin a new version: until then the old
histories are the runs that are under way somewhere, and new code must still be able to carry them on.
"""

import asyncio
import inspect
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from temporalio.client import WorkflowHistory

from tests.workflow import test_application, test_call, test_grant, test_human_task
from tests.workflow.conftest import start_server
from tests.workflow.world import World

HISTORIES = Path(__file__).parent / "histories"
_MODULES = (test_application, test_call, test_grant, test_human_task)
# A history that shows a fault we play, not a path that runs are on.
_LEFT_OUT = ("refuse", "twice")


def paths() -> Iterator[tuple[str, Callable[[World], Awaitable[None]]]]:
    """Every path by name: `application-returned_case_...`."""
    for module in _MODULES:
        kind = module.__name__.rpartition("test_")[2]
        for name, test in vars(module).items():
            if name.startswith("test_") and "world" in inspect.signature(test).parameters:
                if not any(each in name for each in _LEFT_OUT):
                    yield f"{kind}-{name.removeprefix('test_')}", test


async def record(name: str, play: Callable[[World], Awaitable[None]]) -> None:
    """Play the path and store each run of it."""
    server = await start_server()
    try:
        async with World.opened(server) as world:
            await play(world)
            runs = [run async for run in world.runs()]
    finally:
        await server.shutdown()
    for n, run in enumerate(runs, 1):
        file = HISTORIES / (f"{name}.json" if len(runs) == 1 else f"{name}.{n}.json")
        file.write_text(_compact(run), encoding="utf-8")
        print(f"{file.name}: {len(run.events)} events")


def _compact(run: WorkflowHistory) -> str:
    return json.dumps(json.loads(run.to_json()), separators=(",", ":"), sort_keys=True) + "\n"


async def main(wanted: str) -> None:
    HISTORIES.mkdir(exist_ok=True)
    for name, play in paths():
        if wanted in name:
            for file in (*HISTORIES.glob(f"{name}.json"), *HISTORIES.glob(f"{name}.[0-9]*.json")):
                file.unlink()
            await record(name, play)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
