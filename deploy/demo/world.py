"""What everybody in the demo shares: the cast, who is signed in, which application is which, what has been
seen."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from deploy.demo.cast import Cast, Role
from deploy.demo.client import Session, Web


class WentWrong(Exception):
    """Something happened that must not, or did not happen in time; the text says which application and
    what."""


@dataclass
class World:
    """One run of the demo. Instants are UTC, taken from this machine's clock, which the database shares."""

    web: Web
    cast: Cast
    sessions: dict[str, Session]
    call_id: str = ""
    published_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    deadline: datetime = field(default_factory=lambda: datetime.now(UTC))
    endorsement_chain: dict[str, list[str]] = field(default_factory=dict)
    """the positions that sign, by organisation"""
    ids: dict[str, str] = field(default_factory=dict)
    """application id by reference"""
    status: dict[str, dict[str, Any]] = field(default_factory=dict)
    """the newest status by reference"""
    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    listed: dict[str, str] = field(default_factory=dict)
    """the consultation task of an application at Helseplattformen, by reference"""
    first_due: str = ""
    """when A13's consultation was due before its clock was stopped"""
    pause_seconds: float = 0.0
    task_ids: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    doing: dict[str, str] = field(default_factory=dict)
    """what each application waits for, in words"""
    news: list[tuple[float, str, str]] = field(default_factory=list)
    """(seconds since publication, who, what)"""
    shown: int = 0
    """how many of the news have been printed"""
    begun: float = field(default_factory=time.monotonic)
    _flags: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def as_(self, person_id: str) -> Session:
        return self.sessions[person_id]

    def holder(self, role: Role) -> Session:
        return self.sessions[role.holder]

    def ref(self, application_id: str | UUID | None) -> str | None:
        """Which application of the cast this is."""
        return next((ref for ref, each in self.ids.items() if each == str(application_id)), None)

    def role(self, application_id: str | UUID | None) -> Role | None:
        ref = self.ref(application_id)
        return self.cast.applications[ref] if ref else None

    def person_by_id(self, person_id: str) -> str:
        return next((name for name, session in self.sessions.items() if session.id == person_id), person_id)

    def tell(self, who: str, what: str) -> None:
        self.news.append((time.monotonic() - self.begun, who, what))

    def saw(self, ref: str, what: str) -> None:
        if what not in self.seen[ref]:
            self.seen[ref].add(what)
            self.tell(ref, what.replace("_", " "))

    def require(self, holds: bool, ref: str, otherwise: str) -> None:
        """Note a fault, by application, unless it holds; the run goes on and fails at its end."""
        if not holds:
            self.faults.append(f"{ref}: {otherwise}")
            self.tell(ref, f"WRONG: {otherwise}")

    def flag(self, name: str) -> asyncio.Event:
        """An event between actors of the cast, by name."""
        return self._flags[name]

    def done(self, role: Role) -> bool:
        """Whether the application has ended as the cast says."""
        outcomes = self.status.get(role.ref, {}).get("outcomes", [])
        return tuple(outcomes) == role.outcomes and set(role.seen) <= self.seen[role.ref]


async def until(instant: datetime) -> None:
    """Wait for an instant of the call, as somebody who is late does."""
    await asyncio.sleep(max((instant - datetime.now(UTC)).total_seconds(), 0))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
