"""Thresholds, ranking and allocation of a panel's pot: pure and exact.

Averages are fractions of integers, so an average of exactly 4 is never above 4. The order of the input never
changes the outcome; money goes in strict order of rank: nothing further down is taken because it would fit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from uuid import UUID

from services.common.errors import FieldError, Refused


class NotScored(Refused):
    """A case has no assessment to rank it by."""


class TieUnbroken(Refused):
    """Cases are tied; the chair must record their order."""


class TieBreakUseless(Refused):
    """An order was given for cases that are not tied."""

    status = 422


@dataclass(frozen=True)
class Assessed:
    """One case as its panel scored it. `amount` in whole NOK; `votes`: each member's scores by criterion."""

    application_id: UUID
    amount: int
    criteria: tuple[str, ...]
    priority_hit: bool
    """It meets a priority area of the call, and its category is one they apply to (X19, X20)."""
    votes: tuple[Mapping[str, int], ...]

    def average(self, criterion: str) -> Fraction:
        if not self.votes:
            raise NotScored(application_id=str(self.application_id))
        return Fraction(sum(vote[criterion] for vote in self.votes), len(self.votes))


@dataclass(frozen=True)
class Rules:
    """What the call decides about ranking. `threshold`: each average must be strictly above it."""

    threshold: Fraction
    pot: int
    reserve_size: int
    tie_criteria: tuple[str, ...]
    """After a hit on a priority area, ties are decided by the averages of these, in order."""


@dataclass(frozen=True)
class Placed:
    """A case with its place: `rank` from 1 among those above the threshold, None below it.

    `pot_left` is what the pot still held when the case's turn came; `tied_with` are the cases of equal mean,
    and `tie_decided_by` says what put them in order: priority_area, a criterion's code, or chair.
    """

    application_id: UUID
    amount: int
    averages: Mapping[str, Fraction]
    spread: Mapping[str, tuple[int, int]]
    """Lowest and highest score given, by criterion."""
    mean: Fraction
    priority_hit: bool
    below: tuple[str, ...]
    """Criteria whose average is not above the threshold."""
    rank: int | None
    tied_with: tuple[UUID, ...]
    tie_decided_by: str | None
    outcome: str
    pot_left: int | None


@dataclass(frozen=True)
class _Measured:
    case: Assessed
    averages: Mapping[str, Fraction]
    mean: Fraction
    below: tuple[str, ...]

    def merits(self, rules: Rules) -> tuple[Fraction, ...]:
        """What decides the order before the chair does: the higher, the better, from left to right."""
        ties = (self.averages.get(criterion, Fraction(0)) for criterion in rules.tie_criteria)
        return (self.mean, Fraction(int(self.case.priority_hit)), *ties)


def measure(case: Assessed, threshold: Fraction) -> _Measured:
    """Averages per criterion, their mean, and the criteria not above the threshold.

    Raises NotScored without votes."""
    averages = {criterion: case.average(criterion) for criterion in case.criteria}
    below = tuple(criterion for criterion, average in averages.items() if average <= threshold)
    return _Measured(case, averages, sum(averages.values(), Fraction(0)) / len(averages), below)


def unbroken_ties(cases: Sequence[Assessed], rules: Rules) -> list[list[UUID]]:
    """The groups of cases above the threshold that only the chair can put in order, best group first."""
    above = [each for each in (measure(case, rules.threshold) for case in cases) if not each.below]
    above.sort(key=lambda each: each.merits(rules), reverse=True)
    groups = (list(group) for _, group in groupby(above, key=lambda each: each.merits(rules)))
    return [sorted(each.case.application_id for each in group) for group in groups if len(group) > 1]


def place(cases: Sequence[Assessed], rules: Rules, chairs_order: Sequence[UUID] = ()) -> list[Placed]:
    """Rank and allocate: best first, then those below the threshold by mean.

    `chairs_order` must hold exactly the cases of `unbroken_ties`. Raises NotScored, TieUnbroken (naming the
    tied groups) and TieBreakUseless.
    """
    ties = unbroken_ties(cases, rules)
    _check_order(ties, chairs_order)
    chosen = {application_id: n for n, application_id in enumerate(chairs_order)}
    measured = [measure(case, rules.threshold) for case in cases]
    measured.sort(key=lambda each: each.case.application_id)
    measured.sort(key=lambda each: chosen.get(each.case.application_id, 0))
    measured.sort(key=lambda each: each.merits(rules), reverse=True)
    above = [each for each in measured if not each.below]
    outcomes = allocate([each.case.amount for each in above], rules.pot, rules.reserve_size)
    placed, left = [], rules.pot
    for n, (each, outcome) in enumerate(zip(above, outcomes, strict=True), start=1):
        tied = [other for other in above if other.mean == each.mean and other is not each]
        placed.append(_placed(each, n, outcome, left, tied, rules))
        left -= each.case.amount if outcome == "awarded" else 0
    return placed + [
        _placed(each, None, "declined_threshold", None, [], rules) for each in measured if each.below
    ]


def allocate(amounts: Sequence[int], pot: int, reserve_size: int) -> list[str]:
    """The outcome of each amount, best rank first: awarded while the whole amount fits; from the first that
    does not, `reserve_size` places on the reserve list, then declined_ranking."""
    left, awarded = pot, 0
    for amount in amounts:
        if amount > left:
            break
        left -= amount
        awarded += 1
    reserve = min(reserve_size, len(amounts) - awarded)
    declined = len(amounts) - awarded - reserve
    return ["awarded"] * awarded + ["reserve"] * reserve + ["declined_ranking"] * declined


def _check_order(ties: Sequence[Sequence[UUID]], chairs_order: Sequence[UUID]) -> None:
    tied = {application_id for group in ties for application_id in group}
    useless = [
        FieldError(f"tie_breaks.{n}", str(each), "leave it out: it is not tied, or named twice")
        for n, each in enumerate(chairs_order)
        if each not in tied or each in chairs_order[:n]
    ]
    if useless:
        raise TieBreakUseless(errors=useless)
    if tied - set(chairs_order):
        raise TieUnbroken(
            "Record the chair's order of the tied cases in tie_breaks.",
            tied=[[str(each) for each in group] for group in ties],
        )


def _placed(
    each: _Measured, rank: int | None, outcome: str, left: int | None, tied: Sequence[_Measured], rules: Rules
) -> Placed:
    case = each.case
    return Placed(
        application_id=case.application_id,
        amount=case.amount,
        averages=each.averages,
        spread={
            criterion: (min(v[criterion] for v in case.votes), max(v[criterion] for v in case.votes))
            for criterion in case.criteria
        },
        mean=each.mean,
        priority_hit=case.priority_hit,
        below=each.below,
        rank=rank,
        tied_with=tuple(sorted(other.case.application_id for other in tied)),
        tie_decided_by=_decided_by(each, tied, rules) if tied else None,
        outcome=outcome,
        pot_left=left,
    )


def _decided_by(each: _Measured, tied: Sequence[_Measured], rules: Rules) -> str:
    """The last tie rule that was needed to put the case in order among the tied."""
    names = ("priority_area", *rules.tie_criteria)
    mine = each.merits(rules)[1:]
    needed = [_first_difference(mine, other.merits(rules)[1:]) for other in tied]
    last = max(needed)
    return names[last] if last < len(names) else "chair"


def _first_difference(one: Sequence[Fraction], other: Sequence[Fraction]) -> int:
    return next((n for n, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]), len(one))
