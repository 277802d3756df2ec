"""A walk over every GET route of every OpenAPI document with the ids around one case.

A new route is walked by itself, and one whose path parameters the walk cannot fill fails it.
"""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.demo.client import Session, Web
from deploy.stack.settings import SERVICES, Settings
from tests.support import oracle

_NO_ERROR = {200, 403, 404, 409, 422}
"""what may be answered to somebody who asks for everything; 409 is what does not exist yet"""


@dataclass(frozen=True)
class Case:
    """What is looked for. `marks`: texts that tell that it exists. `known`: ids by name of a parameter."""

    id: str
    marks: tuple[str, ...]
    known: Mapping[str, list[str]]

    def shows_in(self, answer: httpx.Response) -> bool:
        return any(mark in answer.text for mark in self.marks)


def case_of(settings: Settings, application_id: str, call_id: str, panel: str, *marks: str) -> Case:
    """The case with everything that the databases know of it, and of the round around it."""

    def ids(text: str, key: str = application_id) -> list[str]:
        return [str(row[0]) for row in oracle.inspect(settings, text, key)]

    numbers = ids("select case_number from intake.application where id = %s")
    known = {
        "application_id": [application_id],
        "call_id": [call_id],
        "panel": [panel],
        "round_id": [
            *(f"{call_id}.{panel}", f"{application_id}.r1", f"{application_id}.d1"),
            *ids("select decision_round_id from funding.decision where application_id = %s"),
        ],
        "task_id": ids("select id from review.task where application_id = %s"),
        "attachment_id": ids("select id from intake.attachment where application_id = %s"),
        "message_id": ids("select id from notify.message where application_id = %s"),
    }
    return Case(application_id, (application_id, *numbers, *marks), known)


async def routes_that_show(web: Web, case: Case, *sessions: Session) -> set[str]:
    """The routes, as "service path", on which at least one of these people reads of the case."""
    found = set()
    for session in sessions:
        async for route, (filled, _, query) in _requests(web, case):
            if route not in found and case.shows_in(await _get(session, route, filled, query)):
                found.add(route)
    return found


async def assert_hidden(web: Web, case: Case, session: Session) -> None:
    """No route tells this person that the case exists: its answers are those about one that does not."""
    walked = set()
    async for route, (filled, twin, query) in _requests(web, case):
        walked.add(route)
        answer = await _get(session, route, filled, query)
        assert not case.shows_in(answer), f"{filled} {query} shows the case"
        if twin != filled:
            elsewhere = await _get(session, route, twin, query)
            about_nothing = (elsewhere.status_code, elsewhere.content)
            assert (answer.status_code, answer.content) == about_nothing, (
                f"{filled} {query} tells of the case"
            )
    assert len(walked) > 30


async def _requests(web: Web, case: Case) -> AsyncIterator[tuple[str, tuple[str, str, dict[str, str]]]]:
    for service in SERVICES:
        document = (await web.http.get(web.url(service, "/openapi.json"))).json()
        for path, operations in document["paths"].items():
            if "get" in operations:
                for way in _ways_to_ask(path, operations["get"], case.known):
                    yield f"{service} {path}", way


def _ways_to_ask(
    path: str, operation: Mapping[str, Any], known: Mapping[str, list[str]]
) -> list[tuple[str, str, dict[str, str]]]:
    """Every way: (path, the same path about something that does not exist, query).

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


async def _get(session: Session, route: str, path: str, query: Mapping[str, str]) -> httpx.Response:
    """The answer, once it is not "too many": a problem of that kind would hide every other."""
    token = await session._fresh_token()
    while True:
        answer = await session.web.http.get(
            session.web.url(route.partition(" ")[0], path),
            params=dict(query),
            headers={"Authorization": f"Bearer {token}", "X-Call-Id": "a-walk-everywhere"},
        )
        if answer.status_code != 429:
            assert answer.status_code in _NO_ERROR, f"{path} {query}: {answer.status_code}"
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]))
