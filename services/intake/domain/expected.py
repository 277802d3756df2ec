"""When the stage of a case should be over, as its applicant is told."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.common.calendar import due, parse_rule
from services.intake.events.call_definition import CallDefinition
from workflows.contracts import tasks

TASKS: Mapping[str, tuple[str, ...]] = {
    "prescreening": (tasks.PRESCREEN,),
    "consultation": (tasks.CONSULT,),
    "formal_check": (tasks.CONFIRM_REJECTION,),
    "complaint": (tasks.ANSWER_COMPLAINT,),
    "acceptance": (tasks.CONFIRM_LOSS, tasks.ACCEPT_AWARD),
    "plan": (tasks.CONFIRM_PLAN, tasks.DELIVER_PLAN),
    "start": (tasks.CONFIRM_LOSS, tasks.DECIDE_EXTENSION, tasks.CONFIRM_START),
    "report": (tasks.JUDGE_REPORT, tasks.YEARLY_REPORT, tasks.FINAL_REPORT),
}
"""The tasks of the case itself that a stage waits for; of several kinds the first that is open counts."""

STEPS: Mapping[str, tuple[str, ...]] = {
    "round": (tasks.DECLARE_CONFLICTS,),
    "assessment": (tasks.JUDGE_APPLICATIONS, tasks.HOLD_MEETING, tasks.SIGN_RECOMMENDATION),
    "reassessment": (
        tasks.NAME_STANDINS,
        tasks.DECLARE_CONFLICTS,
        tasks.JUDGE_APPLICATIONS,
        tasks.HOLD_MEETING,
        tasks.SIGN_RECOMMENDATION,
    ),
    "decision": (tasks.PREPARE_DECISION, tasks.TAKE_DECISION),
}
"""The steps of many cases at once, one after the other. Told is what the call gives them, never how the tasks
move: that would tell of the panel's members and their conflicts."""

KINDS = frozenset(kind for kinds in TASKS.values() for kind in kinds)


@dataclass(frozen=True)
class Due:
    """An open task of the case."""

    kind: str
    due_at: datetime


def by_tasks(stage: str, open_: Collection[Due]) -> datetime | None:
    """When the last of the tasks that this stage waits for is due; None where none is open."""
    for kind in TASKS.get(stage, ()):
        found = [each.due_at for each in open_ if each.kind == kind]
        if found:
            return max(found)
    return None


def by_rules(
    call: CallDefinition, stage: str, entered_at: datetime, straggler_at: datetime
) -> datetime | None:
    """When the steps of this stage should be done; None where it has none.

    A round begins at the straggler instant at the latest.
    """
    steps = STEPS.get(stage)
    if steps is None:
        return None
    at = max(entered_at, straggler_at) if stage == "round" else entered_at
    for kind in steps:
        at = due(parse_rule(call.tasks[kind].due), at, call.calendar)
    return at
