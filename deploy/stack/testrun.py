"""`make test`: the test stack up, all tests in one run and in their order, the stack down again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from . import start, supervisor
from .install.everything import install
from .settings import ROOT, load

# Cheap and telling first; those that need the machine for themselves last, one after the other.
ORDER = ("unit", "contract", "service", "workflow", "messaging", "e2e", "faults")


def run(arguments: Sequence[str]) -> int:
    """Run pytest over everything and return its exit code.

    A stack that was up before is used as it is and stays up; one that was not is made anew, and ended after.
    """
    install("test")
    settings = load("test")
    was_up = supervisor.running(settings)
    if not was_up:
        start.clean(settings)
    try:
        start.up(settings, with_services=False)
        folders = [f"tests/{name}" for name in ORDER]
        return subprocess.run([sys.executable, "-m", "pytest", *folders, *arguments], cwd=ROOT).returncode
    finally:
        if not was_up:
            supervisor.shutdown(settings)
