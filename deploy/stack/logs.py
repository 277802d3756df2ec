"""The logs of all processes read as one, by time; with an id, only the lines that speak of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .settings import Settings

_SHOWN_WITHOUT_ID = 200
_FIRST = ("timestamp", "level", "event", "service", "logger")


@dataclass(frozen=True, order=True)
class Line:
    """One log line; `time` is its ISO instant, or empty where a server writes none that we can read."""

    time: str
    program: str
    text: str


def lines(settings: Settings, wanted: str | None) -> list[Line]:
    """The lines that hold `wanted`, or the newest of our own processes', oldest first."""
    found = sorted(
        line
        for path in sorted((settings.folder / "logs").glob("*.log*"))
        for line in _read(path, wanted)
        if wanted or line.time
    )
    return found if wanted else found[-_SHOWN_WITHOUT_ID:]


def _read(path: Path, wanted: str | None) -> Iterator[Line]:
    program = path.name.partition(".log")[0]
    with path.open(encoding="utf-8", errors="replace") as file:
        for raw in file:
            if wanted and wanted not in raw:
                continue
            try:
                entry = json.loads(raw)
            except ValueError:
                entry = None
            if isinstance(entry, dict):
                yield Line(str(entry.get("timestamp", "")), program, _shown(entry))
            else:
                yield Line("", program, raw.rstrip())


def _shown(entry: dict[str, Any]) -> str:
    rest = " ".join(f"{name}={value}" for name, value in entry.items() if name not in _FIRST)
    return f"{entry.get('level', ''):7} {entry.get('event', '')}  {rest}".rstrip()
