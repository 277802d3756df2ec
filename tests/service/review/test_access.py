"""The access matrix: every route, as every role, on one's own case, another trust's, and another call's.

`access.csv` is the table, checked in and read by people. Each row says for a route and a role what becomes of
a request on the three objects: `ok` (permitted, whatever the rules of the step then say), `403` (never for
this role) or `404` (not theirs, word for word as an unknown id). A route or role without a row fails.
"""

import csv
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from deploy.demo.calls import real_call
from services.intake import events as intake
from services.review.commands import rounds
from tests.service.review.case_play import FAR, CasePlay, submitted
from tests.service.review.panel_play import AT, CALL, WORKFLOW, as_members, case_id
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds
from workflows.contracts.ids import panel_round_id
from workflows.contracts.review import CaseEntry, PanelRound

TABLE = Path(__file__).with_name("access.csv")
OBJECTS = ("own", "other_trust", "other_call")
ANOTHER = "innovation-another"

BODIES: Mapping[str, Any] = {
    "POST /v1/tasks/{task_id}/hand-over": {"person_id": str(uuid.uuid4())},
    "POST /v1/tasks/{task_id}/reassign": {"person_id": str(uuid.uuid4())},
    "POST /v1/tasks/{task_id}/handled": {"note": "Done."},
    "POST /v1/cases/{application_id}/prescreening": {"version": 9, "outcome": "recommended", "reason": "x"},
    "POST /v1/cases/{application_id}/consultations/{organisation}": {"outcome": "covered", "reason": "x"},
    "POST /v1/cases/{application_id}/consultations/{organisation}/waiver": {"reason": "x"},
    "POST /v1/clarifications/{clarification_id}/answer": {"outcome": "covered", "reason": "x"},
    "POST /v1/cases/{application_id}/questions": {"text": "x", "of": "consultant", "organisation": "NONE"},
    "POST /v1/questions/{question_id}/answer": {"text": "x"},
    "PUT /v1/calls/{call_id}/panels/{panel}/members": {"members": []},
    "PUT /v1/rounds/{round_id}/standins": {"members": []},
    "POST /v1/rounds/{round_id}/stand-down": {"person_id": str(uuid.uuid4()), "reason": "x"},
    "POST /v1/rounds/{round_id}/conflicts": {"declarations": []},
    "PUT /v1/rounds/{round_id}/assessments/{application_id}": {"scores": {"unknown": 1}},
}
"""Well-formed requests that the rules refuse, so that one cell does not change what the next one finds."""


@dataclass
class World:
    play: CasePlay
    people: dict[str, Person | None]
    objects: dict[str, dict[str, str]]


@pytest.fixture
async def world(play: CasePlay, person: Callable[..., Person]) -> World:
    people: dict[str, Person | None] = {
        "nobody": None,
        "applicant": person(),
        "holder": person(),
        "editor": person(),
        "hf_adviser": person("hf_adviser", organisation="STOLAV"),
        "consultant": person("consultant", organisation="HP"),
        "endorser": person("endorser", organisation="STOLAV"),
        "institution": person("institution", organisation="STOLAV"),
        "rhf_adviser": play.adviser,
        "leader": person("leader"),
        "auditor": person("auditor"),
        "operator": person("operator"),
        "member": person(),
        "chair": person(),
        "conflicted_member": person(),
    }
    made = World(play, people, {})
    await play.begin()
    another = real_call().model_dump(mode="json") | {"id": ANOTHER, "deadline": FAR.isoformat()}
    published = intake.CallPublished(
        call_id=ANOTHER,
        opens_at=AT,
        deadline=FAR,
        closes_at=FAR,
        draft_warnings=[],
        straggler_at=FAR,
        definition=another,
    )
    await play.deliver(published, ANOTHER)
    await _case(made, "own", "STOLAV", CALL, "HP", person)
    await _case(made, "other_trust", "HMR", CALL, "HEMIT", person)
    await _case(made, "other_call", "STOLAV", ANOTHER, "HEMIT", person)
    three = [people["chair"], people["member"], people["conflicted_member"]]
    await _round(made, CALL, ["own", "other_trust"], three, conflicted=2, person=person)
    await _round(made, ANOTHER, ["other_call"], [person() for _ in range(3)], conflicted=None, person=person)
    return made


