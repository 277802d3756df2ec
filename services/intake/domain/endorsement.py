"""The chain of leaders who endorse an application (X31): their order, and what their word covers."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from pydantic import JsonValue

from services.intake.domain.rules import Draft
from services.intake.events.call_definition import CallDefinition


def covered(call: CallDefinition, draft: Draft) -> str:
    """Fingerprint of what a leader endorses: the whole budget, and the form fields the call names (the plan).

    Two drafts with the same fingerprint have the same budget and plan, whatever else differs.
    """
    fields = call.category(draft.category).form_hints.get("endorsed", [])
    content: Mapping[str, JsonValue] = {
        "lines": {code: amount for code, amount in draft.budget.lines.items() if amount},
        "own_share": draft.budget.own_share,
        "applied_amount": draft.budget.applied_amount,
        "form": {name: draft.form.get(name) for name in fields},
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def next_position(chain: Sequence[str], endorsed: Collection[str]) -> str | None:
    """The position to ask now: the first of the chain that has not endorsed; None when all have."""
    return next((position for position in chain if position not in endorsed), None)


def unfit(
    person_id: UUID,
    roles: Collection[str],
    organisation: str | None,
    *,
    authors: Collection[UUID],
    signers: Collection[UUID],
    trust: str,
) -> str | None:
    """Why this person cannot endorse the application of this trust; None if they can.

    `signers`: who has endorsed it in another position. An organisation counts where the token names one.
    """
    if person_id in authors:
        return "A leader endorses, not who writes the application."
    if person_id in signers:
        return "Each position has a leader of its own."
    if "endorser" not in roles:
        return "Only a leader with the role endorser endorses."
    if organisation not in (None, trust):
        return f"A leader of {trust} endorses."
    return None
