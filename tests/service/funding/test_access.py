"""Who may do what: every route for every role, on a case of their own, of another trust, of another call.

`access.csv` is the whole of it: `yes` (let through to the rule behind it), or the status of the refusal.
"""

import csv
from pathlib import Path
from typing import Any
from uuid import uuid4

import workflows.contracts.funding as contract
from tests.service.funding.play import Case, Play
from tests.support.tokens import Person

TABLE = Path(__file__).with_name("access.csv")
TARGETS = ("own", "other_trust", "other_call")
ROLES = (
    "nobody",
    "stranger",
    "holder",
    "hf_adviser",
    "institution",
    "endorser",
    "consultant",
    "rhf_adviser",
    "conflicted",
    "leader",
    "auditor",
    "operator",
)
BODIES: dict[str, dict[str, Any]] = {
    "acceptance": {"accepted": True},
    "plan": {"organisation": "HP", "statement": "Tilpasset plan"},
    "plan/judgement": {"organisation": "HP", "confirmed": True},
    "start": {},
    "extension": {"reason": "Ferie"},
    "extension/decision": {"granted": True, "reason": "Ja"},
    "loss/decision": {"confirmed": False, "reason": "Nei"},
    "reports/{kind}/{n}": {"summary": "Vi er i gang", "spent": 1},
    "reports/{kind}/{n}/judgement": {"approved": True},
    "changes": {"kind": "leader", "reason": "Permisjon", "new_holder_id": str(uuid4())},
    "changes/{n}/decision": {"granted": True, "reason": "Ja"},
    "invoices": {"amount": 1, "invoiced_on": "2026-01-01"},
    "reserve-move": {"confirmed": True, "reason": "Ja"},
    "complaints": {"ground": "Feil i saksbehandlingen"},
    "complaints/{n}/answer": {"upheld": False, "reason": "Ingen feil"},
    "preparation": {"deviations": []},
    "decision": {"approved": True},
}


class World:
    """Two calls; in the first two trusts. Each has an award with its plan, report and change, and a declined
    case."""

    def __init__(self, play: Play, other: Play) -> None:
        self.play, self.other = play, other
        self.awards: dict[str, Case] = {}
        self.declined: dict[str, Case] = {}
        self.people: dict[str, Person | None] = {}

    async def build(self) -> "World":
        for target, play, trust, consulted in (
            ("own", self.play, "STOLAV", "HP"),
            ("other_trust", self.play, "HMR", "TTO"),
            ("other_call", self.other, "STOLAV", "TTO"),
        ):
            plan = [f"adjusted_plan_{consulted}"]
            self.awards[target] = Case(trust, 100_000, "awarded", len(self.awards) + 1, conditions=plan)
            self.declined[target] = Case(trust, 100_000, "declined_threshold", None)
            self.declined[target].holder = play.person(organisation=trust)
        # Somebody who holds both of the trust's cases of the first call, and none of the second.
        self.awards["own"].holder = self.declined["own"].holder
        for play in (self.play, self.other):
            await play.publish_call({"service": 1_000_000})
            targets = ("other_call",) if play is self.other else ("own", "other_trust")
            await play.recommended(*(each[t] for t in targets for each in (self.awards, self.declined)))
            await play.decide()
            await play.run("publish_round", play.call_id)
            for target in targets:
                await self._go_on(play, target)
        person = self.play.person
        self.people = {
            "nobody": None,
            "stranger": person(),
            "holder": self.awards["own"].holder,
            "hf_adviser": person("hf_adviser", organisation="STOLAV"),
            "institution": person("institution", organisation="STOLAV"),
            "endorser": person("endorser", organisation="STOLAV"),
            "consultant": person("consultant", organisation="HP"),
            "rhf_adviser": person("rhf_adviser", organisation="HMN"),
            "conflicted": person("rhf_adviser", "leader", "institution", "hf_adviser", organisation="STOLAV"),
            "leader": person("leader", organisation="HMN"),
            "auditor": person("auditor", organisation="HMN"),
            "operator": person("operator", organisation="HMN"),
        }
        conflicted = self.people["conflicted"]
        assert conflicted is not None
        for case in (self.awards["own"], self.declined["own"]):
            await self.play.conflict(case, conflicted)
        return self

    async def _go_on(self, play: Play, target: str) -> None:
        award, declined = self.awards[target], self.declined[target]
        await play.accepted(award)
        consultant = play.person("consultant", organisation=award.conditions[0].rpartition("_")[2])
        plan = {"organisation": consultant.organisation, "statement": "Plan"}
        assert (await play.api.post(award.holder, f"{award.grant}/plan", plan)).status_code == 201
        judged = {"organisation": consultant.organisation, "confirmed": True}
        assert (await play.api.post(consultant, f"{award.grant}/plan/judgement", judged)).status_code == 201
        assert (await play.api.post(award.holder, f"{award.grant}/start", {})).status_code == 201
        await play.run("request_report", contract.ReportRequest(award.id, "yearly", 1))
        change = {"kind": "budget", "reason": "Mer frikjøp"}
        assert (await play.api.post(award.holder, f"{award.grant}/changes", change)).status_code == 201
        institution = play.person("institution", organisation=declined.organisation)
        ground = {"ground": "Feil"}
        complained = await play.api.post(institution, f"{declined.path}/complaints", ground)
        assert complained.status_code == 201, complained.text

    def address(self, path: str, target: str) -> str:
        """The route's path for this target."""
        cases = self.declined if "complaints" in path else self.awards
        call = self.other if target == "other_call" else self.play
        return (
            path.replace("{application_id}", str(cases[target].id))
            .replace("{round_id}", f"{call.call_id}.d1")
            .replace("{kind}", "yearly")
            .replace("{n}", "1")
            .replace("{call_id}", call.call_id)
            .replace("{panel}", "service")
        )

    async def ask(self, method: str, path: str, role: str, target: str) -> str:
        person = self.people[role]
        address = self.address(path, target)
        if method == "GET":
            answer = await self.play.api.get(person, address)
        else:
            name = path.split("}/", 1)[1]
            answer = await self.play.api.post(person, address, BODIES[name], key=str(uuid4()))
        assert answer.status_code < 500, f"{method} {address}: {answer.text}"
        return str(answer.status_code) if answer.status_code in (401, 403, 404) else "yes"


def _routes(play: Play) -> list[tuple[str, str]]:
    paths = play.api.app.openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def _table() -> dict[tuple[str, str, str], dict[str, str]]:
    with TABLE.open(newline="") as file:
        return {(row["method"], row["path"], row["target"]): row for row in csv.DictReader(file)}


async def test_every_route_has_its_rows_and_answers_as_they_say(play: Play, other_play: Play) -> None:
    world = await World(play, other_play).build()
    table = _table()
    routes = _routes(play)
    assert {key[:2] for key in table} == set(routes), "a route without rows, or rows without a route"
    wrong = []
    for method, path in routes:
        for target in TARGETS:
            row = table[method, path, target]
            for role in ROLES:
                found = await world.ask(method, path, role, target)
                if found != row[role]:
                    wrong.append(f"{method} {path} {target} {role}: {found}, not {row[role]}")
    assert not wrong, "\n".join(wrong)
