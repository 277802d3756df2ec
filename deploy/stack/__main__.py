"""`python -m deploy.stack up|down|...`: see `make help` for the same by shorter names."""

from __future__ import annotations

import argparse
import sys
import time

from . import start, supervisor
from .settings import WrongSettings, load


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.stack", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "env"])
    parser.add_argument("--profile", choices=["run", "test"], default="run")
    parser.add_argument("--without-services", action="store_true")
    arguments = parser.parse_args()
    settings = load(arguments.profile)
    if arguments.command == "up":
        begun = time.monotonic()
        start.up(settings, with_services=not arguments.without_services)
        print(f"up in {time.monotonic() - begun:.1f} s")
    elif arguments.command == "down":
        supervisor.shutdown(settings)
    elif arguments.command == "status":
        for name, info in supervisor.states(settings).items():
            print(f"{name:20} {info['statename']:10} {info['description']}")
    elif arguments.command == "env":
        for name, value in settings.values.items():
            print(f"{name}='{value}'")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (WrongSettings, start.NotReady, OSError, TimeoutError) as error:
        sys.exit(f"{error}")
