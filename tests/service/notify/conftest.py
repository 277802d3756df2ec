"""A notify whose facts come in by its real consumer and whose mails go to a relay of the tests' own."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from services.common.db import Database
from services.common.record import Fact
from services.common.run import Worker
from services.common.settings import Settings
from services.intake import events as intake
from services.notify.consumers import HANDLERS
from services.notify.delivery import RelayDown, send_next
from services.review import events as review
from tests.support.facts import deliver

CALL = "innovation-2023"


class Notify:
    """What tests do with notify."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings

    def worker(self, **changes: Any) -> Worker:
        changed = self.settings.model_copy(update=changes)
        return cast(Worker, SimpleNamespace(settings=changed, database=self.database))

    async def take(self, fact: Fact, key: object) -> UUID:
        return await deliver(self.database, "notify", HANDLERS, fact, key=str(key))

    async def meet(self, person_id: UUID, *roles: str, organisation: str | None = None, **more: Any) -> None:
        """The person's contact arrives."""
        fields: dict[str, Any] = {
            "kind": "person",
            "name": "Noen",
            "email": f"p{person_id.hex[:8]}@helse-midt.test",
            "language": "nb",
        }
        contact = intake.ContactChanged(
            person_id=person_id, roles=list(roles), organisation=organisation, **fields | more
        )
        await self.take(contact, person_id)

    async def submit(self, application_id: UUID, holder_id: UUID, **more: Any) -> UUID:
        """The case's first submission arrives."""
        fields: dict[str, Any] = {
            "version": 1,
            "case_number": "2023-0042",
            "submitted_at": datetime.now(UTC),
            "category": "service",
            "panel": "service",
            "organisation": "HNT",
            "title": "Varsling av delir",
            "editor_ids": [],
            "amount": 500000,
            "total_budget": 700000,
            "priority_areas": ["P01"],
            "patient_groups": [],
            "touches": [],
            "findings": [],
            "after_internal_deadline": False,
            "statement": "Kort om prosjektet",
        }
        fact = intake.ApplicationSubmitted(
            application_id=application_id, call_id=CALL, holder_id=holder_id, **fields | more
        )
        return await self.take(fact, application_id)

    async def conflict(self, application_id: UUID, person_id: UUID) -> None:
        """The person's conflict of interest in the case arrives."""
        fact = review.ConflictDeclared(application_id=application_id, call_id=CALL, person_id=person_id)
        await self.take(fact, application_id)

    def task(self, application_id: UUID | None, audience: review.Audience) -> review.TaskOpened:
        now = datetime.now(UTC)
        return review.TaskOpened(
            task_id=uuid4(),
            kind="prescreen",
            subject=str(application_id),
            n="1",
            call_id=CALL,
            application_id=application_id,
            audience=audience,
            opened_at=now,
            due_at=now + timedelta(days=1),
            ladder=[],
            act_path="POST review /v1/cases/x/prescreening",
        )

    async def close(self, task: review.TaskOpened) -> None:
        """The task is done."""
        shared = {each.name: getattr(task, each.name) for each in fields(review.TaskFact)}
        await self.take(
            review.TaskClosed(**shared, outcome="done", closed_at=datetime.now(UTC)),
            task.application_id or task.call_id,
        )

    async def messages(self) -> list[Any]:
        async with self.database.read() as conn:
            return await conn.fetch("select * from message order by created_at, id")

    async def send_all(self, worker: Worker) -> None:
        """Until nothing is due, or no relay answers."""
        with suppress(RelayDown):
            while await send_next(worker):
                pass

    async def let_time_pass(self) -> None:
        """The pauses before the next tries are over."""
        async with self.database.transaction() as conn:
            await conn.execute("update message set next_try_at = clock_timestamp() where status = 'queued'")


@pytest.fixture
async def notify(open_database: Callable[[str], Awaitable[Database]], settings: Settings) -> Notify:
    return Notify(await open_database("notify"), settings)
