"""The facts a run has been told."""

from collections.abc import Iterable
from typing import Any

from workflows.contracts.facts import Fact


class Known:
    """Every fact once, in the order of arrival. Nothing may depend on the order between topics."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._by_event = {fact.event_id: fact for fact in facts}

    def __len__(self) -> int:
        return len(self._by_event)

    def add(self, fact: Fact) -> None:
        """Learn the fact; an event that came before is dropped."""
        self._by_event.setdefault(fact.event_id, fact)

    def all(self) -> list[Fact]:
        return list(self._by_event.values())

    def of(self, type_: str, **match: Any) -> list[Fact]:
        """The facts of this type whose data has these values."""
        return [
            fact
            for fact in self._by_event.values()
            if fact.type == type_ and all(fact.data[name] == value for name, value in match.items())
        ]

    def has(self, type_: str, **match: Any) -> bool:
        return bool(self.of(type_, **match))

    def count(self, type_: str, **match: Any) -> int:
        return len(self.of(type_, **match))

    def last(self, type_: str, **match: Any) -> Fact | None:
        """The one that came last, for types that follow each other within one topic."""
        found = self.of(type_, **match)
        return found[-1] if found else None

    def newest(self, type_: str, number: str, **match: Any) -> Fact | None:
        """The one with the highest number (a version, an n)."""
        return max(self.of(type_, **match), key=lambda fact: fact.number(number), default=None)
