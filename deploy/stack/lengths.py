"""No module is longer than 300 lines without a line near its top that says why."""

from __future__ import annotations

import sys

from .settings import ROOT

LIMIT = 300
_REASON = "# Longer than 300 lines because "
_FOLDERS = ("services", "workflows", "deploy", "tests")


def too_long() -> list[str]:
    """One line per module over the limit that gives no reason in its first twenty lines."""
    found = []
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            lines = path.read_text(encoding="utf-8").splitlines()
            if len(lines) > LIMIT and not any(line.startswith(_REASON) for line in lines[:20]):
                found.append(f"{path.relative_to(ROOT)}: {len(lines)} lines: cut it, or write {_REASON}...")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(too_long()) or None)
