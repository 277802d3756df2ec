"""One call that leaves a machine with everything a stack needs, and does nothing when it is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ..settings import Profile
from . import machine
from .parts import obtain, part
from .recipes import RECIPES, go

# Wanted by people who look, and not by tests; and the other way round.
_ONLY = {"zipkin": "run", "temporal-test-server": "test"}


def install(profile: Profile, say: Callable[[str], None] = print) -> None:
    """Install what this profile needs. Raises InstallError; running it again goes on where it stopped."""
    for package in machine.ensure_packages(for_tests=profile == "test"):
        say(f"installed the package {package}")
    wanted = [name for name in RECIPES if _ONLY.get(name, profile) == profile and not part(name).exists()]
    if not wanted:
        return
    machine.check_versions()
    if not machine.go_is_new_enough() and obtain("go", go):
        say("fetched the Go compiler")
    if "temporal" in wanted:
        say("building Temporal: this takes about five minutes, and is done once per version")
    # Two at a time: one build keeps the processors busy while the other waits for the network.
    with ThreadPoolExecutor(max_workers=2) as pool:
        order = sorted(wanted, key=lambda name: name != "temporal")
        for done in [pool.submit(_obtain, name, say) for name in order]:
            done.result()


def _obtain(name: str, say: Callable[[str], None]) -> None:
    begun = time.monotonic()
    if obtain(name, RECIPES[name]):
        say(f"installed {part(name).name} in {time.monotonic() - begun:.0f} s")
