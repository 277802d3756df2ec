"""The budget of an application: whole NOK, no rounding anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Budget:
    """Cost per budget line, and how it is paid: the own share (money or accepted working time) and the amount
    asked for."""

    lines: Mapping[str, int] = field(default_factory=dict)
    own_share: int = 0
    applied_amount: int = 0

    @property
    def total(self) -> int:
        """What the project costs."""
        return sum(self.lines.values())

    @property
    def is_covered(self) -> bool:
        """Own share and amount asked for together pay exactly what the project costs."""
        return self.own_share + self.applied_amount == self.total


def least_own_share(total: int, percent: int) -> int:
    """X06: the smallest whole amount that is at least `percent` of the total budget."""
    return -(-total * percent // 100)


def own_share_percent(budget: Budget) -> float:
    """The own share in percent of the total, one decimal, for people to read; 0 for an empty budget."""
    return round(100 * budget.own_share / budget.total, 1) if budget.total else 0.0
