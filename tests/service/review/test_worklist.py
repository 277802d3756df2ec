"""The worklist: what each person sees, claims and passes on; its SQL says what the policy says."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from services.common.auth import Caller
from services.review.policy import IN_PERSON, sees_task, waits_for
from services.review.store import tasks as task_store
from services.review.store import worklist
from tests.service.review.case_play import FAR, CasePlay
from tests.service.review.panel_play import CALL
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds

Known = Callable[..., Awaitable[Person]]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def post(play: CasePlay, who: Person, task_id: object, act: str, body: Any = None) -> Any:
    return await play.api.post(who, f"/v1/tasks/{task_id}/{act}", body)


async def ids(play: CasePlay, who: Person, view: str = "mine", **params: str) -> set[str]:
    return {item["id"] for item in await play.worklist(who, view, **params)}


async def test_one_list_holds_every_kind_of_task_with_its_case(play: CasePlay, known: Known) -> None:
    await play.begin()
    case = await play.submit("a", category="service")
    for kind in kinds.KINDS:
        await play.open(kind, case, "yearly:1.1", role="rhf_adviser")
    found = await play.worklist(play.adviser, limit="200")
    assert {item["kind"] for item in found} == set(kinds.KINDS)
    for item in found:
        assert item["title"] == "Title of a"
        assert item["organisation"] == "STOLAV"
        assert item["call_id"] == CALL


async def test_views_and_their_counts(play: CasePlay, known: Known) -> None:
    await play.begin()
    case = await play.submit("a", touches=["HP"])
    consultant = await known("consultant", organisation="HP")
    audience = {"role": "consultant", "organisation": "HP"}
    later = await play.open(kinds.CONSULT, case, "1", due_at=FAR, **audience)
    soon = await play.open(kinds.CONSULT, case, "2", **audience)
    late = await play.open(kinds.CONSULT, case, "3", **audience)
    paused = await play.open(kinds.CONSULT, case, "4", **audience)
    await play.pass_time(soon, 8 * DAY)  # due in ten days
    await play.pass_time(late, 11 * DAY)
    await play.ask(consultant, case, paused)
    await play.pass_time(paused, 11 * DAY)
    everything = {str(each) for each in (later, soon, late, paused)}
    assert await ids(play, consultant) == everything
    assert await ids(play, consultant, "due") == {str(soon)}
    assert await ids(play, consultant, "overdue") == {str(late)}, "what is paused is not overdue"
    answer = await play.api.get(consultant, "/v1/tasks/count")
    assert answer.json() == {"mine": 4, "all": 4, "due": 1, "overdue": 1}
    order = [item["due_at"] for item in await play.worklist(consultant)]
    assert order == sorted(order)


async def test_pages_hold_every_task_once(play: CasePlay, known: Known) -> None:
    await play.begin()
    case = await play.submit("a")
    opened = {str(await play.open(kinds.CONFIRM_MOVE, case, str(n), due_at=FAR)) for n in range(7)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await play.api.get(play.adviser, "/v1/tasks", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == 7
    assert set(seen) == opened


async def test_filters(play: CasePlay) -> None:
    await play.begin()
    one, two = await play.submit("a"), await play.submit("b")
    first = await play.open(kinds.CONFIRM_MOVE, one)
    second = await play.open(kinds.CONFIRM_LOSS, two)
    assert await ids(play, play.adviser, kind=kinds.CONFIRM_MOVE) == {str(first)}
    assert await ids(play, play.adviser, application_id=str(two)) == {str(second)}
    assert await ids(play, play.adviser, call_id=CALL) == {str(first), str(second)}
    assert await ids(play, play.adviser, call_id="another") == set()


async def test_a_claimed_task_leaves_the_others_lists_until_it_is_released(
    play: CasePlay, known: Known
) -> None:
    await play.begin()
    case = await play.submit("a")
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
    case = await play.submit("a")
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
    case = await play.submit("a")
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
    case = await play.submit("a")
    one, two = [await known(role) for _ in range(2)]
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
    own, other = await play.submit("a"), await play.submit("b", organisation="HMR")
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


async def test_the_lists_show_exactly_what_the_policy_permits(play: CasePlay, known: Known) -> None:
    """Random tasks and people (a fixed seed): each list holds the task if and only if the policy says so."""
    chance = random.Random(2023)
    await play.begin()
    organisations = ("STOLAV", "HMR", "HP")
    roles = ("hf_adviser", "consultant", "rhf_adviser", "leader", "auditor")
    people: list[Person] = []
    for n in range(14):
        given = chance.sample(roles, chance.randint(0, 2))
        deputy = chance.choice(people).id if people and n % 3 == 0 else None
        people.append(await known(*given, organisation=chance.choice((*organisations, None)), deputy=deputy))
    cases = [await play.submit(name, organisation=chance.choice(organisations)) for name in "abcdef"]
    for n in range(60):
        task_id = await play.open(
            chance.choice((kinds.CONSULT, kinds.CONFIRM_MOVE)),
            chance.choice(cases),
            str(n),
            role=chance.choice((*roles, "holder", "member", "chair")),
            organisation=chance.choice((*organisations, None)),
            person_id=chance.choice(people).id if chance.random() < 0.4 else None,
            not_person_id=chance.choice(people).id if chance.random() < 0.3 else None,
        )
        if chance.random() < 0.3:
            await play.owner.execute(
                "update task set claimed_by = $2, claimed_at = now() where id = $1",
                task_id,
                chance.choice(people).id,
            )
    for _ in range(12):
        await play.owner.execute(
            "insert into conflict (application_id, person_id, call_id) values ($1, $2, $3)"
            " on conflict do nothing",
            chance.choice(cases),
            chance.choice(people).id,
            CALL,
        )
    listed = 0
    async with play.database.read() as conn:
        rows = await conn.fetch("select * from task where closed_at is null")
        for who in people:
            caller = Caller(
                who.id, "issuer", who.subject, frozenset({"applicant", *who.roles}), who.organisation, "", ""
            )
            permitted: dict[str, set[str]] = {"mine": set(), "all": set()}
            for row in rows:
                access = await worklist.access(conn, task_store.Task.of(row), who.id)
                if sees_task(caller, access):
                    permitted["all"].add(str(row["id"]))
                if waits_for(caller, access):
                    permitted["mine"].add(str(row["id"]))
            for view, expected in permitted.items():
                assert await ids(play, who, view, limit="200") == expected
                listed += len(expected)
            count = (await play.api.get(who, "/v1/tasks/count")).json()
            assert {view: count[view] for view in permitted} == {v: len(e) for v, e in permitted.items()}
    assert listed > 100, "the draw must show something"
