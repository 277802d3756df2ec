"""For a member with a conflict the case does not exist: on no page of any API, in no list, count or mail."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from deploy.demo import pdfs, setup
from deploy.demo.actors import acts_of_everybody
from deploy.demo.actors.applicant import everybody_applies
from deploy.demo.calls import demo_call
from deploy.demo.client import Session, Web
from deploy.demo.worklist import Worklists
from deploy.demo.world import World
from deploy.stack.settings import Settings
from tests.e2e.walk import assert_hidden, case_of, routes_that_show
from tests.support import eventually, oracle
from tests.support.live import CAST

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

CANARY = "Kanarifugl i tittelen"
MEMBER = "product-3"
"""has the conflict on A14, and not on A01"""
SHOWN = {
    "funding /v1/cases/{application_id}/decisions",
    "intake /v1/applications",
    "intake /v1/applications/{application_id}",
    "intake /v1/applications/{application_id}/attachments/{attachment_id}/download",
    "intake /v1/applications/{application_id}/receipt",
    "intake /v1/applications/{application_id}/status",
    "notify /v1/messages",
    "notify /v1/messages/{message_id}",
    "review /v1/cases/{application_id}",
    "review /v1/rounds/{round_id}/assessments",
    "review /v1/rounds/{round_id}/cases",
    "review /v1/tasks/{task_id}",
}
"""where somebody without a conflict reads of the case while the panel judges it"""


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
    case = case_of(judging.world.web.settings, judging.case, judging.world.call_id, "product", CANARY)
    others = (judging.colleague, judging.world.sessions["rhf-1"], judging.world.sessions["auditor"])
    shown = await routes_that_show(judging.world.web, case, *others)
    assert shown >= SHOWN, f"others do not see it either on {sorted(SHOWN - shown)}"
    await assert_hidden(judging.world.web, case, judging.member)


async def test_counts_are_one_lower_and_colleagues_still_see_it(judging: Judging) -> None:
    path = f"/v1/rounds/{judging.round_id}/cases"
    theirs = await judging.member.get("review", path)
    others = await judging.colleague.get("review", path)
    assert (theirs["count"], len(theirs["items"])) == (judging.counted_before - 1, judging.counted_before - 1)
    assert (others["count"], len(others["items"])) == (judging.counted_before, judging.counted_before)
    assert CANARY in json.dumps(others, ensure_ascii=False)


async def test_no_mail_to_the_member_speaks_of_the_case(judging: Judging) -> None:
    person = CAST.people[MEMBER]
    mails = await eventually(lambda: _mails_when_all_are_out(judging.world), 60, pause=0.5)
    theirs = [mail for mail in mails if any(to["address"] == person.email for to in mail["to"])]
    assert theirs, "the member got mail about the round"
    assert all(judging.case not in json.dumps(mail) for mail in theirs)
    assert all(CANARY not in json.dumps(mail, ensure_ascii=False) for mail in theirs)
    assert any(CANARY in json.dumps(mail, ensure_ascii=False) for mail in mails), "others got mail about it"


async def _mails_when_all_are_out(world: World) -> list[dict[str, Any]]:
    """What the sink has about this call, when no message of it is under way."""
    text = "select id::text, status from notify.message where call_id = %s"
    messages = oracle.inspect(world.web.settings, text, world.call_id)
    left = [status for _, status in messages if status in ("unaddressed", "queued", "sending")]
    assert not left, f"{len(left)} messages are not out"
    port = world.web.settings.port("MAIL_UI_PORT")
    sink = (await world.web.http.get(f"http://127.0.0.1:{port}/email")).json()
    sent = [message_id for message_id, status in messages if status == "sent"]
    mails = [mail for mail in sink if any(each in mail.get("messageId", "") for each in sent)]
    assert len(mails) >= len(sent), "not all are in the sink"
    return mails
