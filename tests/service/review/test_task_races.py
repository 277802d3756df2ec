"""Whichever comes first of two steps on one task, nobody waits or is reminded in vain."""

import asyncio
from collections.abc import Callable

from tests.service.review.case_play import FAR, CasePlay
from tests.service.review.task_play import DAY, FACTS, HOUR, consult, plan_judged, short_call
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds


async def test_a_step_racing_a_close_is_either_before_it_or_silent(play: CasePlay) -> None:
    for name in "bcdef":
        case = await short_call(play) if name == "b" else await play.submit(name, touches=["HP"])
        task_id = await play.open(kinds.CONFIRM_PLAN, case, "HP:1", role="consultant", due_at=FAR)
        await play.pass_time(task_id, FAR - (await play.row(task_id))["opened_at"] + 9 * DAY)
        await asyncio.gather(play.step(task_id, 3), play.deliver(plan_judged(case), str(case)))
    async with play.database.read() as conn:
        late = await conn.fetch(
            "select 1 from ladder_step s join task t on t.id = s.task_id where s.taken_at > t.closed_at"
        )
        order = await conn.fetch(
            "select key, array_agg(type order by seq) as types from outbox where type ~ 'task-' group by key"
        )
    assert late == []
    for row in order:
        assert row["types"][-1].endswith("task-closed.v1")


async def test_whichever_comes_first_of_opening_and_closing_nobody_waits_in_the_end(play: CasePlay) -> None:
    cases = [await short_call(play), *[await play.submit(name) for name in "bcdef"]]
    for case in cases:
        await asyncio.gather(
            play.open(kinds.CONFIRM_PLAN, case, "HP:1", role="consultant", due_at=FAR),
            play.deliver(plan_judged(case), str(case)),
        )
    assert await play.worklist(play.adviser, "all") == []
    opened, closed = await play.facts("task-opened"), await play.facts("task-closed")
    assert [fact["task_id"] for fact in opened] == [fact["task_id"] for fact in closed]


async def test_whichever_comes_first_of_pausing_and_reminding_no_step_falls_into_the_pause(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    await short_call(play)
    consultant = person("consultant", organisation="HP")
    for name in "bcdef":
        case = await play.submit(name, touches=["HP"])
        task_id = await consult(play, case)
        await play.pass_time(task_id, 10 * HOUR)
        await asyncio.gather(play.step(task_id, 1), play.ask(consultant, case, task_id))
        assert (await play.row(task_id))["state"] == "paused"
    async with play.database.read() as conn:
        during = await conn.fetchval(
            "select count(*) from ladder_step s join pause p using (task_id) where s.taken_at > p.paused_at"
        )
    assert during == 0


async def test_whichever_comes_first_of_a_decision_and_the_end_the_case_ends_once(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    await short_call(play)
    adviser = person("hf_adviser", organisation="STOLAV")
    body = {"version": 1, "outcome": "not_recommended", "reason": "No."}
    for name in "bcdef":
        case = await play.submit(name)
        await play.open(kinds.PRESCREEN, case, role="hf_adviser")
        answer, _none = await asyncio.gather(
            play.api.post(adviser, f"/v1/cases/{case}/prescreening", body),
            play.deliver(FACTS["withdraw"](case), str(case)),
        )
        assert answer.status_code in (201, 409)
        ended_as = (await play.case(case))["ended_as"]
        assert ended_as == ("not_recommended" if answer.status_code == 201 else "withdrawn")
    assert await play.worklist(play.adviser, "all") == []
