"""The access matrix: every route as every role. A route without a row fails."""

import csv
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute

from services.notify.api import router
from services.review import events as review
from tests.service.notify.conftest import Notify
from tests.support.api import Api
from tests.support.tokens import Person

with (Path(__file__).parent / "access.csv").open(encoding="utf-8") as _file:
    ROWS = list(csv.DictReader(_file))


def test_every_route_has_a_row() -> None:
    routes = {
        f"{method} {route.path}"
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    known = {
        row["route"].replace("{case}", "{application_id}").replace("{message}", "{message_id}")
        for row in ROWS
    }
    assert routes == {route.partition("?")[0] for route in known}


@pytest.fixture
def people(person: Callable[..., Person]) -> dict[str, Person | None]:
    roles = [name for name in ROWS[0] if name != "route"]
    special = {"none", "applicant", "holder", "editor", "other_holder", "conflicted_adviser"}
    made: dict[str, Person | None] = {
        role: person(role, organisation="HNT") for role in roles if role not in special
    }
    made |= {name: person() for name in ("applicant", "holder", "editor", "other_holder")}
    return made | {"conflicted_adviser": person("rhf_adviser"), "none": None}


async def test_the_matrix(
    notify: Notify, people: dict[str, Person | None], api: Callable[[str], Awaitable[Api]]
) -> None:
    holder, editor, other, conflicted = (
        _someone(people[name]).id for name in ("holder", "editor", "other_holder", "conflicted_adviser")
    )
    for each in (holder, editor, other, conflicted):
        await notify.meet(each)
    case = uuid4()
    await notify.submit(case, holder, editor_ids=[editor])
    await notify.submit(uuid4(), other)
    await notify.conflict(case, conflicted)
    message = next(each["id"] for each in await notify.messages() if each["application_id"] == case)
    server = await api("notify")
    wrong = []
    for row in ROWS:
        method, _, path = row["route"].format(case=case, message=message).partition(" ")
        for name, who in people.items():
            answer = await server.request(method, who, path)
            if answer.status_code != int(row[name]):
                wrong.append(f"{row['route']} as {name}: {answer.status_code}, expected {row[name]}")
            if name == "conflicted_adviser":
                assert str(case) not in answer.text
    assert not wrong, "\n".join(wrong)


async def test_for_a_conflicted_person_the_case_looks_unknown(
    notify: Notify, people: dict[str, Person | None], api: Callable[[str], Awaitable[Api]]
) -> None:
    holder, conflicted = _someone(people["holder"]), _someone(people["conflicted_adviser"])
    await notify.meet(holder.id)
    case = uuid4()
    await notify.submit(case, holder.id, title="Kanarifugl")
    await notify.conflict(case, conflicted.id)
    server = await api("notify")
    headers = {"X-Call-Id": "same"}
    theirs = await server.get(conflicted, f"/v1/cases/{case}/messages", headers=headers)
    unknown = await server.get(conflicted, f"/v1/cases/{uuid4()}/messages", headers=headers)
    assert theirs.status_code == unknown.status_code == 404
    assert theirs.content == unknown.content
    listed = await server.get(conflicted, "/v1/messages")
    assert listed.json()["items"] == []


async def test_who_applies_reads_what_they_were_told_despite_their_own_conflict(
    notify: Notify, person: Callable[..., Person], api: Callable[[str], Awaitable[Api]]
) -> None:
    holder, case = person("rhf_adviser"), uuid4()
    await notify.meet(holder.id, "rhf_adviser")
    await notify.submit(case, holder.id)
    await notify.conflict(case, holder.id)
    await notify.take(notify.task(case, review.Audience(role="rhf_adviser")), case)
    server = await api("notify")
    own = (await server.get(holder, f"/v1/cases/{case}/messages")).json()["items"]
    assert [each["template"] for each in own] == ["receipt"]
    [line] = (await server.get(holder, "/v1/messages")).json()["items"]
    assert line["id"] == own[0]["id"]
    withheld = next(each["id"] for each in await notify.messages() if each["template"] == "task-opened")
    assert (await server.get(holder, f"/v1/messages/{own[0]['id']}")).status_code == 200
    assert (await server.get(holder, f"/v1/messages/{withheld}")).status_code == 404


async def test_pages_follow_each_other(
    notify: Notify, people: dict[str, Person | None], api: Callable[[str], Awaitable[Api]]
) -> None:
    holder, adviser = _someone(people["holder"]), _someone(people["rhf_adviser"])
    await notify.meet(holder.id)
    for _ in range(105):
        await notify.submit(uuid4(), holder.id)
    server = await api("notify")
    first = (await server.get(adviser, "/v1/messages")).json()
    second = (await server.get(adviser, "/v1/messages", params={"cursor": first["next"]})).json()
    ids = [each["id"] for each in first["items"] + second["items"]]
    assert len(ids) == len(set(ids)) == 105
    assert second["next"] is None
    for bad in ("nonsense", first["next"][:-4]):
        assert (await server.get(adviser, "/v1/messages", params={"cursor": bad})).status_code == 422


def _someone(person: Person | None) -> Person:
    assert person is not None
    return person
