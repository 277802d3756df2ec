"""What a call says about its panels, read from its definition."""

from fractions import Fraction
from typing import Any

from services.common.errors import NotFound
from services.intake.events.call_definition import Category, Panel, Scale
from services.review.domain.panels import Quorum
from services.review.domain.ranking import Rules
from services.review.store.cases import Call
from services.review.store.rounds import Round


def panel_of(call: Call, code: str) -> Panel:
    """The panel of the call. Raises NotFound where the call has none of this code."""
    for written in call.definition["panels"]:
        if written["code"] == code:
            return Panel.model_validate(written)
    raise NotFound


def quorum_of(panel: Panel) -> Quorum:
    return Quorum(panel.quorum, panel.quorum_user_representatives)


def categories_of(call: Call) -> dict[str, Category]:
    return {written["code"]: Category.model_validate(written) for written in call.definition["categories"]}


def scale_of(call: Call) -> Scale:
    return Scale.model_validate(call.definition["scale"])


def rules_for(call: Call, round_: Round) -> Rules:
    """How the round's cases are ranked and paid for.

    The pot of the panel was shared out in its own round. A case that is assessed again waits for money that
    is freed, or comes next: above the threshold it gets a place on the reserve list.
    """
    panel = panel_of(call, round_.panel)
    threshold: Any = call.definition["scale"]["threshold"]
    again = round_.application_id is not None
    return Rules(
        threshold=Fraction(str(threshold)),
        pot=0 if again else panel.pot,
        reserve_size=1 if again else panel.reserve_size,
        tie_criteria=tuple(call.definition.get("tie_criteria", ())),
    )
