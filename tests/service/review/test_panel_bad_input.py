"""Bad input to the routes of panels and rounds: told what is wrong, nothing half done."""

import uuid
from itertools import product
from typing import Any

from tests.service.review.panel_play import CALL, PRODUCT, ROUND, PanelPlay, scores
from tests.service.review.test_bad_input import NUL, WRONG, problem
from tests.support.tokens import Person

JUNK = ("%00", "a" * 5000, "..%2F..", "%F0%9F%98%80", "'; drop table cases; --", "%20", "null")


async def test_ids_of_rounds_calls_and_panels_may_be_anything(
    panel: PanelPlay, members: list[Person]
) -> None:
    await panel.begin_round(members, "a")
    case, body = uuid.uuid4(), scores(PRODUCT, 5)
    for who, junk in product((panel.adviser, members[0]), JUNK):
        for path in (f"rounds/{junk}/cases", f"rounds/{junk}/assessments", f"rounds/{junk}/ranking"):
            problem(await panel.api.get(who, f"/v1/{path}"))
        for path in (f"calls/{junk}/panels/product/members", f"calls/{CALL}/panels/{junk}/members"):
            problem(await panel.api.get(who, f"/v1/{path}"))
            problem(await panel.api.put(who, f"/v1/{path}", {"members": [{"person_id": str(case)}]}))
        problem(await panel.api.put(who, f"/v1/rounds/{junk}/standins", {"members": []}))
        problem(await panel.api.put(who, f"/v1/rounds/{junk}/assessments/{case}", {"scores": body}))
        for path in ("conflicts", "scores-lock", "meeting", "recommendation"):
            problem(await panel.api.post(who, f"/v1/rounds/{junk}/{path}", {"declarations": []}))


async def test_nothing_inside_the_bodies_brings_a_route_down(panel: PanelPlay, members: list[Person]) -> None:
    (case,) = await panel.to_scoring(members, "a")
    chair = members[0]
    for wrong in WRONG:
        if wrong == "\ud800":
            continue  # cannot be sent as JSON by this client
        await refused_or_done(panel, chair, "POST", "conflicts", {"declarations": [wrong]})
        given: dict[str, Any] = {"application_id": str(case), "conflict": False}
        await refused(
            panel, chair, "POST", "conflicts", {"declarations": [{**given, "application_id": wrong}]}
        )
        if wrong is not True:
            await refused(panel, chair, "POST", "conflicts", {"declarations": [{**given, "conflict": wrong}]})
        await refused_or_done(
            panel, chair, "POST", "conflicts", {"declarations": [{**given, "ground": wrong}]}
        )
        await refused(panel, chair, "PUT", f"assessments/{case}", {"scores": {"innovation": wrong}})
        await refused(panel, chair, "PUT", f"assessments/{case}", {"scores": wrong})
        await refused(panel, panel.adviser, "PUT", "standins", {"members": [wrong]})
        await refused(panel, panel.adviser, "PUT", "standins", {"members": [{"person_id": wrong}]})
        await refused(panel, chair, "POST", "meeting", {"tie_breaks": [wrong]})
        await refused(panel, chair, "POST", "meeting", {"comments": {str(case): wrong}})
    nul = {"scores": scores(PRODUCT, 5), "comment": NUL}
    await refused(panel, chair, "PUT", f"assessments/{case}", nul)
    huge = {"scores": scores(PRODUCT, 5) | {f"c{n}": 5 for n in range(60)}}
    await refused(panel, chair, "PUT", f"assessments/{case}", huge)
    async with panel.database.read() as conn:
        assert await conn.fetchval("select count(*) from assessment") == 0
        assert await conn.fetchval("select count(*) from conflict") == 0


async def refused(panel: PanelPlay, who: Person, method: str, path: str, body: Any) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    problem(await panel.api.request(method, who, f"/v1/rounds/{ROUND}/{path}", headers=headers, json=body))


async def refused_or_done(panel: PanelPlay, who: Person, method: str, path: str, body: Any) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    response = await panel.api.request(method, who, f"/v1/rounds/{ROUND}/{path}", headers=headers, json=body)
    assert response.status_code < 500, response.text
