"""Plays a panel's round through review's own consumers, commands and API."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import JsonValue

from deploy.demo.calls import real_call
from services.common.db import Database
from services.common.record import Actor
from services.intake import events as intake
from services.intake.events import CallDefinition
from services.review.commands import rounds
from services.review.consumers import HANDLERS
from tests.support.api import Api
from tests.support.facts import deliver
from tests.support.tokens import Person
from workflows.contracts.ids import panel_round_id
from workflows.contracts.review import CaseEntry, PanelRound

CALL = "innovation-2023"
ROUND = panel_round_id(CALL, "product")
SERVICE_ROUND = panel_round_id(CALL, "service")
WORKFLOW = Actor("workflow", f"call:{CALL}")
AT = datetime(2023, 10, 25, 12, tzinfo=UTC)


def case_id(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.test")


class PanelPlay:
    """One call in a fresh database; `api` is review's own."""

    def __init__(self, database: Database, api: Api, adviser: Person) -> None:
        self.database = database
        self.api = api
        self.adviser = adviser

    async def publish(self, **changes: Any) -> CallDefinition:
        """Publish the call, with these changes to its file."""
        written = real_call().model_dump(mode="json") | changes
        call = CallDefinition.model_validate(written)
        fact = intake.CallPublished(
            call_id=call.id,
            opens_at=call.opens_at,
            deadline=call.deadline,
            closes_at=call.deadline,
            draft_warnings=[],
            straggler_at=call.deadline,
            definition=call.model_dump(mode="json"),
        )
        await self.deliver(fact, call.id)
        return call

    async def deliver(self, fact: Any, key: str) -> None:
        await deliver(self.database, "review", HANDLERS, fact, key=key)

    async def submit(
        self,
        name: str,
        *,
        category: str = "product",
        amount: int = 500_000,
        organisation: str = "STOLAV",
        priority_areas: Sequence[str] = (),
        touches: Sequence[str] = (),
    ) -> uuid.UUID:
        application_id = case_id(name)
        fact = intake.ApplicationSubmitted(
            application_id=application_id,
            call_id=CALL,
            version=1,
            case_number=f"2023-{name}",
            submitted_at=AT,
            category=category,
            panel="product" if category == "product" else "service",
            organisation=organisation,
            title=f"Title of {name}",
            holder_id=case_id(f"holder-{name}"),
            editor_ids=[],
            amount=amount,
            total_budget=amount * 2,
            priority_areas=list(priority_areas),
            patient_groups=[],
            touches=list(touches),
            findings=[],
            after_internal_deadline=False,
            statement="",
        )
        await self.deliver(fact, str(application_id))
        return application_id

    async def close_call(self, *application_ids: uuid.UUID) -> None:
        fact = intake.CallClosed(call_id=CALL, closed_at=AT, application_ids=list(application_ids))
        await self.deliver(fact, CALL)

    async def withdraw(self, application_id: uuid.UUID) -> None:
        fact = intake.ApplicationWithdrawn(
            application_id=application_id, call_id=CALL, withdrawn_by=uuid.uuid4(), undo_until=AT
        )
        await self.deliver(fact, str(application_id))

    async def undo_withdrawal(self, application_id: uuid.UUID) -> None:
        fact = intake.WithdrawalUndone(application_id=application_id, call_id=CALL, undone_by=uuid.uuid4())
        await self.deliver(fact, str(application_id))

    async def enter(self, application_id: uuid.UUID, *flags: str) -> None:
        async with self.database.transaction() as conn:
            await rounds.enter_round(conn, CaseEntry(application_id, CALL, list(flags)), WORKFLOW)

    async def pass_straggler_instant(self) -> None:
        async with self.database.transaction() as conn:
            await rounds.pass_straggler_instant(conn, CALL, WORKFLOW)

    async def order(
        self, name: str, round_id: str = ROUND, *, application_id: uuid.UUID | None = None
    ) -> None:
        """What the workflow orders: open_conflicts, assign, open_meeting, open_signing, ..."""
        panel = "service" if round_id == SERVICE_ROUND else "product"
        async with self.database.transaction() as conn:
            await getattr(rounds, name)(conn, PanelRound(round_id, CALL, panel, application_id), WORKFLOW)

    async def name_members(self, members: Sequence[Person], users: Sequence[Person]) -> None:
        """The first member is the chair."""
        panel = "product"
        await self.name_panel(panel, members, users)

    async def name_panel(self, panel: str, members: Sequence[Person], users: Sequence[Person]) -> None:
        response = await self.api.put(
            self.adviser, f"/v1/calls/{CALL}/panels/{panel}/members", as_members(members, users)
        )
        assert response.status_code == 200, response.text

    async def declare(
        self,
        member: Person,
        cases: Sequence[uuid.UUID],
        conflicts: Sequence[uuid.UUID] = (),
        round_id: str = ROUND,
    ) -> httpx.Response:
        body = [{"application_id": str(each), "conflict": each in conflicts} for each in cases]
        return await self.api.post(member, f"/v1/rounds/{round_id}/conflicts", {"declarations": body})

    async def score(
        self, member: Person, application_id: uuid.UUID, scores: Mapping[str, object], round_id: str = ROUND
    ) -> httpx.Response:
        return await self.api.put(
            member, f"/v1/rounds/{round_id}/assessments/{application_id}", {"scores": dict(scores)}
        )

    async def lock(self, member: Person, round_id: str = ROUND) -> httpx.Response:
        return await self.api.post(member, f"/v1/rounds/{round_id}/scores-lock")

    async def act(self, member: Person, what: str, body: Any = None, round_id: str = ROUND) -> httpx.Response:
        """POST meeting or recommendation."""
        return await self.api.post(member, f"/v1/rounds/{round_id}/{what}", body)

    async def begin_round(self, members: Sequence[Person], *names: str) -> list[uuid.UUID]:
        """A round of these cases, whose members (the last a user representative) are asked to declare."""
        await self.name_members(members[:-1], members[-1:])
        cases = [await self.submit(name) for name in names]
        for case in cases:
            await self.enter(case)
        await self.close_call(*cases)
        await self.order("open_conflicts")
        return cases

    async def to_scoring(
        self, members: Sequence[Person], *names: str, conflicts: Mapping[int, str] | None = None
    ) -> list[uuid.UUID]:
        """The same, declared and assigned; `conflicts`: which member (by place) has one in which case."""
        cases = await self.begin_round(members, *names)
        for n, member in enumerate(members):
            theirs = [case_id(name) for m, name in (conflicts or {}).items() if m == n]
            response = await self.declare(member, cases, theirs)
            assert response.status_code == 201, response.text
        await self.order("assign")
        return cases

    async def score_all(self, members: Sequence[Person], cases: Sequence[uuid.UUID], value: int = 6) -> None:
        """Everybody gives every case they have the same score (a little more for earlier ones) and locks."""
        for member in members:
            mine = (await self.api.get(member, f"/v1/rounds/{ROUND}/assessments")).json()["items"]
            for each in mine:
                place = cases.index(uuid.UUID(each["application_id"]))
                given = scores(PRODUCT, value, value, value, value + (1 if place == 0 else 0))
                response = await self.score(member, cases[place], given)
                assert response.status_code == 200, response.text
            if mine:
                locked = await self.lock(member)
                assert locked.status_code == 201, locked.text

    async def facts(self, kind: str) -> list[dict[str, Any]]:
        """The data of every fact of this kind (such as `round-complete`) that review published, in order."""
        async with self.database.read() as conn:
            rows = await conn.fetch(
                "select payload::jsonb as data from outbox where type = $1 order by seq",
                f"no.innoflyt.review.{kind}.v1",
            )
        return [row["data"] for row in rows]

    async def open_tasks(self, kind: str) -> list[tuple[str, str]]:
        """(subject, n) of the open tasks of a kind."""
        async with self.database.read() as conn:
            rows = await conn.fetch(
                "select subject, n from task where kind = $1 and closed_at is null order by subject, n", kind
            )
        return [(row["subject"], row["n"]) for row in rows]

    async def state(self, round_id: str = ROUND) -> str:
        async with self.database.read() as conn:
            state: str = await conn.fetchval("select state from panel_round where id = $1", round_id)
        return state


def as_members(members: Sequence[Person], users: Sequence[Person]) -> dict[str, JsonValue]:
    """The body that names them; the first member is the chair."""
    named: list[JsonValue] = [{"person_id": str(each.id), "chair": n == 0} for n, each in enumerate(members)]
    return {"members": named + [{"person_id": str(u.id), "user_representative": True} for u in users]}


PRODUCT = ("innovation", "benefit", "feasibility", "collaboration")
SERVICE = (*PRODUCT, "user_involvement")
TRANSFER = ("benefit", "feasibility", "collaboration", "transferability")


def scores(criteria: Sequence[str], *values: int) -> dict[str, int]:
    """One value for all criteria, or one each."""
    return dict(zip(criteria, values if len(values) > 1 else values * len(criteria), strict=True))
