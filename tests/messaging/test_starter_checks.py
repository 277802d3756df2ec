"""The invariants of the starter: each fault planted, and nothing found in what is well."""

from typing import Any
from uuid import uuid4

import pytest

from services.common.doctor import examine
from tests.messaging.test_starter import migrated  # noqa: F401 - a fixture
from tests.messaging.test_starter_doctor import add_task
from tests.workflow.events import Applicant
from workflows.checks import CHECKS
from workflows.contracts.ids import application_workflow_id, task_workflow_id


async def findings(as_role: Any) -> list[tuple[str, str]]:
    conn = await as_role("workflows", "inspector")
    return [(each.check.name, each.key) for each in await examine(conn, CHECKS)]


async def plant_event(as_role: Any, schema: str, type_: str, key: str, payload: str) -> None:
    conn = await as_role(schema, "owner")
    await conn.execute(
        """insert into outbox (id, key, topic, type, payload, created_at, published_at)
           values ($1, $2, $3, $4, $5, clock_timestamp() - interval '2 minutes', clock_timestamp())""",
        uuid4(),
        key,
        f"{schema}.events",
        type_,
        payload,
    )


async def plant_run(as_role: Any, workflow_id: str, *, ended: bool = False) -> None:
    conn = await as_role("workflows", "owner")
    await conn.execute(
        """insert into run (workflow_id, started_event, ended_at)
           values ($1, $2, case when $3 then clock_timestamp() end)""",
        workflow_id,
        uuid4(),
        ended,
    )


async def submission_without_a_run(as_role: Any, case: Applicant) -> None:
    await plant_event(as_role, "intake", "no.innoflyt.intake.application-submitted.v1", str(case.id), "{}")


async def early_fact_of_a_run(as_role: Any, case: Applicant) -> None:
    conn, workflow_id = await as_role("workflows", "owner"), application_workflow_id(case.id)
    await conn.execute(
        "insert into early_fact (workflow_id, event_id, type, data) values ($1, $2, 't', '{}')",
        workflow_id,
        uuid4(),
    )
    assert await findings(as_role) == [], "it may still be early"
    await plant_run(as_role, workflow_id)


async def open_task_without_a_clock(as_role: Any, case: Applicant) -> None:
    identity = await add_task(await as_role("review", "owner"), case)
    await plant_run(as_role, task_workflow_id(identity), ended=True)


FAULTS = {
    "workflows.not_started": submission_without_a_run,
    "workflows.early_fact_kept": early_fact_of_a_run,
    "workflows.clock_of_open_task_ended": open_task_without_a_clock,
}


def test_every_check_has_its_fault():
    assert {check.name for check in CHECKS} == set(FAULTS)


@pytest.mark.parametrize("name", sorted(FAULTS))
async def test_a_planted_fault_is_found_and_its_case_named(name, as_role):
    case = Applicant()
    assert await findings(as_role) == []
    await FAULTS[name](as_role, case)
    assert await findings(as_role) == [(name, str(case.id))]


@pytest.mark.parametrize(
    ("schema", "type_", "prefix"),
    [
        ("intake", "no.innoflyt.intake.application-submitted.v1", "application"),
        ("intake", "no.innoflyt.intake.call-published.v1", "call"),
        ("funding", "no.innoflyt.funding.award-made.v1", "grant"),
        ("review", "no.innoflyt.review.task-opened.v1", "task"),
    ],
)
async def test_event_that_started_no_run_is_found(as_role, schema, type_, prefix):
    key = str(uuid4())
    assert await findings(as_role) == []
    await plant_event(as_role, schema, type_, key, f'{{"task_id": "{key}"}}')
    assert await findings(as_role) == [("workflows.not_started", key)]
    await plant_run(as_role, f"{prefix}:{key}")
    assert await findings(as_role) == []
