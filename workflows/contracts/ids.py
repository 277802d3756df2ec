"""Names that workflows, services and the starter must agree on."""

WORKFLOW_QUEUE = "workflows"
INTAKE_QUEUE = "intake"
REVIEW_QUEUE = "review"
FUNDING_QUEUE = "funding"
NOTIFY_QUEUE = "notify"


def application_workflow_id(application_id: object) -> str:
    return f"application:{application_id}"


def call_workflow_id(call_id: str) -> str:
    return f"call:{call_id}"


def grant_workflow_id(application_id: object) -> str:
    return f"grant:{application_id}"


def task_workflow_id(task_id: object) -> str:
    return f"task:{task_id}"


def panel_round_id(call_id: str, panel: str) -> str:
    """The round in which a panel assesses all cases of a call."""
    return f"{call_id}.{panel}"


def reassessment_round_id(application_id: object, n: int) -> str:
    """The round in which one case is assessed again, by others."""
    return f"{application_id}.r{n}"


def decision_round_id(subject: object, n: int) -> str:
    """`subject`: the call id for the round of the call, the application id for one case decided later."""
    return f"{subject}.d{n}"
