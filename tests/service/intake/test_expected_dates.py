"""When each stage should be over, as the applicant reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.common.calendar import due, parse_rule
from services.review import events as review
from tests.service.intake.world import World
from workflows.contracts.tasks import task_id


async def test_the_expected_date_follows_the_tasks_of_the_case_and_the_rules_of_the_call(
    world: World,
) -> None:
    """From the pre-screening to the decision: each stage says when it should be over, and no task of the
    panel moves what the applicant reads."""
    holder = world.person(organisation="HMR")
    application_id = await world.submitted(holder)
    start = datetime(2030, 1, 2, 14, 0, tzinfo=UTC)

    async def expected(name: str, owner: str) -> datetime | None:
        await world.stage(application_id, name, owner)
        return await shown()

    async def shown() -> datetime | None:
        found = (await world.status(holder, application_id))["expected_at"]
        return None if found is None else datetime.fromisoformat(found)

    def task(kind: str, n: str = "1", *, of: UUID | None = application_id) -> dict[str, Any]:
        subject = str(of or "a-round")
        return {
            "task_id": task_id(subject, kind, n),
            "kind": kind,
            "subject": subject,
            "n": n,
            "call_id": world.call.id,
            "application_id": of,
        }

    async def opened(kind: str, due_at: datetime, n: str = "1", *, of: UUID | None = application_id) -> None:
        more = {"audience": review.Audience(role="x"), "opened_at": start, "ladder": [], "act_path": "/"}
        await world.take(review.TaskOpened(**task(kind, n, of=of), due_at=due_at, **more), of or "a-call")

    async def closed(kind: str, n: str = "1") -> None:
        fact = review.TaskClosed(**task(kind, n), outcome="done", closed_at=start)
        await world.take(fact, application_id)

    day = timedelta(days=1)
    assert await expected("prescreening", "hf:HMR") is None, "the trust has not been asked yet"
    await opened("prescreen", start)
    await opened("confirm_rejection", start + day)
    assert await shown() == start
    moved = review.TaskMoved(**task("prescreen"), due_at=start + 3 * day, ladder=[], cause="resumed")
    await world.take(moved, application_id)
    assert await shown() == start + 3 * day, "the trust had waited for an answer"
    await closed("prescreen")

    await opened("consult", start + 4 * day, "HP")
    await opened("consult", start + 5 * day, "HEMIT")
    assert await expected("consultation", "HP") == start + 5 * day
    await closed("consult", "HEMIT")
    assert await shown() == start + 4 * day
    assert await expected("formal_check", "rhf") == start + day

    async with world.database.read() as conn:
        straggler_at = await conn.fetchval("select straggler_at from call")
    conflicts = due(parse_rule(world.call.tasks["declare_conflicts"].due), straggler_at, world.call.calendar)
    assert await expected("round", "committee") == conflicts
    by_the_call = await expected("assessment", "committee")
    assert by_the_call is not None
    await opened("judge_applications", start, of=None)
    assert await shown() == by_the_call
    assert await expected("decision", "rhf") is not None

    await opened("answer_complaint", start + 9 * day)
    assert await expected("complaint", "rhf") == start + 9 * day
