"""Every route as every role, for a case of one's own, of another trust, of another call: as access.csv says.

A route without a row fails, and so does a row without a route. The cases are decided, so that whoever may
act is told that it is too late (409) and nothing changes between two cells: 409 and 422 mean "permitted, but
not now, or not so".
"""

import csv
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.routing import APIRoute

from services.common.db import now
from services.intake.api import routers
from services.intake.commands import facts
from services.intake.commands.formal_check import run_formal_check
from services.intake.store import relations
from tests.service.intake.test_withdrawal import hand_back
from tests.service.intake.world import SERVICE_CONTENT, WORKFLOW, World, call_for_tests, made
from tests.support.tokens import Person

TABLE = Path(__file__).parent / "access.csv"
with TABLE.open(encoding="utf-8") as _file:
    ROWS = list(csv.DictReader(_file, skipinitialspace=True))

ROLES = {
    "hf_adviser": ("hf_adviser", "HMR"),
    "institution": ("institution", "HMR"),
    "endorser": ("endorser", "HMR"),
    "consultant": ("consultant", "HP"),
    "rhf_adviser": ("rhf_adviser", "HMN"),
    "leader": ("leader", "HMN"),
    "auditor": ("auditor", "HMN"),
    "operator": ("operator", "HMN"),
}
PEOPLE = [
    "nobody",
    "holder",
    "editor",
    "asked_leader",
    "colleague",
    *ROLES,
    "member",
    "former_member",
    "conflicted",
]


@dataclass
class Scene:
    """Three decided cases (own, another trust, another call) and the people around the first."""

    people: dict[str, Person | None]
    cases: dict[str, UUID]
    attachment: dict[UUID, UUID]
    endorsement: dict[UUID, UUID]


def test_every_route_has_exactly_one_row() -> None:
    routes = [
        f"{method} {route.path}"
        for router in routers()
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
    ]
    assert sorted(row["route"] for row in ROWS) == sorted(routes)
    assert list(ROWS[0]) == ["route", *PEOPLE]


@pytest.fixture
async def scene(world: World) -> Scene:
    other_call = call_for_tests(opened=timedelta(minutes=5), deadline=timedelta(hours=1))
    await world.publish(other_call)
    holder, stranger, later = (world.person(organisation=code) for code in ("HMR", "STOLAV", "HMR"))
    cases: dict[str, UUID] = {}
    touching = {"touches": ["HP"]}
    editor, leader = await world.known(world.person(organisation="HMR")), None
    attachment: dict[UUID, UUID] = {}
    endorsement: dict[UUID, UUID] = {}
    for name, who, organisation, call in (
        ("own", holder, "HMR", world.call),
        ("other_trust", stranger, "STOLAV", world.call),
        ("other_call", later, "HMR", other_call),
    ):
        case = await world.draft(who, organisation=organisation, call=call)
        if name == "own":
            await world.save(who, case, touching)
            body = {"email": await world.email(editor)}
            made(await world.api.post(who, f"/v1/applications/{case}/editors", body))
        for kind in ("project_description", "cv"):
            attachment[case] = await world.attach(case, kind)
        for position in call.organisation(organisation).endorsement_chain:
            asked = await world.endorse(who, case, position)
            leader = asked if name == "own" else leader
        listed = await world.api.get(who, f"/v1/applications/{case}/endorsements")
        endorsement[case] = UUID(listed.json()["items"][0]["id"])
        made(await world.submit(who, case))
        async with world.database.transaction() as conn:
            await run_formal_check(conn, case, 1, WORKFLOW)
        async with world.database.transaction() as conn:
            await facts.case_decided(conn, case, 1, "declined_ranking")
        cases[name] = case
    people: dict[str, Person | None] = {
        "nobody": None,
        "holder": holder,
        "editor": editor,
        "asked_leader": leader,
        "colleague": world.person(organisation="HMR"),
        **{name: world.person(role, organisation=org) for name, (role, org) in ROLES.items()},
        "member": world.person(),
        "former_member": world.person(),
        "conflicted": world.person("rhf_adviser", organisation="HMN"),
    }
    for name, granted in (("member", True), ("former_member", False), ("conflicted", True)):
        who = people[name]
        assert who is not None
        async with world.database.transaction() as conn:
            await relations.grant(conn, cases["own"], who.id, granted, await now(conn))
            if name == "conflicted":
                await relations.declare_conflict(conn, cases["own"], who.id, await now(conn))
    return Scene(people, cases, attachment, endorsement)


