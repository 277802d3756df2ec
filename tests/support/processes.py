"""Real processes, started by a test, known by pid, and gone when the test is."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.stack.settings import ROOT


class Process:
    """One running program. Its output goes to a file, which `output()` reads."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                command, env=dict(environment), cwd=ROOT, stdout=sink, stderr=sink, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def returncode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        if self.running():
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.send(signal.SIGKILL)
        self._process.wait(timeout=10)

    def stop(self, patience: float = 20) -> int:
        """SIGTERM, and wait for so many seconds; the exit code."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        return self._process.wait(timeout=patience)

    def wait(self, seconds: float) -> int:
        """Wait for it to end by itself; the exit code."""
        return self._process.wait(timeout=seconds)

    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


def python(*arguments: str) -> list[str]:
    """Command line of a module of this repository under this very interpreter."""
    return [sys.executable, "-m", *arguments]
