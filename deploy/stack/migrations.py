"""Every schema brought up to date by one process, each as its own owner: `python -m deploy.stack.migrations`.

The same as `python -m services.<x> migrate` for each of them, at a fifth of the cost.
"""

from __future__ import annotations

from pathlib import Path

from services.common.migrate import migrate
from services.common.settings import SCHEMAS, load

from .programs import module
from .settings import ROOT


def folder(schema: str) -> Path:
    """Where the SQL files of a schema lie."""
    return ROOT / module(schema).replace(".", "/") / "migrations"


def main() -> None:
    """Reads its settings from the environment, with the password of every owner. Prints what was applied."""
    settings = load()
    for schema in SCHEMAS:
        for name in migrate(settings, schema, folder(schema)):
            print(f"{schema}: applied {name}", flush=True)


if __name__ == "__main__":
    main()
