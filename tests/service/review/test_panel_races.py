"""Members act at the same moment: every step of the round happens once."""

import asyncio
from collections.abc import Callable

import pytest

from tests.service.review.decision_play import consult
from tests.service.review.panel_play import CALL, PRODUCT, ROUND, PanelPlay, as_members, scores
from tests.support.tokens import Person


async def test_all_declare_and_lock_at_once(panel: PanelPlay, person: Callable[..., Person]) -> None:
    members = [person() for _ in range(9)]
    cases = await panel.begin_round(members, *"abcde")
    declared = await asyncio.gather(*(panel.declare(each, cases) for each in members))
    assert {each.status_code for each in declared} == {201}
    assert len(await panel.facts("conflicts-settled")) == 1
    await asyncio.gather(*(panel.order("assign") for _ in range(3)))
    assert len(await panel.facts("access-granted")) == len(members) * len(cases)
    saved = await asyncio.gather(
        *(panel.score(each, case, scores(PRODUCT, 6)) for each in members for case in cases)
    )
    assert {each.status_code for each in saved} == {200}
    locked = await asyncio.gather(*(panel.lock(each) for each in members * 2))
    assert sorted(each.status_code for each in locked) == [201] * 9 + [409] * 9
    assert len(await panel.facts("scores-complete")) == 1


async def test_one_meeting_and_one_signature(panel: PanelPlay, members: list[Person]) -> None:
    cases = await panel.to_scoring(members, "a", "b")
    await panel.score_all(members, cases)
    await asyncio.gather(*(panel.order("open_meeting") for _ in range(3)))
    assert await panel.open_tasks("hold_meeting") == [(ROUND, "1")]
    held = await asyncio.gather(*(panel.act(members[0], "meeting") for _ in range(5)))
    assert sorted(each.status_code for each in held) == [201, 409, 409, 409, 409]
    await asyncio.gather(*(panel.order("open_signing") for _ in range(3)))
    signed = await asyncio.gather(*(panel.act(members[0], "recommendation") for _ in range(5)))
    assert sorted(each.status_code for each in signed)[0] == 201
    assert [each.status_code for each in signed].count(201) == 1
    assert len(await panel.facts("case-recommended")) == 2
    assert len(await panel.facts("recommendation-signed")) == 1


async def test_a_conflict_against_the_signature_is_either_before_or_after(
    panel: PanelPlay, members: list[Person]
) -> None:
    cases = await panel.to_scoring(members, "a", "b")
    await panel.score_all(members, cases)
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting")
    await panel.order("open_signing")
    signed, declared = await asyncio.gather(
        panel.act(members[0], "recommendation"), panel.declare(members[1], [cases[0]], [cases[0]])
    )
    assert declared.status_code == 201
    assert signed.status_code in (201, 409)
    assert await panel.state() == ("signed" if signed.status_code == 201 else "scored")
    async with panel.database.read() as conn:
        votes = await conn.fetchval("select count(*) from assessment where application_id = $1", cases[0])
    assert votes == (4 if signed.status_code == 201 else 3)


@pytest.mark.parametrize("signature_first", [True, False])
async def test_a_case_that_comes_back_against_the_signature_is_assessed_there_or_by_itself(
    panel: PanelPlay, members: list[Person], signature_first: bool
) -> None:
    here, gone = await panel.to_scoring(members, "a", "b")
    await panel.withdraw(gone)
    await panel.score_all(members, [here])
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting")
    await panel.order("open_signing")
    race = [panel.act(members[0], "recommendation"), panel.undo_withdrawal(gone)]
    await asyncio.gather(*(race if signature_first else reversed(race)))
    signed = await panel.state() == "signed"
    assert len(await panel.facts("case-recommended")) == len(await panel.facts("case-unassessed")) == signed


@pytest.mark.parametrize("signature_first", [True, False])
async def test_a_condition_against_the_signature_is_in_it_or_put_before_an_adviser(
    panel: PanelPlay, members: list[Person], consultant: Person, signature_first: bool
) -> None:
    (case,) = await panel.to_scoring(members, "a")
    async with panel.database.transaction() as conn:
        await conn.execute("update cases set touches = '{HP}'")
    await panel.score_all(members, [case])
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting")
    await panel.order("open_signing")
    race = [panel.act(members[0], "recommendation"), consult(panel, consultant, case, "adjust")]
    answers = await asyncio.gather(*(race if signature_first else reversed(race)))
    assert [each.status_code for each in answers] == [201, 201]
    (recommended,) = await panel.facts("case-recommended")
    late = await panel.open_tasks("handle_late_fact")
    assert recommended["conditions"] == ([] if late else ["adjusted_plan_HP"])


async def test_members_are_named_while_the_round_opens(panel: PanelPlay, members: list[Person]) -> None:
    await panel.name_members(members[:3], members[3:])
    case = await panel.submit("a")
    path = f"/v1/calls/{CALL}/panels/product/members"
    await panel.enter(case)
    renamed, _ = await asyncio.gather(
        panel.api.put(panel.adviser, path, as_members([members[1], members[0], members[2]], members[3:])),
        panel.order("open_conflicts"),
    )
    async with panel.database.read() as conn:
        chair = await conn.fetchval("select person_id from round_member where chair")
    assert chair == (members[1].id if renamed.status_code == 200 else members[0].id)
