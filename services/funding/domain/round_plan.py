"""What an adviser makes of the recommendations of a round, and whether the pots bear it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.common.errors import FieldError, Invalid, Refused
from services.funding.domain.cases import WITH_MONEY, DeviationNeedsReason, Outcome
from services.funding.domain.money import Pot


class ReserveFull(Refused):
    """The panel's reserve list has no more places."""


@dataclass(frozen=True)
class Planned:
    """One case of a round: what is proposed and what shall be decided. Amounts in whole NOK."""

    application_id: UUID
    panel: str
    proposed_outcome: Outcome
    proposed_amount: int
    outcome: Outcome
    amount: int
    applied: int
    held: int
    reason: str | None = None


@dataclass(frozen=True)
class Deviation:
    """Another decision than the proposed one, and why."""

    application_id: UUID
    outcome: Outcome
    amount: int
    reason: str


def apply_deviations(cases: Sequence[Planned], deviations: Sequence[Deviation]) -> list[Planned]:
    """The round as prepared. Invalid and DeviationNeedsReason name the field and the remedy."""
    by_id = {each.application_id: each for each in cases}
    for n, deviation in enumerate(deviations):
        where = f"deviations.{n}"
        case = by_id.get(deviation.application_id)
        if case is None:
            raise _wrong(
                f"{where}.application_id", str(deviation.application_id), "name a case of this round"
            )
        if case.reason is not None:
            raise _wrong(f"{where}.application_id", str(deviation.application_id), "name each case only once")
        most = case.applied if deviation.outcome in WITH_MONEY else 0
        least = 1 if deviation.outcome in WITH_MONEY else 0
        if not least <= deviation.amount <= most:
            raise _wrong(
                f"{where}.amount", deviation.amount, f"with {deviation.outcome} it is {least} to {most} NOK"
            )
        if not deviation.reason.strip():
            raise DeviationNeedsReason(
                errors=[FieldError(f"{where}.reason", deviation.reason, "say why it differs")]
            )
        by_id[case.application_id] = Planned(
            application_id=case.application_id,
            panel=case.panel,
            proposed_outcome=case.proposed_outcome,
            proposed_amount=case.proposed_amount,
            outcome=deviation.outcome,
            amount=deviation.amount,
            applied=case.applied,
            held=case.held,
            reason=deviation.reason.strip(),
        )
    return list(by_id.values())


def spend(pots: Mapping[str, Pot], cases: Sequence[Planned]) -> dict[str, Pot]:
    """The pots after these decisions; money held for a case pays it first. PotExceeded when one does not
    suffice."""
    after = dict(pots)
    for case in cases:
        after[case.panel] = after[case.panel].release(case.held)
    for case in cases:
        if case.outcome is Outcome.AWARDED:
            after[case.panel] = after[case.panel].award(case.amount)
    return after


def require_places(cases: Sequence[Planned], places: Mapping[str, int]) -> None:
    """No more cases on a panel's reserve list than it has free places, unless the panel itself recommended
    so."""
    for panel, free in places.items():
        of_panel = [case for case in cases if case.panel == panel]
        wanted = sum(case.outcome is Outcome.RESERVE for case in of_panel)
        recommended = sum(case.proposed_outcome is Outcome.RESERVE for case in of_panel)
        if wanted > max(free, recommended):
            raise ReserveFull(f"{wanted} places are asked for, {free} are free", wanted=wanted, free=free)


def _wrong(field: str, value: str | int, remedy: str) -> Invalid:
    return Invalid(field, errors=[FieldError(field, value, remedy)])
