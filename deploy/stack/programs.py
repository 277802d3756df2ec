"""What the supervisor runs: a program is one process of the stack, with exactly the environment it needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from .settings import SCHEMAS, SERVICES, Settings

# Every process of a stack carries this variable, so that `down` finds what a killed supervisor left behind.
MARK = "INNOFLYT_STACK"


@dataclass(frozen=True)
class Program:
    """One supervised process. `stop_seconds` is how long it may take to end before it is killed."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    # The settings that hold the ports it listens on, so that a stranger there is noticed before it starts.
    ports: tuple[str, ...] = ()
    # Postgres ends its children by itself, and must not see them interrupted under its hands.
    stop_group: bool = True


def base_environment(settings: Settings) -> dict[str, str]:
    """What every process of the stack gets, and nothing else of the caller's environment."""
    return {
        "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        MARK: str(settings.folder),
    }


def service_environment(settings: Settings, schema: str, role: str) -> dict[str, str]:
    """The settings as one of our processes sees them: of all passwords only the one of its own role.

    `role` is "app" for whatever serves, "owner" for migrations. The passwords of the other services, of the
    administrator and of the inspector stay out.
    """
    own = f"{schema.upper()}_{role.upper()}_PASSWORD"
    hidden = {"POSTGRES_ADMIN_USER", "POSTGRES_ADMIN_PASSWORD", "INSPECTOR_PASSWORD", "TEMPORAL_DB_PASSWORD"}
    hidden |= {f"{s.upper()}_{r}_PASSWORD" for s in SCHEMAS for r in ("OWNER", "APP")}
    visible = {name: value for name, value in settings.values.items() if name not in hidden and value}
    return visible | {own: settings[own], "PYTHONUNBUFFERED": "1"}


def module(package: str) -> str:
    return "workflows" if package == "workflows" else f"services.{package}"


def service_programs(settings: Settings) -> list[Program]:
    """The processes of Innoflyt itself: two per service, two of the workflows."""
    roles = [(service, role) for service in SERVICES for role in ("api", "worker")]
    roles += [("workflows", "starter"), ("workflows", "worker")]
    return [
        Program(
            name=f"{package}-{role}",
            command=(sys.executable, "-m", module(package), role),
            environment=service_environment(settings, package, "app")
            | {"OTEL_SERVICE_NAME": f"{package}-{role}"},
            stop_seconds=30,  # a mail that is being handed over is seen through, activities are finished
            ports=(f"{package.upper()}_PORT",) if role == "api" else (),
        )
        for package, role in roles
    ]
