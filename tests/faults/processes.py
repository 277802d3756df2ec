"""The supervised processes of the test stack, to be killed, frozen, stopped, or armed with a failpoint."""

import asyncio
import os
import signal
from pathlib import Path

from deploy.stack import start, supervisor
from deploy.stack.programs import base_environment, service_programs
from deploy.stack.settings import Settings
from tests.support.processes import Process


class Armed:
    """One of our programs, outside the supervisor, that kills or freezes itself at a failpoint."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self._log = log

    def fired(self) -> bool:
        """Whether it reached the failpoint and died of it."""
        return self._log.exists() and self.process.returncode() == -signal.SIGKILL

    def frozen(self) -> bool:
        """Whether it reached the failpoint and stands still there."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        return self._log.exists() and stat.rpartition(")")[2].split()[0] == "T"


class Servants:
    """What a fault test does to the stack. `mend` makes everything run again."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._armed: list[Process] = []
        self._frozen: set[int] = set()

    def pid(self, program: str) -> int:
        """0 while it does not run."""
        return int(supervisor.states(self._settings)[program]["pid"])

    def kill(self, program: str) -> bool:
        """SIGKILL; the supervisor brings it back. False when it was not running at that moment."""
        pid = self.pid(program)
        try:
            if pid:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it has ended, and the supervisor does not know yet
            return False
        return bool(pid)

    def take_away(self, program: str) -> None:
        """SIGKILL, and the supervisor does not bring it back before `start`."""
        pid = self.pid(program)
        os.kill(pid, signal.SIGSTOP)  # so that it never sees the supervisor's friendly signal
        supervisor.give_up(self._settings, program)
        os.kill(pid, signal.SIGKILL)
        supervisor.stop(self._settings, program)

    def freeze(self, program: str) -> None:
        self._frozen.add(self.pid(program))
        os.kill(self.pid(program), signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._frozen:
            os.kill(pid, signal.SIGCONT)
        self._frozen.clear()

    def stop(self, program: str) -> None:
        supervisor.stop(self._settings, program)

    def start(self, program: str) -> None:
        supervisor.start(self._settings, program)

    async def all_back(self) -> None:
        """Everything runs again and is ready; only then does the time to recover begin."""
        self.thaw()
        await asyncio.to_thread(start.up, self._settings, say=lambda _: None)

    def said(self, program: str) -> str:
        """Its whole log, of earlier tests too."""
        return supervisor.log_path(self._settings, program).read_text(encoding="utf-8", errors="replace")

    def arm(self, program: str, failpoint: str) -> Armed:
        """Run the program with this failpoint instead of the supervised one."""
        supervisor.stop(self._settings, program)
        found = next(each for each in service_programs(self._settings) if each.name == program)
        log = self._folder / f"{program}-fired"
        environment = {
            **base_environment(self._settings),
            **found.environment,
            "FAILPOINT": failpoint,
            "FAILPOINT_LOG": str(log),
        }
        process = Process(found.command, environment, self._folder / f"{program}.log")
        self._armed.append(process)
        return Armed(process, log)

    def mend(self) -> None:
        """Everything runs again, supervised and unarmed."""
        self.thaw()
        for process in self._armed:
            if process.running():
                process.kill()
        start.up(self._settings, say=lambda _: None)
