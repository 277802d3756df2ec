"""What people do with a task: claim it, pass it on, deputise; in a conflict it does not exist."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from services.review.policy import IN_PERSON
from tests.service.review.case_play import CasePlay
from tests.service.review.panel_play import CALL
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds

Known = Callable[..., Awaitable[Person]]


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def post(play: CasePlay, who: Person, task_id: object, act: str, body: Any = None) -> Any:
    return await play.api.post(who, f"/v1/tasks/{task_id}/{act}", body)


async def ids(play: CasePlay, who: Person, view: str = "mine", **params: str) -> set[str]:
    return {item["id"] for item in await play.worklist(who, view, **params)}


async def test_a_claimed_task_leaves_the_others_lists_until_it_is_released(
    play: CasePlay, known: Known
) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    task_id = await play.open(kinds.CONSULT, case, role="consultant", organisation="HP")
    one, two = [await known("consultant", organisation="HP") for _ in range(2)]
    assert (await post(play, one, task_id, "claim")).json()["claimed_by"] == str(one.id)
    assert (await post(play, one, task_id, "claim")).status_code == 200, "again is the same"
    assert await ids(play, one) == {str(task_id)}
    assert await ids(play, two) == set()
    assert await ids(play, two, "all") == {str(task_id)}
    refused = await post(play, two, task_id, "claim")
    assert (refused.status_code, refused.json()["type"].rsplit("/")[-1]) == (409, "claimed-by-another")
    assert (await post(play, two, task_id, "release")).status_code == 403
    assert (await post(play, two, task_id, "hand-over", {"person_id": str(two.id)})).status_code == 409
    assert (await post(play, one, task_id, "release")).json()["claimed_by"] is None
    assert await ids(play, two) == {str(task_id)}


async def test_of_two_who_claim_at_once_one_gets_it(play: CasePlay, known: Known) -> None:
    await play.begin()
    task_id = await play.open(kinds.CONFIRM_MOVE, await play.submit("a"))
    advisers = [await known("rhf_adviser") for _ in range(4)]
    answers = await asyncio.gather(*(post(play, who, task_id, "claim") for who in advisers))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_a_task_is_handed_over_to_a_colleague_who_may_do_it(play: CasePlay, known: Known) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    task_id = await play.open(kinds.CONSULT, case, role="consultant", organisation="HP")
    one, two = [await known("consultant", organisation="HP") for _ in range(2)]
    wrong = [await known("consultant", organisation="TTO"), await known("hf_adviser", organisation="HP")]
    for who in (*wrong, play.adviser):
        refused = await post(play, one, task_id, "hand-over", {"person_id": str(who.id)})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "person_id"
    assert (await post(play, one, task_id, "hand-over", {"person_id": str(two.id)})).status_code == 200
    assert await ids(play, one) == set()
    assert await ids(play, two) == {str(task_id)}
    (fact,) = await play.facts("task-handed-over")
    assert fact["audience"] == {"role": "consultant", "organisation": "HP", "person_id": str(two.id)}


async def test_an_adviser_of_the_funder_reassigns_what_somebody_has_claimed(
    play: CasePlay, known: Known
) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    task_id = await play.open(kinds.CONSULT, case, role="consultant", organisation="HP")
    one, two = [await known("consultant", organisation="HP") for _ in range(2)]
    await post(play, one, task_id, "claim")
    body = {"person_id": str(two.id)}
    assert (await post(play, two, task_id, "reassign", body)).status_code == 403
    assert (await post(play, play.adviser, task_id, "reassign", body)).status_code == 200
    assert await ids(play, two) == {str(task_id)}
    assert await ids(play, one) == set()


@pytest.mark.parametrize("role", sorted(IN_PERSON))
async def test_what_is_meant_for_one_person_is_not_passed_on(play: CasePlay, known: Known, role: str) -> None:
    await play.begin()
    one, two = [await known(role) for _ in range(2)]
    case = await play.resubmit("a", 1, holder_id=one.id)
    task_id = await play.open(kinds.CONFIRM_MOVE, case, role=role, person_id=one.id)
    for who, act in ((one, "hand-over"), (play.adviser, "reassign")):
        refused = await post(play, who, task_id, act, {"person_id": str(two.id)})
        assert (refused.status_code, refused.json()["type"].rsplit("/")[-1]) == (409, "not-transferable")


async def test_a_deputy_has_the_principals_tasks_but_not_those_meant_in_person(
    play: CasePlay, known: Known
) -> None:
    await play.begin()
    case = await play.submit("a")
    deputy = await known("applicant")
    principal = await known("leader", deputy=deputy.id)
    mine = await play.open(kinds.TAKE_DECISION, case, role="leader", person_id=principal.id)
    claimed = await play.open(kinds.TAKE_DECISION, case, "2", role="leader")
    await post(play, principal, claimed, "claim")
    await play.open(kinds.JUDGE_APPLICATIONS, case, role="member", person_id=principal.id)
    assert await ids(play, deputy) == {str(mine)}
    assert str(claimed) in await ids(play, principal)
    assert (await post(play, deputy, mine, "claim")).status_code == 200


async def test_the_preparer_does_not_have_the_decision_on_their_list(play: CasePlay, known: Known) -> None:
    await play.begin()
    case = await play.submit("a")
    preparer, leader = await known("leader"), await known("leader")
    task_id = await play.open(kinds.TAKE_DECISION, case, role="leader", not_person_id=preparer.id)
    assert await ids(play, preparer) == set()
    assert await ids(play, leader) == {str(task_id)}
    alone = await post(play, preparer, task_id, "claim")
    assert (alone.status_code, alone.json()["type"].rsplit("/")[-1]) == (409, "two-persons-required")
    refused = await post(play, leader, task_id, "hand-over", {"person_id": str(preparer.id)})
    assert refused.status_code == 422


async def test_an_adviser_of_a_trust_follows_the_tasks_of_its_cases_and_no_others(
    play: CasePlay, known: Known
) -> None:
    await play.begin()
    own = await play.submit("a", touches=["HP"])
    other = await play.submit("b", organisation="HMR", touches=["HP"])
    task_id = await play.open(kinds.CONSULT, own, role="consultant", organisation="HP")
    await play.open(kinds.CONSULT, other, role="consultant", organisation="HP")
    adviser = await known("hf_adviser", organisation="STOLAV")
    assert await ids(play, adviser) == set()
    assert await ids(play, adviser, "all") == {str(task_id)}
    assert (await post(play, adviser, task_id, "claim")).status_code == 403


async def test_in_a_conflict_the_tasks_of_the_case_do_not_exist(play: CasePlay, known: Known) -> None:
    await play.begin()
    case, other = await play.submit("a"), await play.submit("b")
    one, two = await known("rhf_adviser"), await known("rhf_adviser")
    hidden = await play.open(kinds.CONFIRM_MOVE, case)
    task_id = await play.open(kinds.CONFIRM_MOVE, other)
    before = (await play.api.get(one, "/v1/tasks/count")).json()
    await play.owner.execute(
        "insert into conflict (application_id, person_id, call_id) values ($1, $2, $3)", case, one.id, CALL
    )
    unknown = await play.api.get(one, f"/v1/tasks/{uuid.uuid4()}")
    found = await play.api.get(one, f"/v1/tasks/{hidden}")
    assert (found.status_code, found.content) == (404, unknown.content)
    for view in ("mine", "all"):
        assert await ids(play, one, view) == {str(task_id)}
    after = (await play.api.get(one, "/v1/tasks/count")).json()
    assert (after["mine"], after["all"]) == (before["mine"] - 1, before["all"] - 1)
    unknown_act = await post(play, one, uuid.uuid4(), "claim")
    for act, body in (("claim", None), ("release", None), ("reassign", {"person_id": str(two.id)})):
        answer = await post(play, one, hidden, act, body)
        assert (answer.status_code, answer.content) == (404, unknown_act.content)
    refused = await post(play, two, hidden, "hand-over", {"person_id": str(one.id)})
    assert refused.status_code == 422
    unfit = await post(play, two, hidden, "hand-over", {"person_id": str(uuid.uuid4())})
    assert refused.json()["errors"][0]["remedy"] == unfit.json()["errors"][0]["remedy"]
    case_unknown = await play.api.get(one, f"/v1/cases/{uuid.uuid4()}")
    case_hidden = await play.api.get(one, f"/v1/cases/{case}")
    assert (case_hidden.status_code, case_hidden.content) == (404, case_unknown.content)


async def test_a_closed_task_can_be_read_but_nothing_can_be_done_with_it(
    play: CasePlay, known: Known
) -> None:
    await play.begin()
    case = await play.submit("a")
    adviser = await known("hf_adviser", organisation="STOLAV")
    task_id = await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    await play.prescreen(adviser, case)
    assert (await play.api.get(adviser, f"/v1/tasks/{task_id}")).json()["state"] == "done"
    other = await known("hf_adviser", organisation="STOLAV")
    for act, body in (
        ("claim", None),
        ("release", None),
        ("hand-over", {"person_id": str(other.id)}),
    ):
        who = play.adviser if act == "release" else adviser
        refused = await post(play, who, task_id, act, body)
        assert (refused.status_code, refused.json()["type"].rsplit("/")[-1]) == (409, "step-out-of-order")


async def test_a_task_with_a_place_to_act_is_not_handled_here(play: CasePlay) -> None:
    await play.begin()
    task_id = await play.open(kinds.CONFIRM_MOVE, await play.submit("a"))
    refused = await post(play, play.adviser, task_id, "handled", {"note": "Done."})
    assert refused.status_code == 409
    assert (await play.row(task_id))["state"] == "open"
