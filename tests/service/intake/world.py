"""A small world for intake's tests: an open call, people of every role, and the steps to a submitted
application."""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from deploy.demo.calls import demo_call
from services.common.db import Database
from services.common.record import Actor, Fact
from services.common.settings import Settings
from services.intake.checks import CHECKS
from services.intake.commands.stages import enter_stage
from services.intake.consumers import HANDLERS
from services.intake.events.call_definition import CallDefinition
from tests.support.api import Api
from tests.support.facts import deliver
from tests.support.tokens import Person

WORKFLOW = Actor("workflow", "test")

SERVICE_FORM = {
    "summary": "Digital oppfølging av pasienter etter hjerteoperasjon.",
    "need": "Pasientene reiser langt for korte kontroller på poliklinikken.",
    "novelty": "Målinger hjemme deles med klinikken gjennom en felles arbeidsflate.",
    "benefit": "Færre reiser, tidligere varsel om forverring, bedre tid til de sykeste.",
    "plan": "Kartlegging første halvår, utprøving andre halvår, evaluering til slutt.",
    "collaboration": "Klinikken, to kommuner og fastlegene.",
    "user_involvement": "To brukerrepresentanter sitter i prosjektgruppen.",
}
SERVICE_CONTENT: dict[str, Any] = {
    "title": "Hjemmeoppfølging etter hjerteoperasjon",
    "statement": "Pasienter følges opp hjemme etter hjerteoperasjon.",
    "form": SERVICE_FORM,
    "budget": {
        "lines": {"salary": 700_000, "equipment": 100_000},
        "own_share": 200_000,
        "applied_amount": 600_000,
    },
    "priority_areas": ["P03"],
    "patient_groups": ["frail_elderly"],
    "touches": [],
    "leader_employment_percent": 100,
    "earlier_awards": 0,
}


def call_for_tests(*, opened: timedelta, deadline: timedelta, **changes: Any) -> CallDefinition:
    """The demo's call, opened this long ago and ending in so long; `changes` replace whole members."""
    now = datetime.now(UTC)
    call = demo_call(now, uuid.uuid4().hex[:8])
    data = call.model_dump(mode="json")
    data |= {"opens_at": (now - opened).isoformat(), "deadline": (now + deadline).isoformat(), **changes}
    return CallDefinition.model_validate(data)


