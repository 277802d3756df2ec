"""For a member with a conflict the case does not exist: on no page of any API, in no list, no count, no mail.

Every GET route of every OpenAPI document is walked; a new route is walked by itself, and one whose parameters
the walk cannot fill fails it.
"""

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.demo import pdfs, setup
from deploy.demo.actors import acts_of_everybody
from deploy.demo.actors.applicant import everybody_applies
from deploy.demo.calls import demo_call
from deploy.demo.client import Session, Web
from deploy.demo.worklist import Worklists
from deploy.demo.world import World
from deploy.stack.settings import SERVICES, Settings
from tests.support import eventually, oracle
from tests.support.live import CAST

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

CANARY = "Kanarifugl i tittelen"
MEMBER = "product-3"
"""has the conflict on A14, and not on A01"""


@dataclass
class Judging:
    """A product panel in the middle of judging A01 and A14."""

    world: World
    case: str
    counted_before: int
    """cases the member was asked to declare on"""

    @property
    def member(self) -> Session:
        return self.world.sessions[MEMBER]

    @property
    def colleague(self) -> Session:
        return self.world.sessions["product-2"]

    @property
    def round_id(self) -> str:
        return f"{self.world.call_id}.product"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def judging(services: Settings) -> AsyncIterator[Judging]:
    """A14 has its canary title and its conflict; nobody judges yet, so the round stays where it is."""
    roles = {ref: CAST.applications[ref] for ref in ("A01", "A14")}
    roles["A14"] = replace(roles["A14"], title=f"{CANARY} {uuid.uuid4().hex[:8]}")
    cast = replace(CAST, applications=roles)
    web = Web(services)
    world = World(web, cast, {each.id: Session(web, each) for each in cast.people.values()})
    papers = {ref: pdfs.papers(role) for ref, role in roles.items()}
    await setup.everybody_signs_in(world)
    await _publish(world)
    acts = {
        person: {kind: act for kind, act in of_person.items() if kind != "judge_applications"}
        for person, of_person in acts_of_everybody(world).items()
    }
    worklists = asyncio.create_task(Worklists(world, acts).run())
    try:
        await asyncio.gather(setup.name_panels(world), everybody_applies(world, papers))
        await eventually(lambda: _judged_by_all(world, worklists), 150, pause=0.5)
        assert world.faults == []
        yield Judging(world, world.ids["A14"], len(roles))
    finally:
        worklists.cancel()
        await web.close()


async def _publish(world: World) -> None:
    """The demo's call, open long enough for a busy machine."""
    now = datetime.now(UTC)
    definition = demo_call(now, f"t{uuid.uuid4().hex[:10]}")
    patient = tuple(each.model_copy(update={"internal_deadline": None}) for each in definition.organisations)
    changes = {"deadline": now + timedelta(seconds=45), "organisations": patient}
    await setup.publish(world, definition.model_copy(update=changes), now)


async def _judged_by_all(world: World, worklists: asyncio.Task[None]) -> bool:
    if worklists.done():
        worklists.result()
    params = {"view": "all", "kind": "judge_applications", "call_id": world.call_id}
    page = await world.as_("rhf-1").get("review", "/v1/tasks", **params)
    return len(page["items"]) == len(world.cast.panels["product"].everyone)


async def test_the_case_does_not_exist_for_the_conflicted_member(judging: Judging) -> None:
    known = _known_ids(judging)
    walked = 0
    for service in SERVICES:
        url = judging.world.web.url(service, "/openapi.json")
        document = (await judging.world.web.http.get(url)).json()
        for path, operations in document["paths"].items():
            if "get" not in operations:
                continue
            walked += 1
            for filled, twin, query in _requests(path, operations["get"], known):
                answer = await _get(judging, service, filled, query)
                assert judging.case not in answer.text, f"{service} {filled} {query}"
                assert CANARY not in answer.text, f"{service} {filled} {query}"
                if twin != filled:
                    elsewhere = await _get(judging, service, twin, query)
                    assert (answer.status_code, answer.content) == (
                        elsewhere.status_code,
                        elsewhere.content,
                    ), f"{service} {filled} tells that the case exists"
    assert walked > 30