async def _case(
    world: World, name: str, trust: str, call_id: str, consulted: str, person: Callable[..., Person]
) -> None:
    """A case of this trust that is recommended and consulted, with a question; everything is answered."""
    play, own = world.play, name == "own"
    holder = world.people["holder"] if own else person()
    assert holder is not None
    editors = [world.people["editor"].id] if own else []  # type: ignore[union-attr]
    case, clarification = case_id(name), uuid.uuid4()
    asked = intake.ClarificationAsked(
        application_id=case,
        call_id=call_id,
        clarification_id=clarification,
        n=1,
        organisation=consulted,
        holder_id=holder.id,
        title="A draft",
    )
    await play.deliver(asked, str(case))
    fact = submitted(
        name,
        call_id=call_id,
        organisation=trust,
        holder_id=holder.id,
        editor_ids=editors,
        touches=[consulted],
        category="product",
        panel="product",
    )
    await play.deliver(fact, str(case))
    task_id = await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    question = await play.ask(play.adviser, case)
    await play.answer(holder, question)
    await play.prescreen(person("hf_adviser", organisation=trust), case)
    consultant = person("consultant", organisation=consulted)
    for path in f"/v1/cases/{case}/consultations/{consulted}", f"/v1/clarifications/{clarification}/answer":
        answered = await play.api.post(consultant, path, {"outcome": "feasible", "reason": "x"})
        assert answered.status_code == 201, answered.text
    world.objects[name] = {
        "application_id": str(case),
        "task_id": str(task_id),
        "question_id": str(question),
        "clarification_id": str(clarification),
        "organisation": consulted,
        "call_id": call_id,
        "panel": "product",
        "round_id": panel_round_id(call_id, "product"),
    }


async def _round(
    world: World,
    call_id: str,
    cases: list[str],
    members: list[Any],
    *,
    conflicted: int | None,
    person: Callable[..., Person],
) -> None:
    """The panel's round, assigned: the first member is the chair; one has a conflict in the first case."""
    play, user, round_id = world.play, person(), panel_round_id(call_id, "product")
    path = f"/v1/calls/{call_id}/panels/product/members"
    named = await play.api.put(play.adviser, path, as_members(members, [user]))
    assert named.status_code == 200, named.text
    ids = [case_id(name) for name in cases]
    await play.deliver(intake.CallClosed(call_id=call_id, closed_at=AT, application_ids=ids), call_id)
    order = PanelRound(round_id, call_id, "product", None)
    for case in ids:
        async with play.database.transaction() as conn:
            await rounds.enter_round(conn, CaseEntry(case, call_id, []), WORKFLOW)
    async with play.database.transaction() as conn:
        await rounds.open_conflicts(conn, order, WORKFLOW)
    for n, member in enumerate([*members, user]):
        conflicts = ids[:1] if n == conflicted else []
        declared = await play.declare(member, ids, conflicts, round_id)
        assert declared.is_success, declared.text
    async with play.database.transaction() as conn:
        await rounds.assign(conn, order, WORKFLOW)


def routes_of(play: CasePlay) -> list[tuple[str, str]]:
    """(method, path) of every route of the service."""
    found: list[tuple[str, str]] = []
    pending = list(play.api.app.routes)
    while pending:
        route = pending.pop()
        if isinstance(route, APIRoute) and route.include_in_schema:
            found += [(method, route.path) for method in sorted(route.methods or ())]
        else:
            inner = getattr(route, "original_router", None)
            pending += inner.routes if inner is not None else []
    return sorted(found, key=lambda each: (each[1], each[0]))


async def outcome(world: World, method: str, route: str, who: Person | None, target: str) -> str:
    """ok, 401, 403 or 404; never a 500."""
    path = route.format(**world.objects[target])
    body = BODIES.get(f"{method} {route}", {})
    if method == "GET":
        response = await world.play.api.get(who, path)
    else:
        send = world.play.api.post if method == "POST" else world.play.api.put
        response = await send(who, path, body)
    assert response.status_code < 500, f"{method} {path}: {response.text}"
    return str(response.status_code) if response.status_code in (401, 403, 404) else "ok"


async def measured(world: World) -> list[dict[str, str]]:
    rows = []
    for method, route in routes_of(world.play):
        for role, who in world.people.items():
            cells = {target: await outcome(world, method, route, who, target) for target in OBJECTS}
            rows.append({"method": method, "route": route, "role": role, **cells})
    return rows


async def test_every_route_answers_every_role_as_the_table_says(
    world: World, known: Callable[..., Awaitable[Person]]
) -> None:
    found = await measured(world)
    with TABLE.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    stated = {(row["method"], row["route"], row["role"]): row for row in table}
    assert len(stated) == len(table), "a row is there twice"
    missing = [row for row in found if (row["method"], row["route"], row["role"]) not in stated]
    assert missing == [], "routes or roles without a row in access.csv"
    wrong = [row for row in found if stated[row["method"], row["route"], row["role"]] != row]
    assert wrong == []
    assert len(table) == len(found), "access.csv has rows of routes that are gone"


def test_the_table_hides_other_trusts_cases_and_conflicts() -> None:
    """What must hold of the table itself, whoever edits it."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    for row in table:
        case_route = (
            "{round_id}" not in row["route"] and "{panel}" not in row["route"] and "{" in row["route"]
        )
        if row["role"] == "nobody":
            assert {row[target] for target in OBJECTS} == {"401"}
        if row["role"] in ("hf_adviser", "institution") and case_route:
            assert row["other_trust"] != "ok", row
        if row["role"] in ("applicant", "endorser") and "{" in row["route"]:
            assert "ok" not in {row[target] for target in OBJECTS}, row
        if row["role"] == "conflicted_member" and "{application_id}" in row["route"]:
            assert row["own"] in ("403", "404"), row
        if row["role"] == "holder" and case_route:
            assert "ok" not in (row["other_trust"], row["other_call"]), row
