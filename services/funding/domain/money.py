"""The pot of a panel, in whole NOK: what is awarded, what is held for an offer, what is free. And who is
next.

Always: awarded + held <= amount. The table has the same rule as a CHECK constraint, and every change of a pot
is made under its row lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from services.common.errors import Refused


class PotExceeded(Refused):
    """The panel's pot does not hold that much."""


@dataclass(frozen=True)
class Pot:
    amount: int
    awarded: int = 0
    held: int = 0

    @property
    def free(self) -> int:
        """What is neither awarded nor held for an offer."""
        return self.amount - self.awarded - self.held

    def award(self, amount: int) -> Self:
        """Give free money. PotExceeded when there is not enough."""
        self._require(amount)
        return replace(self, awarded=self.awarded + amount)

    def hold(self, amount: int) -> Self:
        """Set free money aside for an offer. PotExceeded when there is not enough."""
        self._require(amount)
        return replace(self, held=self.held + amount)

    def release(self, amount: int) -> Self:
        """What was held is free again."""
        if not 0 <= amount <= self.held:
            raise ValueError(f"{amount} is not held")
        return replace(self, held=self.held - amount)

    def give_back(self, amount: int) -> Self:
        """What was awarded is free again: the award is lost."""
        if not 0 <= amount <= self.awarded:
            raise ValueError(f"{amount} is not awarded")
        return replace(self, awarded=self.awarded - amount)

    def _require(self, amount: int) -> None:
        if amount < 0:
            raise ValueError("an amount is never negative")
        if amount > self.free:
            raise PotExceeded(
                f"{amount} NOK are needed and {self.free} NOK are free", needed=amount, free=self.free
            )


@dataclass(frozen=True)
class Place:
    """A place on a panel's reserve list. `held_back`: an adviser let it wait until other money comes free;
    `told`: its letter is out."""

    application_id: UUID
    position: int
    amount: int
    held_back: bool = False
    told: bool = True


def next_offer(free: int, places: Sequence[Place]) -> Place | None:
    """Who is offered `free` NOK: the first on the list if the full amount fits and its letter is out,
    otherwise nobody: no skipping."""
    first = min(places, key=lambda place: place.position, default=None)
    if first is None or first.held_back or not first.told or first.amount > free:
        return None
    return first


def reserve_order(ranked: Sequence[tuple[UUID, int | None, str]], last: int) -> dict[UUID, int]:
    """Positions of new places after `last`: by the recommendation's rank, those without one by case
    number."""
    in_order = sorted(ranked, key=lambda place: (place[1] is None, place[1] or 0, place[2]))
    return {application_id: last + n for n, (application_id, _, _) in enumerate(in_order, start=1)}


def is_expired(reserve_until: datetime | None, now: datetime) -> bool:
    """Whether the place's time is over; a place without a letter has no end yet."""
    return reserve_until is not None and now >= reserve_until
