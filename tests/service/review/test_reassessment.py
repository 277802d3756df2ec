"""A case assessed again: by others, with a chair of their own, for money that is freed or comes next."""

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from tests.service.review.panel_play import CALL, PRODUCT, ROUND, PanelPlay, as_members, scores
from tests.service.review.task_play import FACTS
from tests.support.tokens import Person
from workflows.contracts.ids import reassessment_round_id


async def reassessed(panel: PanelPlay, members: list[Person]) -> tuple[UUID, str]:
    """A case whose panel has signed, and the round in which it is to be assessed again."""
    cases = await panel.to_scoring(members, "a", "b")
    await panel.score_all(members, cases, 4)
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting")
    await panel.order("open_signing")
    await panel.act(members[0], "recommendation")
    round_id = reassessment_round_id(cases[1], 1)
    await panel.order("open_reassessment", round_id, application_id=cases[1])
    return cases[1], round_id


async def by_others(
    panel: PanelPlay, case: UUID, round_id: str, others: Sequence[Person], value: int
) -> None:
    """Everything up to the signature."""
    named = await panel.api.put(
        panel.adviser, f"/v1/rounds/{round_id}/standins", as_members(others[:3], others[3:])
    )
    assert named.status_code == 200, named.text
    await panel.order("open_conflicts", round_id, application_id=case)
    for other in others:
        assert (await panel.declare(other, [case], round_id=round_id)).status_code == 201
    await panel.order("assign", round_id, application_id=case)
    for other in others:
        await panel.score(other, case, scores(PRODUCT, value), round_id)
        assert (await panel.lock(other, round_id)).status_code == 201
    await panel.order("open_meeting", round_id, application_id=case)
    assert (await panel.act(others[0], "meeting", round_id=round_id)).status_code == 201
    await panel.order("open_signing", round_id, application_id=case)
    assert (await panel.act(others[0], "recommendation", round_id=round_id)).status_code == 201


@pytest.mark.parametrize(("value", "outcome"), [(5, "reserve"), (4, "declined_threshold")])
async def test_others_assess_it_and_sign(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person], value: int, outcome: str
) -> None:
    case, round_id = await reassessed(panel, members)
    assert await panel.open_tasks("name_standins") == [(round_id, "1")]
    await by_others(panel, case, round_id, [person() for _ in range(4)], value)
    again = (await panel.facts("case-recommended"))[-1]
    assert (again["application_id"], again["round_id"], again["outcome"]) == (str(case), round_id, outcome)
    signed = (await panel.facts("recommendation-signed"))[-1]
    assert signed["application_id"] == str(case)
    assert signed["application_ids"] == [str(case)]
    async with panel.database.read() as conn:
        keys = await conn.fetch(
            "select distinct key from outbox where payload::jsonb ->> 'round_id' = $1", round_id
        )
        opened = await conn.fetch(
            "select distinct key from outbox where payload::jsonb ->> 'subject' like $1", f"{round_id}%"
        )
    assert [each["key"] for each in keys] == [each["key"] for each in opened] == [str(case)]


async def test_opened_once(panel: PanelPlay, members: list[Person]) -> None:
    case, round_id = await reassessed(panel, members)
    await panel.order("open_reassessment", round_id, application_id=case)
    assert await panel.open_tasks("name_standins") == [(round_id, "1")]


