"""The cast as data: people, panels and applications of `cast.yaml`, checked as it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).parent / "cast.yaml"


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in with `client_id` = id."""

    id: str
    name: str
    email: str
    roles: tuple[str, ...]
    org: str | None
    language: str = "nb"


@dataclass(frozen=True)
class Panel:
    """Persons by id. `conflicts`: person id -> references of applications."""

    chair: str
    members: tuple[str, ...]
    user_representatives: tuple[str, ...]
    conflicts: dict[str, list[str]] = field(default_factory=dict)

    @property
    def everyone(self) -> tuple[str, ...]:
        return self.members + self.user_representatives


@dataclass(frozen=True)
class Role:
    """One application of the round, and where it must end. Amounts are whole NOK; scores follow the
    category's
    criteria in the call's order."""

    ref: str
    what: str
    organisation: str
    category: str
    amount: int
    own_share: int
    touches: tuple[str, ...]
    title: str
    idea: str
    problem: str
    benefit: str
    scores: tuple[int, ...]
    outcomes: tuple[str, ...]
    seen: tuple[str, ...]
    findings: tuple[str, ...] = ()
    scores_again: tuple[int, ...] = ()

    @property
    def holder(self) -> str:
        return f"holder-{self.ref.lower()}"


@dataclass(frozen=True)
class Cast:
    people: dict[str, Person]
    panels: dict[str, Panel]
    stand_ins: dict[str, Panel]
    applications: dict[str, Role]

    def with_role(self, role: str, org: str | None = None) -> list[Person]:
        return [
            person
            for person in self.people.values()
            if role in person.roles and (org is None or person.org == org)
        ]


def load(path: Path = _FILE) -> Cast:
    """Read the cast. ValueError names an unknown person or a reference that stands there twice."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    people = {each["id"]: Person(**_tuples(each)) for each in raw["people"]}
    roles = [Role(**_tuples(each)) for each in raw["applications"]]
    cast = Cast(
        people=people,
        panels={code: Panel(**_tuples(each)) for code, each in raw["panels"].items()},
        stand_ins={ref: Panel(**_tuples(each)) for ref, each in raw["stand_ins"].items()},
        applications={role.ref: role for role in roles},
    )
    if len(people) != len(raw["people"]) or len(cast.applications) != len(roles):
        raise ValueError(f"{path.name}: an id or ref stands there twice")
    named = {role.holder for role in roles}
    for panel in (*cast.panels.values(), *cast.stand_ins.values()):
        named |= {panel.chair, *panel.everyone}
    if unknown := sorted(named - people.keys()):
        raise ValueError(f"{path.name}: {unknown[0]} is not among the people")
    return cast


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
