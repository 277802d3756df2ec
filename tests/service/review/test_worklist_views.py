"""The worklist's views, pages and counts; its SQL says what the policy says."""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.common.auth import Caller
from services.review.policy import sees_task, waits_for
from services.review.store import tasks as task_store
from services.review.store import worklist
from tests.service.review.case_play import FAR, CasePlay
from tests.service.review.panel_play import CALL
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds

Known = Callable[..., Awaitable[Person]]


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def ids(play: CasePlay, who: Person, view: str = "mine", **params: str) -> set[str]:
    return {item["id"] for item in await play.worklist(who, view, **params)}


async def test_one_list_holds_every_kind_of_task_with_its_case(play: CasePlay, known: Known) -> None:
    await play.begin()
    case = await play.submit("a", category="service", touches=["HP"])
    numbers = {kinds.CONSULT: "HP", kinds.PRESCREEN: "1", kinds.CONFIRM_REJECTION: "1"}
    for kind in kinds.KINDS:
        await play.open(kind, case, numbers.get(kind, "yearly:1.1"), role="rhf_adviser")
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
    later = await play.open(kinds.CONSULT, case, due_at=FAR, **audience)
    soon = await play.open(kinds.ANSWER_CLARIFICATION, case, "1", **audience)
    late = await play.open(kinds.ANSWER_CLARIFICATION, case, "2", **audience)
    paused = await play.open(kinds.ANSWER_CLARIFICATION, case, "3", **audience)
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


async def test_who_applies_keeps_their_own_tasks_despite_their_own_conflict(
    play: CasePlay, known: Known
) -> None:
    await play.begin()
    holder = await known("rhf_adviser", organisation="HMN")
    case = await play.resubmit("a", 1, holder_id=holder.id)
    await play.open(kinds.CONFIRM_MOVE, case)
    await play.owner.execute(
        "insert into conflict (application_id, person_id, call_id) values ($1, $2, $3)", case, holder.id, CALL
    )
    question = await play.ask(play.adviser, case)
    for view in ("mine", "all"):
        assert [item["kind"] for item in await play.worklist(holder, view)] == [kinds.ANSWER_QUESTION]
    assert (await play.api.get(holder, f"/v1/cases/{case}")).status_code == 200
    await play.answer(holder, question)


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
            chance.choice((kinds.ANSWER_CLARIFICATION, kinds.CONFIRM_MOVE)),
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
