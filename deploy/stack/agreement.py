"""Do the services agree about every case? Each may be sound in itself, and they wait for each other for ever.

Facts cross (a withdrawal with the trust's answer, a decision with a late return), and every service must come
to the same end whatever it heard first. What is on its way at this moment is given time to arrive.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import deliveries
from .settings import Settings

_WAITING = frozenset({"received", "in_decision"})
_GRANTED = frozenset({"awarded", "reserve", "offered", "moving"})
_ENDED = frozenset({"ended"})

REVIEW: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"none", "draft"}),
    "submitted": frozenset({"prescreening", "consulting", "in_round"}),
    "returned": frozenset({"returned", "in_round"}),
    "withdrawn": _ENDED,
    "withdrawn_returned": _ENDED,
    "withdrawn_not_recommended": _ENDED,
    "rejected": _ENDED,
    "rejected_returned": _ENDED,
    "rejected_not_recommended": _ENDED,
    "not_recommended": _ENDED,
    "expired": _ENDED,
    "decided": frozenset({"decided", "in_round"}),  # in a round again after a complaint
}
"""Where a case may be in review, by where it is in intake."""

NOT_IN_FUNDING: Mapping[str, frozenset[str]] = {
    "draft": _WAITING | _GRANTED | _ENDED,
    "submitted": _ENDED,
    "returned": _ENDED,
    "decided": frozenset({"none", "received"}) | _ENDED,
}
"""Where it cannot be in funding; what ended in intake is neither waited for nor granted there."""

_STANDS = """
select id::text, coalesce(a.state, 'none'), coalesce(r.state, 'none'), coalesce(f.state, 'none')
from intake.application a full join review.cases r using (id) full join funding.cases f using (id)
order by id
"""


def agree(intake: str, review: str, funding: str) -> bool:
    """Whether a case can stand so in the three services; "none" where one does not know it."""
    impossible = NOT_IN_FUNDING.get(intake, _WAITING | _GRANTED)
    return review in REVIEW.get(intake, frozenset()) and funding not in impossible


def disagreements(settings: Settings, patience: float = deliveries.PATIENCE_SECONDS) -> list[str]:
    """One line per case about which the services do not agree."""
    with deliveries.inspecting(settings) as conn:
        if conn.execute("select to_regclass('funding.cases')").fetchone() == (None,):
            return []  # nothing is migrated yet
        return deliveries.lasting(
            lambda: [
                f"cases: {case}: intake says {intake}, review {review}, funding {funding}"
                for case, intake, review, funding in conn.execute(_STANDS).fetchall()
                if not agree(intake, review, funding)
            ],
            patience,
        )
