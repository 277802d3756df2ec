"""The kinds of human task and the one identity a task has.

`task_id(subject, kind, n)` is pure, so that whoever opens a task and whoever closes it reach the same row
without asking each other. Subjects: an application id, a panel round id, a decision round id, or
`{round_id}/{person_id}`.
"""

from uuid import UUID, uuid5

_NAMESPACE = UUID("6f0b6a52-6d5c-5e0e-9a37-4f1f0f7d2a11")

ENDORSE_DRAFT = "endorse_draft"  # subject application, n "{n}"
ANSWER_CLARIFICATION = "answer_clarification"  # subject application, n "{n}"
PRESCREEN = "prescreen"  # subject application, n "{version}"
CONSULT = "consult"  # subject application, n "{organisation}"
CONFIRM_REJECTION = "confirm_rejection"  # subject application, n "{version}"
ANSWER_QUESTION = "answer_question"  # subject application, n "{question_id}"
NAME_STANDINS = "name_standins"  # subject panel round, n "{n}": each time it is needed
DECLARE_CONFLICTS = "declare_conflicts"  # subject panel round/person, n "{n}": each time it is needed
JUDGE_APPLICATIONS = "judge_applications"  # subject panel round/person, n "{n}": each time it is needed
HOLD_MEETING = "hold_meeting"  # subject panel round, n "{n}": each time it is needed
SIGN_RECOMMENDATION = "sign_recommendation"  # subject panel round, n "{n}": each time it is needed
PREPARE_DECISION = "prepare_decision"  # subject decision round, n "{attempt}"
TAKE_DECISION = "take_decision"  # subject decision round, n "{attempt}"
ACCEPT_AWARD = "accept_award"  # subject application, n "{decision version}"
DELIVER_PLAN = "deliver_plan"  # subject application, n "{organisation}:{n}"
CONFIRM_PLAN = "confirm_plan"  # subject application, n "{organisation}:{n}"
CONFIRM_START = "confirm_start"  # subject application, n "{decision version}"
DECIDE_EXTENSION = "decide_extension"  # subject application, n "{n}"
CONFIRM_LOSS = "confirm_loss"  # subject application, n "{n}"
CONFIRM_MOVE = "confirm_move"  # subject application, n "{n}"
YEARLY_REPORT = "yearly_report"  # subject application, n "{n}.{attempt}"
FINAL_REPORT = "final_report"  # subject application, n "{n}.{attempt}"
JUDGE_REPORT = "judge_report"  # subject application, n "{kind}:{n}.{attempt}"
DECIDE_CHANGE = "decide_change"  # subject application, n "{n}"
REGISTER_INVOICES = "register_invoices"  # subject application, n "1"
ANSWER_COMPLAINT = "answer_complaint"  # subject application, n "{n}"
HANDLE_LATE_FACT = "handle_late_fact"  # subject application or call, n "{event id}" or what came too late
REACH_RECIPIENT = "reach_recipient"  # subject application or call, n "{message id}": a mail came back

KINDS = (
    ENDORSE_DRAFT,
    ANSWER_CLARIFICATION,
    PRESCREEN,
    CONSULT,
    CONFIRM_REJECTION,
    ANSWER_QUESTION,
    NAME_STANDINS,
    DECLARE_CONFLICTS,
    JUDGE_APPLICATIONS,
    HOLD_MEETING,
    SIGN_RECOMMENDATION,
    PREPARE_DECISION,
    TAKE_DECISION,
    ACCEPT_AWARD,
    DELIVER_PLAN,
    CONFIRM_PLAN,
    CONFIRM_START,
    DECIDE_EXTENSION,
    CONFIRM_LOSS,
    CONFIRM_MOVE,
    YEARLY_REPORT,
    FINAL_REPORT,
    JUDGE_REPORT,
    DECIDE_CHANGE,
    REGISTER_INVOICES,
    ANSWER_COMPLAINT,
    HANDLE_LATE_FACT,
    REACH_RECIPIENT,
)


def task_id(subject: str, kind: str, n: str) -> UUID:
    """The id of the task of this kind on this subject; the same arguments give the same id for ever."""
    return uuid5(_NAMESPACE, f"{subject} {kind} {n}")
