"""A call with its pots and cases, as the other services' facts bring them; and the steps people and workflows
take."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

from temporalio import activity
from temporalio.testing import ActivityEnvironment

import workflows.contracts.funding as contract
from deploy.demo.calls import real_call
from services.common.db import Connection, Database
from services.common.record import Fact
from services.common.run import Worker
from services.funding import activities
from services.funding.consumers import HANDLERS
from services.intake.events import ApplicationSubmitted, CallPublished, ContactChanged
from services.review.events import CaseRecommended, ConflictDeclared, RecommendationSigned
from tests.support.api import Api
from tests.support.facts import deliver
from tests.support.tokens import Person

AVERAGES = {"innovation": 6.0, "benefit": 6.5, "feasibility": 5.25, "collaboration": 7.0}
AT = datetime(2023, 10, 25, 12, tzinfo=UTC)


@dataclass
class Case:
    """One application; `outcome`, `amount`, `rank` are what the panel recommends."""

    organisation: str
    amount: int
    outcome: str
    rank: int | None
    panel: str = "service"
    conditions: Sequence[str] = ()
    title: str = "Digital oppfølging hjemme"
    id: UUID = field(default_factory=uuid4)
    number: str = ""
    holder: Person = field(default=cast(Person, None))

    @property
    def path(self) -> str:
        return f"/v1/cases/{self.id}"

    @property
    def grant(self) -> str:
        return f"/v1/grants/{self.id}"


class Play:
    """Everything a test of funding needs at hand. `people`: by role; two advisers, a leader."""

    def __init__(self, api: Api, database: Database, person: Callable[..., Person], call_id: str) -> None:
        self.api = api
        self.database = database
        self.person = person
        self.call_id = call_id
        self.adviser = person("rhf_adviser", organisation="HMN")
        self.second_adviser = person("rhf_adviser", organisation="HMN")
        self.leader = person("leader", organisation="HMN")
        self.chair = uuid4()
        self.cases: list[Case] = []
        self._activities = {
            activity._Definition.must_from_callable(each).name: each
            for each in activities.build(cast(Worker, SimpleNamespace(database=database)))
        }

    async def fact(self, fact: Fact, key: object) -> None:
        """Let the consumer take the fact in."""
        await deliver(self.database, "funding", HANDLERS, fact, key=str(key))

    async def run(self, name: str, argument: object, workflow_id: str = "call:test") -> None:
        """Run the activity as a worker would."""
        info = activity.Info(**{**vars(ActivityEnvironment.default_info()), "workflow_id": workflow_id})
        environment = ActivityEnvironment()
        environment.info = info
        await environment.run(self._activities[f"funding.{name}"], argument)

    async def publish_call(self, pots: Mapping[str, int], reserve_size: int = 3, **times: Any) -> None:
        """The real call of 2023 with these pots, and other times where given."""
        definition = real_call().model_dump(mode="json")
        definition["id"] = self.call_id
        for panel in definition["panels"]:
            panel |= {"pot": pots.get(panel["code"], 0), "reserve_size": reserve_size}
        definition["times"] |= times
        published = CallPublished(
            call_id=self.call_id,
            opens_at=AT - timedelta(days=50),
            deadline=AT,
            closes_at=AT,
            draft_warnings=[],
            straggler_at=AT,
            definition=definition,
        )
        await self.fact(published, self.call_id)

    async def submit(self, case: Case, version: int = 1) -> Case:
        """The case as intake tells of it."""
        if version == 1:
            self.cases.append(case)
        case.number = case.number or f"2023-{len(self.cases):04}"
        case.holder = case.holder or self.person(organisation=case.organisation)
        submitted = ApplicationSubmitted(
            application_id=case.id,
            call_id=self.call_id,
            version=version,
            case_number=case.number,
            submitted_at=AT,
            category="product" if case.panel == "product" else "service",
            panel=case.panel,
            organisation=case.organisation,
            title=case.title,
            holder_id=case.holder.id,
            editor_ids=[],
            amount=case.amount,
            total_budget=case.amount * 2,
            priority_areas=[],
            patient_groups=[],
            touches=[],
            findings=[],
            after_internal_deadline=False,
            statement="Pasienten kommer trygt hjem.",
        )
        await self.fact(submitted, case.id)
        return case

    async def recommend(self, case: Case, round_id: str | None = None) -> None:
        """The panel's word on one case."""
        with_money = case.outcome in ("awarded", "reserve")
        recommended = CaseRecommended(
            application_id=case.id,
            call_id=self.call_id,
            round_id=round_id or f"{self.call_id}.{case.panel}",
            panel=case.panel,
            outcome=case.outcome,
            amount=case.amount if with_money else 0,
            rank=case.rank,
            averages=AVERAGES,
            conditions=list(case.conditions),
        )
        await self.fact(recommended, case.id)

    async def sign(self, panel: str, cases: Sequence[Case], round_id: str | None = None) -> None:
        """The chair signs: these cases and no others."""
        signed = RecommendationSigned(
            round_id=round_id or f"{self.call_id}.{panel}",
            call_id=self.call_id,
            panel=panel,
            application_id=cases[0].id if round_id else None,
            signed_by=self.chair,
            application_ids=[case.id for case in cases],
        )
        await self.fact(signed, cases[0].id if round_id else self.call_id)

    async def recommended(self, *cases: Case) -> None:
        """These cases submitted, recommended, and both panels' lists signed."""
        for case in cases:
            await self.submit(case)
            await self.recommend(case)
        for panel in ("product", "service"):
            await self.sign(panel, [case for case in cases if case.panel == panel])

    def round(self, round_id: str | None = None, case: Case | None = None) -> contract.DecisionRound:
        return contract.DecisionRound(
            round_id or f"{self.call_id}.d1", self.call_id, case.id if case else None
        )

    async def prepare(self, round_id: str, *deviations: Mapping[str, Any], by: Person | None = None) -> Any:
        return await self.api.post(
            by or self.adviser,
            f"/v1/decision-rounds/{round_id}/preparation",
            {"deviations": list(deviations)},
        )

    async def take(self, round_id: str, by: Person | None = None, **body: Any) -> Any:
        return await self.api.post(
            by or self.leader, f"/v1/decision-rounds/{round_id}/decision", {"approved": True, **body}
        )

    async def decide(self, round_: contract.DecisionRound | None = None, *deviations: Any) -> None:
        """Open, prepare, take, and send the letters."""
        round_ = round_ or self.round()
        await self.run("open_decision_round", round_)
        prepared = await self.prepare(round_.decision_round_id, *deviations)
        assert prepared.status_code == 201, prepared.text
        taken = await self.take(round_.decision_round_id)
        assert taken.status_code == 201, taken.text
        await self.run("send_letters", round_)

    async def accepted(self, case: Case, accepted: bool = True) -> None:
        answer = await self.api.post(case.holder, f"{case.grant}/acceptance", {"accepted": accepted})
        assert answer.status_code == 201, answer.text

    async def started(self, case: Case) -> None:
        await self.accepted(case)
        start = await self.api.post(case.holder, f"{case.grant}/start", {})
        assert start.status_code == 201, start.text

    async def lose(self, case: Case, n: int = 1) -> Any:
        """The holder said no; an adviser confirms the loss."""
        await self.accepted(case, accepted=False)
        await self.run("propose_loss", contract.Loss(case.id, n, "not_accepted", None))
        return await self.api.post(
            self.adviser, f"{case.grant}/loss/decision", {"confirmed": True, "reason": "Takket nei"}
        )

    async def known(self, person: Person, *, signed_in: bool = True) -> Person:
        """The person as intake's directory tells of them."""
        contact = ContactChanged(
            person_id=person.id,
            kind="person",
            name="Kari Nordmann",
            email="kari@hnt.test",
            language="nb",
            organisation=person.organisation,
            signed_in=signed_in,
        )
        await self.fact(contact, person.id)
        return person

    async def conflict(self, case: Case, person: Person) -> None:
        declared = ConflictDeclared(application_id=case.id, call_id=self.call_id, person_id=person.id)
        await self.fact(declared, case.id)

    async def facts(self, kind: str, case: Case | None = None) -> list[dict[str, Any]]:
        """The data of the facts of this kind (`letter-sent`) that funding has published, in order."""
        async with self.database.read() as conn:
            rows = await conn.fetch(
                "select payload from outbox where type = $1 and ($2::text is null or key = $2) order by seq",
                f"no.innoflyt.funding.{kind}.v1",
                str(case.id) if case else None,
            )
        return [json.loads(row["payload"]) for row in rows]

    async def state(self, case: Case) -> str:
        async with self.database.read() as conn:
            return cast(str, await conn.fetchval("select state from cases where id = $1", case.id))

    async def pot(self, panel: str = "service") -> tuple[int, int, int]:
        """Amount, awarded, held."""
        async with self.database.read() as conn:
            row = await conn.fetchrow(
                "select amount, awarded, held from pot where call_id = $1 and panel = $2", self.call_id, panel
            )
        return (row["amount"], row["awarded"], row["held"])


async def plant(owner: Connection, sql: str, *arguments: object) -> None:
    """Change the database behind funding's back, as its owner."""
    done = await owner.execute(sql, *arguments)
    assert not done.endswith(" 0"), f"nothing was changed by: {sql}"