async def test_nobody_who_took_part_assesses_it_again(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    _, round_id = await reassessed(panel, members)
    path = f"/v1/rounds/{round_id}/standins"
    new = [person() for _ in range(4)]
    refused = await panel.api.put(panel.adviser, path, as_members([*new[:2], members[1]], new[3:]))
    assert refused.status_code == 422
    assert [each["value"] for each in refused.json()["errors"]] == [str(members[1].id)]
    without_chair = as_members([], new)
    assert (await panel.api.put(panel.adviser, path, without_chair)).status_code == 422
    assert await panel.facts("stand-ins-named") == []


async def left_behind(panel: PanelPlay, members: list[Person], undo: str) -> UUID:
    """A case that ended while its panel scored it, and came back when the panel had signed for the others."""
    here, gone = await panel.to_scoring(members, "a", "b")
    await panel.score(members[1], gone, scores(PRODUCT, 7))
    await panel.deliver(FACTS["reject" if undo == "undo_rejection" else "withdraw"](gone), str(gone))
    await panel.score_all(members, [here])
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting")
    await panel.order("open_signing")
    await panel.act(members[0], "recommendation")
    assert await panel.facts("case-unassessed") == []
    await panel.deliver(FACTS[undo](gone), str(gone))
    return gone


@pytest.mark.parametrize("undo", ["undo_withdrawal", "undo_rejection"])
async def test_a_case_that_was_away_when_its_panel_signed_is_assessed_by_the_same_members(
    panel: PanelPlay, members: list[Person], undo: str
) -> None:
    case = await left_behind(panel, members, undo)
    assert await panel.facts("case-unassessed") == [{"application_id": str(case), "call_id": CALL}]
    assert await panel.state(ROUND) == "signed"
    round_id = reassessment_round_id(case, 0)
    await panel.order("open_reassessment", round_id, application_id=case)
    await by_others(panel, case, round_id, members, 6)
    recommended = (await panel.facts("case-recommended"))[-1]
    assert (recommended["application_id"], recommended["round_id"]) == (str(case), round_id)
    assert recommended["outcome"] == "reserve"
    await panel.withdraw(case)
    await panel.undo_withdrawal(case)
    assert len(await panel.facts("case-unassessed")) == 1, "it is assessed now"


async def test_nobody_who_assessed_it_alone_assesses_it_again(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    case = await left_behind(panel, members, "undo_withdrawal")
    first, again = reassessment_round_id(case, 0), reassessment_round_id(case, 1)
    await panel.order("open_reassessment", first, application_id=case)
    await by_others(panel, case, first, others := [person() for _ in range(4)], 4)
    await panel.order("open_reassessment", again, application_id=case)
    path = f"/v1/rounds/{again}/standins"
    refused = await panel.api.put(panel.adviser, path, as_members(others[:3], others[3:]))
    assert len(refused.json()["errors"]) == 4
    named = await panel.api.put(panel.adviser, path, as_members(members[:3], members[3:]))
    assert named.status_code == 200, named.text


async def test_the_round_of_a_case_that_has_ended_rests_until_the_undo(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    case, round_id = await reassessed(panel, members)
    others = [person() for _ in range(4)]
    await panel.api.put(panel.adviser, f"/v1/rounds/{round_id}/standins", as_members(others[:3], others[3:]))
    await panel.order("open_conflicts", round_id, application_id=case)
    for other in others:
        await panel.declare(other, [case], round_id=round_id)
    await panel.order("assign", round_id, application_id=case)
    for other in others:
        await panel.score(other, case, scores(PRODUCT, 6), round_id)
    await panel.lock(others[0], round_id)
    waiting = await panel.open_tasks("judge_applications")
    assert len(waiting) == 3
    await panel.withdraw(case)
    assert await panel.state(round_id) == "assessing"
    assert (await panel.lock(others[1], round_id)).status_code == 409
    down = {"person_id": str(others[1].id), "reason": "Ill."}
    path = f"/v1/rounds/{round_id}/stand-down"
    assert (await panel.api.post(panel.adviser, path, down)).status_code == 409
    await panel.undo_withdrawal(case)
    assert await panel.open_tasks("judge_applications") == waiting
    for other in others[1:]:
        assert (await panel.lock(other, round_id)).status_code == 201
    await panel.order("open_meeting", round_id, application_id=case)
    await panel.withdraw(case)
    assert (await panel.act(others[0], "meeting", round_id=round_id)).status_code == 409
    await panel.undo_withdrawal(case)
    assert await panel.open_tasks("hold_meeting") == [(round_id, "1")]
    assert (await panel.act(others[0], "meeting", round_id=round_id)).status_code == 201


async def test_who_has_a_conflict_sees_nothing_of_the_round(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    case, round_id = await reassessed(panel, members)
    others = [person() for _ in range(5)]
    await panel.api.put(panel.adviser, f"/v1/rounds/{round_id}/standins", as_members(others[:4], others[4:]))
    for other in others:
        await panel.declare(other, [case], [case] if other is others[1] else [], round_id)
    await panel.order("assign", round_id, application_id=case)
    conflicted = others[1]
    for path in ("cases", "assessments", "ranking"):
        mine = await panel.api.get(conflicted, f"/v1/rounds/{round_id}/{path}")
        unknown = await panel.api.get(conflicted, f"/v1/rounds/unknown/{path}")
        assert mine.status_code == 404
        assert mine.content == unknown.content
    assert (await panel.score(conflicted, case, scores(PRODUCT, 8), round_id)).status_code == 404
    assert (await panel.lock(conflicted, round_id)).status_code == 404


async def test_the_first_recommendation_stands(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    case, round_id = await reassessed(panel, members)
    before = (await panel.api.get(members[0], f"/v1/rounds/{ROUND}/ranking")).json()
    await by_others(panel, case, round_id, [person() for _ in range(4)], 7)
    assert (await panel.api.get(members[0], f"/v1/rounds/{ROUND}/ranking")).json() == before
