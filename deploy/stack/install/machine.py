"""What this machine must have: Debian packages, a Java runtime, Maven, Node and Go."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

GO_NEEDED = (1, 26, 4)
_JAVA_NEEDED = (17,)
_NODE_NEEDED = (18,)
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")

# A file that must be there, and the Debian package that brings it.
_PACKAGES = {
    "/usr/lib/postgresql/15/bin/postgres": "postgresql-15",
    "/usr/sbin/clamd": "clamav-daemon",
    "java": "openjdk-17-jre-headless",
    "mvn": "maven",
    "node": "nodejs",
    "npm": "npm",
    "setpriv": "util-linux",
    "docker-compose": "docker-compose",
}
_FOR_TESTS_ALONE = {"docker-compose"}


class InstallError(Exception):
    """Something is missing that we cannot get by ourselves; the text says what to do."""


def missing_packages(for_tests: bool) -> list[str]:
    """The Debian packages that would have to be installed."""
    return [
        package
        for needed, package in _PACKAGES.items()
        if not shutil.which(needed) and (for_tests or package not in _FOR_TESTS_ALONE)
    ]


def ensure_packages(for_tests: bool = False) -> list[str]:
    """Install the missing packages when we are root. Raises InstallError with the one command that would."""
    missing = missing_packages(for_tests)
    if not missing:
        return []
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise InstallError("Missing programs. As root, run:  " + " ".join(install))
    if "postgresql-15" in missing:
        _keep_debian_from_starting_its_own_cluster()
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            said = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            raise InstallError(f"`{' '.join(command)}` failed:\n{said}")
    if left := missing_packages(for_tests):
        raise InstallError(f"installed, and still not found: {', '.join(left)}")
    return missing


def check_versions() -> None:
    """Raises InstallError when the Java runtime or Node is too old."""
    for program, option, needed, name in (
        ("java", "-version", _JAVA_NEEDED, "the Java runtime"),
        ("node", "--version", _NODE_NEEDED, "Node"),
    ):
        found = _version(program, option)
        if not found or found < needed:
            wanted = ".".join(map(str, needed))
            shown = ".".join(map(str, found)) if found else "none"
            raise InstallError(
                f"{name} is too old ({program} on PATH is {shown}): install {wanted} or newer, "
                f"and have it first on PATH"
            )


def go_program(fallback: Path | None = None) -> str:
    """The Go compiler: the one on PATH when it is new enough, else the one of the cache."""
    from .parts import part

    if go_is_new_enough():
        return "go"
    found = sorted((fallback or part("go")).glob("tree/go/bin/go"))
    if not found:
        needed = ".".join(map(str, GO_NEEDED))
        raise InstallError(
            f"Go {needed} or newer is missing and could not be had as a Python wheel: install it"
        )
    return str(found[0])


def go_is_new_enough() -> bool:
    found = _version("go", "version")
    return bool(found and found >= GO_NEEDED)


def _version(program: str, option: str) -> tuple[int, ...] | None:
    """The first number with dots that a program says of itself; None when it is not there."""
    if not shutil.which(program):
        return None
    done = subprocess.run([program, option], capture_output=True, text=True)
    match = re.search(r"(\d+(?:\.\d+)*)", done.stdout + done.stderr)
    return tuple(map(int, match[1].split("."))) if match else None


def _keep_debian_from_starting_its_own_cluster() -> None:
    """The stack has a data folder of its own; another server on the machine is nobody's wish."""
    _NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    text = _NO_CLUSTER.read_text(encoding="utf-8") if _NO_CLUSTER.exists() else ""
    if "\ncreate_main_cluster = false" not in text:
        _NO_CLUSTER.write_text(text + "\ncreate_main_cluster = false\n", encoding="utf-8")