async def test_counts_are_one_lower_and_colleagues_still_see_it(judging: Judging) -> None:
    path = f"/v1/rounds/{judging.round_id}/cases"
    theirs = await judging.member.get("review", path)
    others = await judging.colleague.get("review", path)
    assert (theirs["count"], len(theirs["items"])) == (judging.counted_before - 1, judging.counted_before - 1)
    assert (others["count"], len(others["items"])) == (judging.counted_before, judging.counted_before)
    assert CANARY in json.dumps(others, ensure_ascii=False)


async def test_no_mail_to_the_member_speaks_of_the_case(judging: Judging) -> None:
    person = CAST.people[MEMBER]
    port = judging.world.web.settings.port("MAIL_UI_PORT")
    mails = (await judging.world.web.http.get(f"http://127.0.0.1:{port}/email")).json()
    theirs = [mail for mail in mails if any(to["address"] == person.email for to in mail["to"])]
    assert theirs, "the member got mail about the round"
    assert all(judging.case not in json.dumps(mail) for mail in theirs)
    assert all(CANARY not in json.dumps(mail, ensure_ascii=False) for mail in theirs)
    assert any(CANARY in json.dumps(mail, ensure_ascii=False) for mail in mails), "others got mail about it"


def _known_ids(judging: Judging) -> Mapping[str, list[str]]:
    """What a path parameter of this name may be: everything of the case, and of the round around it."""
    settings = judging.world.web.settings

    def ids(text: str) -> list[str]:
        return [str(row[0]) for row in oracle.inspect(settings, text, judging.case)]

    return {
        "application_id": [judging.case],
        "call_id": [judging.world.call_id],
        "panel": ["product"],
        "round_id": [judging.round_id, f"{judging.case}.r1", f"{judging.case}.d1"],
        "task_id": ids("select id from review.task where application_id = %s"),
        "attachment_id": ids("select id from intake.attachment where application_id = %s"),
        "message_id": ids("select id from notify.message where application_id = %s"),
    }


def _requests(
    path: str, operation: Mapping[str, Any], known: Mapping[str, list[str]]
) -> list[tuple[str, str, dict[str, str]]]:
    """Every way to ask: (path, the same path about something that does not exist, query).

    Path parameters take every known id, each query filter is used once. Raises KeyError for a path parameter
    the walk does not know.
    """
    parameters = operation.get("parameters", [])
    in_path = [each["name"] for each in parameters if each["in"] == "path"]
    in_query = [each["name"] for each in parameters if each["in"] == "query"]
    queries: list[dict[str, str]] = [{}]
    queries += [{name: value} for name in in_query for value in known.get(name, [])]
    queries += [{"view": view} for view in ("mine", "all", "due", "overdue") if "view" in in_query]
    found = []
    for values in itertools.product(*(known[name] for name in in_path)):
        filled = twin = path
        for name, value in zip(in_path, values, strict=True):
            filled = filled.replace("{" + name + "}", value)
            twin = twin.replace("{" + name + "}", _unknown(value))
        found += [(filled, twin, query) for query in queries]
    return found


def _unknown(value: str) -> str:
    """An id of the same form that nobody has; calls, panels and the panel's own round exist for everybody."""
    first, dot, rest = value.partition(".")
    try:
        uuid.UUID(first)
    except ValueError:
        return value
    return f"{uuid.uuid4()}{dot}{rest}"


async def _get(judging: Judging, service: str, path: str, query: Mapping[str, str]) -> httpx.Response:
    token = await judging.member._fresh_token()
    return await judging.world.web.http.get(
        judging.world.web.url(service, path),
        params=dict(query),
        headers={"Authorization": f"Bearer {token}", "X-Call-Id": "walk"},
    )
