"""What a call says about its tasks and its stragglers, read from its definition."""

from collections.abc import Sequence

from services.common.calendar import Calendar, parse_rule
from services.common.db import Connection
from services.common.errors import NotYet
from services.intake.events.call_definition import TaskRule
from services.review.domain.tasks import UNRULED, Rung, TaskTerms
from services.review.store import cases as store


class CallNotKnownYet(NotYet):
    """The call's own fact has not arrived."""


async def find_call(conn: Connection, call_id: str) -> store.Call | None:
    return await store.get_call(conn, call_id)


async def get_call(conn: Connection, call_id: str) -> store.Call:
    """The call; CallNotKnownYet (retried) while its publication is still on its way."""
    call = await find_call(conn, call_id)
    if call is None:
        raise CallNotKnownYet(call_id)
    return call


def calendar_of(call: store.Call | None) -> Calendar:
    return Calendar.NORWEGIAN if call is None else Calendar(call.definition["calendar"])


def waits_for_straggler(call: store.Call, lacking: Sequence[str]) -> bool:
    """Whether the round waits on, past the straggler instant, for a case that lacks this.

    `lacking`: as `barrier.missing` has it. A consultation goes by its own rule, the rest by that of the call.
    """
    policy: str = call.definition["times"]["straggler_policy"]
    if "prescreening" in lacking:  # nobody is consulted before the trust has recommended it
        lacking = ["prescreening"]
    # An organisation consulted for two reasons is waited for if one of them says so: that comes last.
    consultations = sorted(call.definition["consultations"], key=lambda each: str(each["late_answer"]))
    rules = {f"consultation_{each['organisation']}": each["late_answer"] for each in consultations}
    return "wait" in ([rules.get(each, policy) for each in lacking] or [policy])


def terms_of(call: store.Call | None, kind: str) -> TaskTerms:
    """The call's rule for this kind of task; only this one is parsed, a whole definition takes long."""
    written = None if call is None else call.definition["tasks"].get(kind)
    if written is None:
        return UNRULED
    rule = TaskRule.model_validate(written)
    return TaskTerms(
        due=parse_rule(rule.due),
        ladder=tuple(Rung(step.kind, parse_rule(step.at), tuple(step.to)) for step in rule.ladder),
        may_pause=rule.may_pause,
    )