@dataclass
class World:
    """An API with one published call. Every step asserts its own success."""

    api: Api
    database: Database
    settings: Settings
    person: Callable[..., Person]
    call: CallDefinition
    adviser: Person

    async def publish(self, call: CallDefinition) -> None:
        made(await self.api.post(self.adviser, "/v1/calls", call.model_dump(mode="json")))

    async def draft(
        self,
        holder: Person,
        *,
        organisation: str = "HMR",
        category: str = "service",
        content: dict[str, Any] | None = None,
        call: CallDefinition | None = None,
    ) -> UUID:
        """A draft with this content (a complete one for `service` unless given)."""
        body = {"call_id": (call or self.call).id, "category": category, "organisation": organisation}
        found = made(await self.api.post(holder, "/v1/applications", body))
        application_id = UUID(found["id"])
        await self.save(holder, application_id, SERVICE_CONTENT if content is None else content)
        return application_id

    async def save(self, holder: Person, application_id: UUID, content: dict[str, Any]) -> dict[str, Any]:
        path = f"/v1/applications/{application_id}"
        revision = (await self.api.get(holder, path)).json()["revision"]
        response = await self.api.patch(holder, path, content, revision)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def attach(
        self,
        application_id: UUID,
        kind: str,
        *,
        state: str = "clean",
        pages: int | None = 1,
        size: int = 1000,
    ) -> UUID:
        """An attachment as the store and the cleaner would leave it; only for tests about something else."""
        attachment_id = uuid.uuid4()
        async with self.database.transaction() as conn:
            await conn.execute(
                """insert into attachment (id, application_id, kind, filename, content_type, size, sha256,
                object_key,
                     state, reason, pages, uploaded_by, verified_at, cleaned_at)
                   values ($1, $2, $3, $3 || '.pdf', 'application/pdf', $8, $4, $5, $6,
                     case when $6 = 'refused' then 'infected' end, $7, $1, clock_timestamp(),
                     clock_timestamp())""",
                attachment_id,
                application_id,
                kind,
                hashlib.sha256(kind.encode()).hexdigest(),
                f"{application_id}/{attachment_id}",
                state,
                pages,
                size,
            )
        return attachment_id

    async def endorse(self, holder: Person, application_id: UUID, position: str = "klinikksjef") -> Person:
        """Ask and get this leader's endorsement."""
        leader = await self.known(self.person("endorser"))
        path = f"/v1/applications/{application_id}/endorsements"
        body = {"position": position, "email": await self.email(leader)}
        asked = made(await self.api.post(holder, path, body))
        made(await self.api.post(leader, f"{path}/{asked['id']}/decision", {"endorsed": True}))
        return leader

    async def known(self, person: Person) -> Person:
        """The person, entered into the directory by their first request."""
        assert (await self.api.get(person, "/v1/me")).status_code == 200
        return person

    async def email(self, person: Person) -> str:
        return str((await self.api.get(person, "/v1/me")).json()["email"])

    async def complete(self, holder: Person, **more: Any) -> UUID:
        """A draft without any finding."""
        application_id = await self.draft(holder, **more)
        category = more.get("category", "service")
        for kind in self.call.category(category).mandatory_attachments:
            await self.attach(application_id, kind)
        for position in self.call.organisation(more.get("organisation", "HMR")).endorsement_chain:
            await self.endorse(holder, application_id, position)
        return application_id

    async def submit(
        self, holder: Person, application_id: UUID, accept: list[str] | None = None, **more: Any
    ) -> httpx.Response:
        """One submission of the newest revision."""
        path = f"/v1/applications/{application_id}"
        revision = (await self.api.get(holder, path)).json()["revision"]
        body = {"accept_findings": accept or []}
        return await self.api.post(holder, f"{path}/submission", body, version=revision, **more)

    async def submitted(self, holder: Person, **more: Any) -> UUID:
        """A submitted application without any finding."""
        application_id = await self.complete(holder, **more)
        made(await self.submit(holder, application_id))
        return application_id

    async def take(self, fact: Fact, key: object) -> None:
        """A fact of another service arrives."""
        await deliver(self.database, "intake", HANDLERS, fact, key=str(key))

    async def stage(self, application_id: UUID, name: str, owner: str, **more: Any) -> None:
        """The run enters a stage."""
        async with self.database.transaction() as conn:
            await enter_stage(conn, application_id, name, owner, more.get("expected_at"), WORKFLOW)

    async def facts(self, key: object, kind: str | None = None) -> list[dict[str, Any]]:
        """The facts recorded under this key, in order; `kind` as in `application-submitted`."""
        async with self.database.read() as conn:
            rows = await conn.fetch(
                "select type, payload::jsonb as data from outbox where key = $1 order by seq", str(key)
            )
        return [row["data"] for row in rows if kind is None or row["type"] == f"no.innoflyt.intake.{kind}.v1"]

    async def faults(self) -> list[str]:
        """The invariants that do not hold now; those on passing time apart, since tests move it."""
        async with self.database.read() as conn:
            return [check.name for check in CHECKS if await conn.fetch(check.sql)]

    async def status(self, holder: Person, application_id: UUID) -> dict[str, Any]:
        response = await self.api.get(holder, f"/v1/applications/{application_id}/status")
        assert response.status_code == 200, response.text
        return dict(response.json())


def made(response: httpx.Response) -> dict[str, Any]:
    """The body of a 201; anything else fails the test with the problem."""
    assert response.status_code == 201, response.text
    return dict(response.json())


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The body of this problem; anything else fails the test."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    body = dict(response.json())
    assert body["type"] == f"https://innoflyt.test/problems/{name}", body
    return body
