"""Named places where a crash test may kill or freeze this very process: `FAILPOINT=relay.after_ack:kill[:N]`.

Outside tests the variable is empty and a failpoint costs one comparison; production refuses it at start.
"""

import os
import signal
from pathlib import Path

_SIGNALS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}


class _Armed:
    """The one failpoint this process is armed with, and how many hits it lets pass first."""

    def __init__(self, text: str) -> None:
        name, _, rest = text.partition(":")
        action, _, nth = rest.partition(":")
        if text and (action not in _SIGNALS or not (nth or "1").isdigit()):
            raise ValueError(
                f"FAILPOINT={text}: must be NAME:kill or NAME:freeze, or NAME:kill:N for the N-th"
            )
        self.name = name
        self.signal = _SIGNALS.get(action, signal.SIGKILL)
        self.remaining = int(nth or "1")


_armed = _Armed("" if os.environ.get("ENVIRONMENT") == "production" else os.environ.get("FAILPOINT", ""))


def failpoint(name: str) -> None:
    """End or stop here at the N-th hit, if the environment armed this name; FAILPOINT_LOG says so first."""
    if name != _armed.name:
        return
    _armed.remaining -= 1
    if _armed.remaining != 0:
        return
    log = os.environ.get("FAILPOINT_LOG")
    if log:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
            file.flush()
            os.fsync(file.fileno())
    os.kill(os.getpid(), _armed.signal)
