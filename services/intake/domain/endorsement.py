"""The chain of leaders who endorse an application (X31): their order, and what their word covers."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence

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
