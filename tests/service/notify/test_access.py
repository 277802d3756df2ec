"""The access matrix: every route as every role. A route without a row fails."""

import csv
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute

from services.common.http import encode_cursor
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


async def test_a_message_that_waits_for_its_case_can_be_read_by_id(
    notify: Notify, person: Callable[..., Person], api: Callable[[str], Awaitable[Api]]
) -> None:
    """Those are the ones that doctor names."""
    case = uuid4()
    asked = review.QuestionAnswered(
        application_id=case,
        call_id="call-a",
        question_id=uuid4(),
        task_id=None,
        asked_by=uuid4(),
        answered_by=uuid4(),
    )
    await notify.take(asked, case)
    (message,) = await notify.messages()
    assert message["status"] == "unaddressed"
    server = await api("notify")
    answer = await server.get(person("rhf_adviser", organisation="HMN"), f"/v1/messages/{message['id']}")
    assert answer.status_code == 200


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
    someone = str(uuid4())
    beyond = [
        encode_cursor(at, someone)
        for at in ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2024-01-01T00:00:00")
    ]
    wrong = [
        encode_cursor(5, someone),
        encode_cursor("2024-01-01T00:00:00Z", 5),
        encode_cursor("\x00", "\x00"),
    ]
    for bad in ("nonsense", first["next"][:-4], "%00", *beyond, *wrong):
        assert (await server.get(adviser, "/v1/messages", params={"cursor": bad})).status_code == 422


async def test_bad_input_is_answered_by_a_problem(
    notify: Notify, people: dict[str, Person | None], api: Callable[[str], Awaitable[Api]]
) -> None:
    server = await api("notify")
    for path in (
        "/v1/messages?application_id=none",
        "/v1/messages?kind=%00",
        "/v1/messages?kind=" + "x" * 500,
        "/v1/messages/none",
        "/v1/messages/%00",
        "/v1/cases/none/messages",
        f"/v1/cases/{uuid4()}/messages?cursor=" + "x" * 500,
    ):
        answer = await server.get(people["rhf_adviser"], path)
        assert answer.status_code in (404, 422), f"{path}: {answer.status_code}"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_refusals_and_foreign_reads_stand_in_the_access_log(
    notify: Notify, people: dict[str, Person | None], api: Callable[[str], Awaitable[Api]]
) -> None:
    holder, auditor, stranger = (_someone(people[each]) for each in ("holder", "auditor", "applicant"))
    case = uuid4()
    await notify.meet(holder.id)
    await notify.submit(case, holder.id, organisation="HMR")
    [message] = await notify.messages()
    server = await api("notify")
    path = f"/v1/cases/{case}/messages"
    await server.get(stranger, path)
    await server.get(stranger, "/v1/messages")
    await server.get(holder, path)
    for read in (path, f"/v1/messages?application_id={case}", f"/v1/messages/{message['id']}"):
        assert (await server.get(auditor, read)).status_code == 200
    async with notify.database.read() as conn:
        rows = await conn.fetch("select actor_id, key, outcome, reason from access_log order by seq")
    assert [tuple(row) for row in rows] == [
        (str(stranger.id), str(case), "denied", "NotFound"),
        (str(stranger.id), "-", "denied", "Forbidden"),
        *[(str(auditor.id), str(case), "read", "")] * 3,
    ]


def _someone(person: Person | None) -> Person:
    assert person is not None
    return person
