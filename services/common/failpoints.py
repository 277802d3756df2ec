"""Named places where a crash test may kill this very process: `FAILPOINT=relay.after_ack:kill[:N]`.

Outside tests the variable is empty and a failpoint costs one comparison; production refuses it at start.
"""

import os
import signal
from pathlib import Path


class _Armed:
    """The one failpoint this process is armed with, and how many hits it lets pass first."""

    def __init__(self, text: str) -> None:
        name, _, rest = text.partition(":")
        action, _, nth = rest.partition(":")
        if text and (action != "kill" or not (nth or "1").isdigit()):
            raise ValueError(f"FAILPOINT={text}: must be NAME:kill or NAME:kill:N")
        self.name = name
        self.remaining = int(nth or "1")


_armed = _Armed("" if os.environ.get("ENVIRONMENT") == "production" else os.environ.get("FAILPOINT", ""))


def failpoint(name: str) -> None:
    """Die here by SIGKILL if the environment armed this name; FAILPOINT_LOG says first that it happened."""
    if name != _armed.name:
        return
    _armed.remaining -= 1
    if _armed.remaining > 0:
        return
    log = os.environ.get("FAILPOINT_LOG")
    if log:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
            file.flush()
            os.fsync(file.fileno())
    os.kill(os.getpid(), signal.SIGKILL)