def body_of(route: str, world: World) -> Any:
    """A body that is right in itself, so that only the right to the act decides."""
    return {
        "PATCH /v1/me": {"language": "nn"},
        "POST /v1/people": {"name": "En", "email": f"{uuid.uuid4().hex[:10]}@folk.test"},
        "POST /v1/calls": world.call.model_dump(mode="json"),
        "POST /v1/calls/{call_id}/deadline": {"deadline": "2020-01-01T12:00:00Z", "reason": "Prøve"},
        "POST /v1/applications": {"call_id": world.call.id, "category": "poem", "organisation": "HMR"},
        "PATCH /v1/applications/{application_id}": {"title": "Ny"},
        "POST /v1/applications/{application_id}/editors": {"email": "ny@folk.test"},
        "POST /v1/applications/{application_id}/attachments": {
            "kind": "cv",
            "filename": "cv.pdf",
            "content_type": "application/pdf",
            "size": 10,
            "sha256": "0" * 64,
        },
        "POST /v1/applications/{application_id}/endorsements": {
            "position": "klinikksjef",
            "email": "leder@folk.test",
        },
        "POST /v1/applications/{application_id}/endorsements/{endorsement_id}/decision": {"endorsed": True},
        "POST /v1/applications/{application_id}/clarifications": {"organisation": "HP", "question": "Hva?"},
        "POST /v1/applications/{application_id}/submission": {"accept_findings": []},
        "POST /v1/applications/{application_id}/withdrawal": {"reason": "Nei"},
        "POST /v1/applications/{application_id}/rejection": {
            "version": 1,
            "confirmed": True,
            "reason": "Ja",
        },
    }.get(route, {})


async def ask(world: World, scene: Scene, route: str, who: str, case: UUID) -> int:
    method, path = route.split(" ")
    path = (
        path.replace("{application_id}", str(case))
        .replace("{attachment_id}", str(scene.attachment[case]))
        .replace("{endorsement_id}", str(scene.endorsement[case]))
        .replace("{call_id}", world.call.id)
        .replace("{token}", uuid.uuid4().hex)
        .replace("{person_id}", str(uuid.uuid4()))
    )
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    if method == "PATCH" and "applications" in path:
        headers["Content-Type"] = "application/merge-patch+json"
    content = {} if method in ("GET", "DELETE") else {"json": body_of(route, world)}
    answer = await world.api.request(method, scene.people[who], path, version=1, headers=headers, **content)
    return answer.status_code


async def found_cell(world: World, scene: Scene, route: str, who: str) -> str:
    """`200/404/200`: own case, other trust, other call; one number for a route that is about no case."""
    if "{application_id}" not in route:
        return str(await ask(world, scene, route, who, scene.cases["own"]))
    return "/".join([str(await ask(world, scene, route, who, case)) for case in scene.cases.values()])


async def test_the_matrix_holds(world: World, scene: Scene) -> None:
    wrong = []
    for row in ROWS:
        for who in PEOPLE:
            found = await found_cell(world, scene, row["route"], who)
            if found != row[who]:
                wrong.append(f"{row['route']} as {who}: {found}, expected {row[who]}")
    assert not wrong, "\n".join(wrong)


async def test_a_list_holds_exactly_what_may_be_read(world: World, scene: Scene) -> None:
    route = "GET /v1/applications/{application_id}"
    for who in PEOPLE[1:]:
        listed = (await world.api.get(scene.people[who], "/v1/applications")).json()["items"]
        readable = {
            str(case) for case in scene.cases.values() if await ask(world, scene, route, who, case) == 200
        }
        assert {item["id"] for item in listed} == readable, who


