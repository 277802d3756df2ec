"""`make test`: the test stack up, all tests in their order, the stack down again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

from . import start, supervisor
from .install.everything import install
from .programs import service_programs
from .settings import ROOT, Settings, load

# Those that share nothing run side by side, each worker with databases and servers of its own. The others
# kill and freeze servers, or play against the clock: they have the machine for themselves.
SIDE_BY_SIDE = ("unit", "contract", "service", "workflow")
ONE_BY_ONE = ("messaging", "e2e", "faults")


def run(arguments: Sequence[str]) -> int:
    """Run pytest over everything and return 0 if all of it passed.

    A stack that was up before is put right and stays up; one that was not is made anew, and ended after.
    What runs one by one is left out when the rest has failed: what it would say rests on it.
    """
    install("test")
    settings = load("test")
    was_up = supervisor.running(settings)
    if was_up:
        put_right(settings)
    else:
        start.clean(settings)
    try:
        start.up(settings, with_services=False)
        workers = str(os.cpu_count() or 1)
        return _pytest(SIDE_BY_SIDE, ("-n", workers, *arguments)) or _pytest(ONE_BY_ONE, arguments)
    finally:
        if not was_up:
            supervisor.shutdown(settings)


def put_right(settings: Settings) -> None:
    """What a killed run leaves behind: frozen servers, and our own processes running the code of that day."""
    for pid in supervisor.marked_processes(settings):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    supervisor.stop_together(settings, [program.name for program in service_programs(settings)])


def _pytest(folders: Sequence[str], arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-q", *(f"tests/{name}" for name in folders), *arguments]
    return subprocess.run(command, cwd=ROOT).returncode
