"""Plays a case before its panel: workflows' orders, other services' facts, people's acts, passing time."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.demo.calls import real_call
from services.common.db import Connection
from services.intake import events as intake
from services.review.commands import clock, tasks
from services.review.commands.recording import record_facts
from tests.service.review.panel_play import CALL, WORKFLOW, PanelPlay, case_id
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds
from workflows.contracts.review import LadderStep, OpenTask

FAR = datetime(2100, 1, 4, 12, tzinfo=UTC)


class CasePlay(PanelPlay):
    """A call whose deadline is far away, and its cases; `owner` is a connection that can move time."""

    owner: Connection

    async def begin(self, *, deadline: datetime = FAR, **changes: Any) -> None:
        """Publish the call on the continuous calendar: ten working days are 240 hours."""
        await self.publish(**{"calendar": "continuous", "deadline": deadline.isoformat(), **changes})

    async def resubmit(self, name: str, version: int, **changes: Any) -> uuid.UUID:
        application_id = case_id(name)
        await self.deliver(submitted(name, version=version, **changes), str(application_id))
        return application_id

    async def open(
        self, kind: str, application_id: uuid.UUID, n: str | None = None, **more: Any
    ) -> uuid.UUID:
        """What a workflow orders; returns the task's id, whether it was opened or not. Without `n`: the
        first of its kind, of the organisation that is consulted."""
        given = {"role": "rhf_adviser", **more}
        n = n or (more["organisation"] if kind == kinds.CONSULT else "1")
        order = OpenTask(str(application_id), kind, n, CALL, application_id, **given)
        async with self.database.transaction() as conn:
            facts = await tasks.open_task(conn, order)
            await record_facts(conn, WORKFLOW, "task.opened", {}, facts)
        return kinds.task_id(str(application_id), kind, n)

    async def prescreen(
        self, adviser: Person, application_id: uuid.UUID, outcome: str = "recommended", version: int = 1
    ) -> None:
        body = {"version": version, "outcome": outcome, "reason": f"It is {outcome}."}
        response = await self.api.post(adviser, f"/v1/cases/{application_id}/prescreening", body)
        assert response.status_code == 201, response.text

    async def ask(
        self, asker: Person, application_id: uuid.UUID, task_id: uuid.UUID | None = None, of: str = "holder"
    ) -> uuid.UUID:
        body = {"text": "How long does it take?", "of": of}
        if task_id is not None:
            body["task_id"] = str(task_id)
        response = await self.api.post(asker, f"/v1/cases/{application_id}/questions", body)
        assert response.status_code == 201, response.text
        return uuid.UUID(response.json()["id"])

    async def answer(self, person: Person, question_id: uuid.UUID) -> None:
        response = await self.api.post(person, f"/v1/questions/{question_id}/answer", {"text": "A week."})
        assert response.status_code == 201, response.text

    async def step(self, task_id: uuid.UUID, n: int, due_at: datetime | None = None) -> list[Any]:
        """What the task's workflow does at a rung of the ladder; returns the facts."""
        if due_at is None:
            due_at = (await self.row(task_id))["due_at"]
        async with self.database.transaction() as conn:
            facts = await clock.take_ladder_step(conn, LadderStep(task_id, n, due_at))
            await record_facts(conn, WORKFLOW, "task.stepped", {}, facts)
        return facts

    async def pass_time(self, task_id: uuid.UUID, by: timedelta) -> None:
        """As if everything that happened to the task so far had happened earlier by this much."""
        moved = {
            "ladder_step": ("task_id", ("at", "due_at", "taken_at")),
            "pause": ("task_id", ("paused_at", "resumed_at")),
            "task": ("id", ("opened_at", "due_at", "closed_at")),
        }
        async with self.owner.transaction():
            for table, (key, columns) in moved.items():
                sets = ", ".join(f"{column} = {column} - $2::interval" for column in columns)
                await self.owner.execute(f"update {table} set {sets} where {key} = $1", task_id, by)

    async def row(self, task_id: uuid.UUID) -> Mapping[str, Any]:
        async with self.database.read() as conn:
            row = await conn.fetchrow("select * from task where id = $1", task_id)
        assert row is not None
        return dict(row)

    async def case(self, application_id: uuid.UUID) -> Mapping[str, Any]:
        async with self.database.read() as conn:
            row = await conn.fetchrow("select * from cases where id = $1", application_id)
        assert row is not None
        return dict(row)

    async def ladder(self, task_id: uuid.UUID) -> list[tuple[int, str, timedelta]]:
        """(n, kind, distance from due) of the steps still to come."""
        async with self.database.read() as conn:
            rows = await conn.fetch(
                """
                select s.n, s.kind, s.at - s.due_at as distance from ladder_step s
                join task t on t.id = s.task_id and t.due_at = s.due_at
                where t.id = $1 and s.taken_at is null order by s.n
                """,
                task_id,
            )
        return [(row["n"], row["kind"], row["distance"]) for row in rows]

    async def worklist(self, person: Person, view: str = "mine", **params: str) -> list[dict[str, Any]]:
        response = await self.api.get(person, "/v1/tasks", params={"view": view, **params})
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["items"]
        return items


def submitted(name: str, *, version: int = 1, **changes: Any) -> intake.ApplicationSubmitted:
    """The fact that a version of a case of CALL was received."""
    return intake.ApplicationSubmitted(
        **{
            "application_id": case_id(name),
            "call_id": CALL,
            "version": version,
            "case_number": f"2023-{name}",
            "submitted_at": datetime(2023, 10, 20, tzinfo=UTC),
            "category": "service",
            "panel": "service",
            "organisation": "STOLAV",
            "title": f"Title of {name}",
            "holder_id": case_id(f"holder-{name}"),
            "editor_ids": [],
            "amount": 500_000,
            "total_budget": 1_000_000,
            "priority_areas": [],
            "patient_groups": [],
            "touches": [],
            "findings": [],
            "after_internal_deadline": False,
            "statement": "",
            **changes,
        }
    )


def ladder_of(
    kind: str, *, due: str, steps: list[tuple[str, str, list[str]]], may_pause: bool = True
) -> dict[str, Any]:
    """The call's task rules with this one changed: `due` and the steps' instants are durations."""
    written = real_call().model_dump(mode="json")["tasks"]
    ladder = [{"kind": k, "at": {"after": at}, "to": to} for k, at, to in steps]
    return written | {kind: {"due": {"after": due}, "ladder": ladder, "may_pause": may_pause}}
