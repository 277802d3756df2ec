"""Whom a task waits for, and whom its ladder writes to."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Audience:
    """One person, or everybody of a role (of one organisation, if named)."""

    role: str
    organisation: str | None = None
    person_id: UUID | None = None


@dataclass(frozen=True)
class Surroundings:
    """What the recipients named by a ladder are resolved from, at the instant the step is taken."""

    audience: Audience
    """the task's own, narrowed to who has claimed it"""
    holder_id: UUID | None = None
    applicant: str | None = None
    """the organisation that applies"""
    chair_id: UUID | None = None
    asker_id: UUID | None = None


def recipients(codes: tuple[str, ...], around: Surroundings) -> list[Audience]:
    """The audiences behind the codes of a ladder step, each once.

    A code that names nobody here is left out (the holder of a whole round). If none is left, the advisers are
    told instead: an escalation never vanishes.
    """
    found: list[Audience] = []
    for code in codes:
        audience = _resolve(code, around)
        if audience is not None and audience not in found:
            found.append(audience)
    return found or [Audience("rhf_adviser")]


def _resolve(code: str, around: Surroundings) -> Audience | None:
    match code:
        case "audience":
            return around.audience
        case "holder":
            return _person("holder", around.holder_id)
        case "chair":
            return _person("chair", around.chair_id)
        case "asker":
            return _person("asker", around.asker_id)
        case "hf_adviser":
            return Audience("hf_adviser", around.applicant) if around.applicant else None
        case "lead":
            organisation = around.audience.organisation or around.applicant
            return Audience("lead", organisation) if organisation else None
        case "second_adviser":
            return Audience("rhf_adviser")
        case "rhf_adviser" | "leader":
            return Audience(code)
        case _:
            raise ValueError(f"a ladder names an unknown recipient: {code}")


def _person(role: str, person_id: UUID | None) -> Audience | None:
    return Audience(role, person_id=person_id) if person_id else None
