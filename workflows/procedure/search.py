"""Search attributes, by which operators find runs. Pages never use them: they lag behind."""

from datetime import datetime

from temporalio import workflow
from temporalio.common import SearchAttributeKey

APPLICATION_ID = SearchAttributeKey.for_keyword("ApplicationId")
CALL_ID = SearchAttributeKey.for_keyword("CallId")
STAGE = SearchAttributeKey.for_keyword("Stage")
ORGANISATION = SearchAttributeKey.for_keyword("Organisation")
DUE_AT = SearchAttributeKey.for_datetime("DueAt")
ESCALATION_LEVEL = SearchAttributeKey.for_int("EscalationLevel")


def stage(code: str) -> None:
    workflow.upsert_search_attributes([STAGE.value_set(code)])


def organisation(code: str | None) -> None:
    workflow.upsert_search_attributes([ORGANISATION.value_set(code) if code else ORGANISATION.value_unset()])


def due(at: datetime) -> None:
    workflow.upsert_search_attributes([DUE_AT.value_set(at)])


def escalated(level: int) -> None:
    workflow.upsert_search_attributes([ESCALATION_LEVEL.value_set(level)])
