"""What stands in a letter and in the leader meeting's presentation, as data: frozen when it is issued.

No names: a letter refers to the case by number, title and organisation. Instants are ISO 8601, amounts whole
NOK.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.funding.domain.cases import Outcome
from services.funding.store.cases import Case
from services.funding.store.decisions import Decision, Proposal
from services.funding.store.grants import Award
from services.intake.events import CallDefinition


def letter_contents(
    call: CallDefinition,
    case: Case,
    decision: Decision,
    sent_at: datetime,
    complaint_until: datetime,
    reserve_until: datetime | None,
    award: Award | None,
) -> dict[str, Any]:
    """Everything the letter says, in every language it can be read in."""
    return {
        "funder": call.funder,
        "call": call.title.model_dump(),
        "case_number": case.case_number,
        "title": case.title,
        "organisation": _organisation(call, case.organisation),
        "category": call.category(case.category).name.model_dump(),
        "version": decision.version,
        "outcome": decision.outcome,
        "amount": decision.amount,
        "reason": decision.reason,
        "criteria": criteria(call, decision.averages),
        "threshold": call.scale.threshold,
        "highest": call.scale.highest,
        "conditions": [_condition(call, each) for each in decision.conditions],
        "sent_at": sent_at.isoformat(),
        "complaint_until": complaint_until.isoformat(),
        "reserve_until": reserve_until.isoformat() if reserve_until else None,
        "accept_due_at": award.accept_due_at.isoformat() if award else None,
        "start_due_at": award.start_due_at.isoformat() if award else None,
    }


def presentation_contents(
    call: CallDefinition,
    cases: Mapping[Any, Case],
    proposals: Sequence[Proposal],
    pots: Mapping[str, int],
    at: datetime,
) -> dict[str, Any]:
    """The awards for the leader meeting (X26), by panel, with the pot and what is left of it."""
    panels = []
    for code, pot in sorted(pots.items()):
        of_panel = [each for each in proposals if each.panel == code]
        awarded = [each for each in of_panel if each.outcome is Outcome.AWARDED]
        panels.append(
            {
                "name": call.panel(code).name.model_dump(),
                "pot": pot,
                "awarded": sum(each.amount for each in awarded),
                "assessed": len(of_panel),
                "awards": [_line(call, cases[each.application_id], each) for each in awarded],
                "reserve": [
                    _line(call, cases[each.application_id], each)
                    for each in of_panel
                    if each.outcome is Outcome.RESERVE
                ],
            }
        )
    return {
        "funder": call.funder,
        "call": call.title.model_dump(),
        "made_at": at.isoformat(),
        "panels": panels,
    }


def criteria(call: CallDefinition, averages: Mapping[str, float]) -> list[dict[str, Any]]:
    """The averages in the call's order, each with its name and whether it is above the threshold."""
    return [
        {
            "name": each.name.model_dump(),
            "average": averages[each.code],
            "above": averages[each.code] > call.scale.threshold,
        }
        for each in call.criteria
        if each.code in averages
    ]


def _line(call: CallDefinition, case: Case, proposal: Proposal) -> dict[str, Any]:
    return {
        "case_number": case.case_number,
        "title": case.title,
        "organisation": _organisation(call, case.organisation),
        "category": call.category(case.category).name.model_dump(),
        "amount": proposal.amount,
        "rank": proposal.rank,
        "deviates": proposal.reason,
    }


def _condition(call: CallDefinition, code: str) -> dict[str, str]:
    kind, _, organisation = code.rpartition("_")
    return {"kind": kind, "organisation": _organisation(call, organisation), "code": code}


def _organisation(call: CallDefinition, code: str) -> str:
    return next((each.name for each in call.organisations if each.code == code), code)
