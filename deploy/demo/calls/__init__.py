"""The call files, and the loader that lays the demo's few differences over the real call."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from services.common.calendar import After, due, parse_rule
from services.intake.events.call_definition import CallDefinition

FOLDER = Path(__file__).parent

MAY_DIFFER = ("id", "title", "opens_at", "deadline", "calendar", "times", "tasks")
"""What the demo may change as a whole; besides these, see `allowed`."""


_TIME_RULE = {"after", "workdays", "yearly", "instant"}


def real_call() -> CallDefinition:
    """The call as published in 2023. ValidationError names the field that is wrong."""
    return CallDefinition.model_validate(_read("innovation-2023.yaml"))


_MUST_HAPPEN_BY = {"acceptance_lapse": 1, "start_lapse": 1, "reserve_validity": 2}
"""Instants by which people must have acted; who moves up on the reserve list waits for another's first."""


def demo_call(published_at: datetime, suffix: str = "", patience: int = 0) -> CallDefinition:
    """The real call with the demo's overlay; instants count from `published_at`, `suffix` makes the id
    unique. `patience`: seconds more for what must happen in time, where the machine is slow."""
    overlay = _read("innovation-2023.demo.yaml")
    for name in ("opens_at", "deadline"):
        overlay[name] = due(parse_rule(overlay[name]), published_at, overlay["calendar"])
    overlay["deadline"] += timedelta(seconds=patience)
    for name, factor in _MUST_HAPPEN_BY.items():
        rule = parse_rule(overlay["times"][name])
        assert isinstance(rule, After)
        overlay["times"][name] = {"after": f"PT{rule.seconds + factor * patience}S"}
    if suffix:
        overlay["id"] = f"{overlay['id']}-{suffix}"
    merged = merge(_read("innovation-2023.yaml"), overlay)
    return CallDefinition.model_validate(merged)


def merge(base: Any, overlay: Any) -> Any:
    """The overlay wins. Objects are merged by member and lists of objects with a `code` by that code; a time
    rule,
    and every other list, is replaced as a whole."""
    if isinstance(base, dict) and isinstance(overlay, dict) and not _TIME_RULE & overlay.keys():
        return base | {name: merge(base.get(name), value) for name, value in overlay.items()}
    if isinstance(base, list) and isinstance(overlay, list) and _coded(base) and _coded(overlay):
        changes = {each["code"]: each for each in overlay}
        unknown = changes.keys() - {each["code"] for each in base}
        if unknown:
            raise ValueError(f"the overlay changes {sorted(unknown)[0]}, which the call does not have")
        return [merge(each, changes.get(each["code"], {})) for each in base]
    return overlay


def differences(base: Any, other: Any, path: str = "") -> Iterator[str]:
    """Paths at which the two differ, such as `panels.product.pot`; a list counts as one value unless it has
    codes."""
    if isinstance(base, Mapping) and isinstance(other, Mapping):
        for name in sorted(base.keys() | other.keys()):
            yield from differences(base.get(name), other.get(name), f"{path}.{name}" if path else str(name))
    elif _coded(base) and _coded(other):
        yield from differences({e["code"]: e for e in base}, {e["code"]: e for e in other}, path)
    elif base != other:
        yield path


def allowed(path: str) -> bool:
    """Whether the demo may differ here: id, title, instants, calendar, pots, reserve sizes and time rules
    only."""
    parts = path.split(".")
    if parts[0] == "tasks":
        return len(parts) >= 3 and parts[2] in ("due", "ladder")
    if parts[0] == "times":
        return parts[1] not in ("straggler_policy", "start_base", "cure_window")
    if parts[0] == "panels":
        return parts[2:] in (["pot"], ["reserve_size"])
    if parts[0] == "organisations":
        return parts[2] == "internal_deadline"
    return parts[0] in MAY_DIFFER


def _coded(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(e, dict) and "code" in e for e in value)


def _read(name: str) -> dict[str, Any]:
    with (FOLDER / name).open(encoding="utf-8") as file:
        content: dict[str, Any] = yaml.safe_load(file)
    return content