WRITERS = {"holder": 412, "editor": 412}
AUTHORS = {"holder": 200, "editor": 200, "asked_leader": 200}
READERS = ["hf_adviser", "institution", "consultant", "rhf_adviser", "leader", "auditor", "conflicted"]
BEFORE_A_DECISION = {
    # state: who reads the content, who may save it (412: permitted, but this revision is not the newest)
    "draft": (AUTHORS, {**WRITERS, "asked_leader": 403}),
    "returned": (
        AUTHORS | dict.fromkeys(READERS, 200),
        {**WRITERS, "asked_leader": 403, **dict.fromkeys(READERS, 403)},
    ),
}


@pytest.mark.parametrize("state", BEFORE_A_DECISION)
async def test_what_is_being_written_is_its_authors(world: World, scene: Scene, state: str) -> None:
    holder, editor, leader = (scene.people[name] for name in ("holder", "editor", "asked_leader"))
    assert holder is not None
    assert editor is not None
    assert leader is not None
    case = await world.draft(holder, content=SERVICE_CONTENT | {"touches": ["HP"]})
    path = f"/v1/applications/{case}"
    made(await world.api.post(holder, f"{path}/editors", {"email": await world.email(editor)}))
    asked = {"position": "klinikksjef", "email": await world.email(leader)}
    made(await world.api.post(holder, f"{path}/endorsements", asked))
    if state == "returned":
        endorsements = (await world.api.get(leader, f"{path}/endorsements")).json()["items"]
        decision = f"{path}/endorsements/{endorsements[0]['id']}/decision"
        made(await world.api.post(leader, decision, {"endorsed": True}))
        for kind in ("project_description", "cv"):
            await world.attach(case, kind)
        made(await world.submit(holder, case))
        await hand_back(world, case)
    reads, saves = BEFORE_A_DECISION[state]
    wrong = []
    for who in PEOPLE[1:]:
        person = scene.people[who]
        read = (await world.api.get(person, path)).status_code
        saved = (await world.api.patch(person, path, {"title": "Ny"}, 1)).status_code
        if (read, saved) != (reads.get(who, 404), saves.get(who, 404)):
            wrong.append(f"{who}: {read}/{saved}")
    assert wrong == []


async def test_refused_attempts_and_foreign_reads_are_noted(world: World, scene: Scene) -> None:
    case, route = scene.cases["own"], "GET /v1/applications/{application_id}"
    assert await ask(world, scene, route, "colleague", case) == 404
    assert await ask(world, scene, route, "rhf_adviser", case) == 200
    assert await ask(world, scene, route, "holder", case) == 200
    async with world.database.read() as conn:
        rows = await conn.fetch(
            "select actor_id, outcome, reason from access_log where key = $1 order by seq", str(case)
        )
    colleague, adviser = scene.people["colleague"], scene.people["rhf_adviser"]
    assert colleague is not None
    assert adviser is not None
    assert [tuple(row) for row in rows][-2:] == [
        (str(colleague.id), "denied", "NotFound"),
        (str(adviser.id), "read", ""),
    ]


async def test_a_foreign_read_is_noted_whatever_is_read(world: World, scene: Scene) -> None:
    case = scene.cases["own"]
    adviser, holder = scene.people["rhf_adviser"], scene.people["holder"]
    assert adviser is not None
    assert holder is not None
    unnoted = []
    for route in (row["route"] for row in ROWS):
        if route.startswith("GET /v1/applications/{application_id}"):
            before = await noted_reads(world, case, adviser)
            read = await ask(world, scene, route, "rhf_adviser", case) == 200
            if await noted_reads(world, case, adviser) != before + read:
                unnoted.append(route)
            assert await ask(world, scene, route, "holder", case) == 200
    assert unnoted == []
    assert await noted_reads(world, case, holder) == 0


async def noted_reads(world: World, case: UUID, person: Person) -> int:
    async with world.database.read() as conn:
        return int(
            await conn.fetchval(
                "select count(*) from access_log where key = $1 and actor_id = $2 and outcome = 'read'",
                str(case),
                str(person.id),
            )
        )
