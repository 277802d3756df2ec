"""Every kind of task is closed by something: by a fact of another service, or by a decision of our own."""

import pytest

from services.review.consumers import EFFECTS, HANDLERS, TOPICS
from services.review.consumers.closes import CLOSES
from workflows.contracts import tasks

CLOSED_BY_REVIEW = {
    tasks.ANSWER_CLARIFICATION,
    tasks.PRESCREEN,
    tasks.CONSULT,
    tasks.ANSWER_QUESTION,
    tasks.NAME_STANDINS,
    tasks.DECLARE_CONFLICTS,
    tasks.JUDGE_APPLICATIONS,
    tasks.HOLD_MEETING,
    tasks.SIGN_RECOMMENDATION,
    tasks.HANDLE_LATE_FACT,
    tasks.REACH_RECIPIENT,
}


class _Anything:
    """A fact with every field that a row of the table may ask for."""

    decided_by = "somebody"
    last = True

    def __init__(self, kind: str = "yearly") -> None:
        self.kind = kind

    def __getattr__(self, name: str) -> str:
        return f"<{name}>"


def closed_by_facts() -> set[str]:
    keys = [key(_Anything(kind)) for key in CLOSES.values() for kind in ("yearly", "final")]
    return {key.kind for key in keys if key is not None}


def test_every_kind_of_task_is_closed_by_a_fact_or_by_review_itself() -> None:
    assert closed_by_facts() | CLOSED_BY_REVIEW == set(tasks.KINDS)
    assert not closed_by_facts() & CLOSED_BY_REVIEW


@pytest.mark.parametrize("fact", list(CLOSES), ids=lambda fact: fact.__name__)
def test_a_closing_fact_carries_every_field_that_names_the_task(fact: type) -> None:
    asked: list[str] = []

    class Spy(_Anything):
        def __getattr__(self, name: str) -> str:
            asked.append(name)
            return super().__getattr__(name)

    CLOSES[fact](Spy())
    assert set(asked) <= set(fact.__dataclass_fields__)  # type: ignore[attr-defined]
    assert "call_id" in fact.__dataclass_fields__  # type: ignore[attr-defined]


def test_every_handled_fact_comes_on_a_topic_that_review_reads() -> None:
    for fact in (*CLOSES, *EFFECTS):
        assert fact.TOPIC in TOPICS
        assert fact.TYPE in HANDLERS


def test_a_check_without_findings_closes_nothing() -> None:
    from services.intake.events import FormalCheckPassed

    fact = _Anything()
    fact.decided_by = None  # type: ignore[assignment]
    assert CLOSES[FormalCheckPassed](fact) is None
