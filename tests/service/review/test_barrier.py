"""The round starts once: when the last live case has entered or ended, or at the straggler instant."""
# Longer than 300 lines because each way to be late for the one barrier is one short test.

import asyncio
from uuid import UUID

import pytest

from deploy.demo.calls import real_call
from services.intake import events as intake
from services.review.commands.tasks import CaseNotKnownYet
from tests.service.review.decision_play import consult, decide
from tests.service.review.panel_play import CALL, ROUND, SERVICE_ROUND, PanelPlay, case_id
from tests.support.tokens import Person


async def completions(panel: PanelPlay) -> list[list[str]]:
    """The stragglers of every RoundComplete, which there should be one of."""
    return [[str(each) for each in fact["straggler_ids"]] for fact in await panel.facts("round-complete")]


async def test_the_last_case_to_enter_completes_the_round(panel: PanelPlay) -> None:
    one, two = await panel.submit("one"), await panel.submit("two", category="service")
    await panel.enter(one)
    assert await completions(panel) == []
    await panel.close_call(one, two)
    assert await completions(panel) == []
    await panel.enter(two)
    assert await completions(panel) == [[]]
    await panel.enter(two)
    await panel.pass_straggler_instant()
    assert await completions(panel) == [[]]
    assert [each["panel"] for each in await panel.facts("round-entered")] == ["product", "service"]
    async with panel.database.read() as conn:
        key = await conn.fetchval(
            "select key from outbox where type = 'no.innoflyt.review.round-complete.v1'"
        )
    assert key == CALL


async def test_all_entered_before_the_call_closes(panel: PanelPlay) -> None:
    one = await panel.submit("one")
    await panel.enter(one)
    await panel.close_call(one)
    await panel.close_call(one)
    assert await completions(panel) == [[]]


async def test_the_last_case_to_end_completes_the_round(panel: PanelPlay) -> None:
    one, two = await panel.submit("one"), await panel.submit("two")
    await panel.enter(one)
    await panel.close_call(one, two)
    await panel.withdraw(two)
    assert await completions(panel) == [[]]


async def test_a_call_without_cases_is_complete_when_it_closes(panel: PanelPlay) -> None:
    await panel.close_call()
    assert await completions(panel) == [[]]


async def test_a_case_whose_own_fact_is_still_on_its_way_is_waited_for(panel: PanelPlay) -> None:
    one, late = await panel.submit("one"), case_id("late")
    await panel.enter(one)
    await panel.close_call(one, late)
    assert await completions(panel) == []
    with pytest.raises(CaseNotKnownYet):
        await panel.enter(late)
    await panel.submit("late")
    await panel.enter(late)
    assert await completions(panel) == [[]]


async def test_a_case_that_came_back_to_life_is_waited_for(panel: PanelPlay) -> None:
    one, two = await panel.submit("one"), await panel.submit("two")
    await panel.withdraw(two)
    await panel.undo_withdrawal(two)
    await panel.enter(one)
    await panel.close_call(one)
    assert await completions(panel) == []
    await panel.enter(two)
    assert await completions(panel) == [[]]


async def rule(panel: PanelPlay, policy: str = "go_on", **late_answers: str) -> None:
    """What the call says of stragglers, and of late answers by organisation (the others': go_on)."""
    definition = real_call().model_dump(mode="json")
    definition["times"]["straggler_policy"] = policy
    for each in definition["consultations"]:
        each["late_answer"] = late_answers.get(each["organisation"], "go_on")
    async with panel.database.transaction() as conn:
        await conn.execute("update call set definition = $1", definition)


async def test_at_the_straggler_instant_the_missing_go_on_flagged(panel: PanelPlay) -> None:
    await rule(panel)
    one, two = await panel.submit("one"), await panel.submit("two", touches=["HP", "TTO"])
    await panel.enter(one)
    await panel.close_call(one, two)
    async with panel.database.transaction() as conn:
        await conn.execute("insert into consultation values ($1, 'TTO', 'feasible', 'x', $1, now())", two)
    await panel.pass_straggler_instant()
    assert await completions(panel) == [[str(two)]]
    assert [each["flags"] for each in await panel.facts("round-entered")] == [
        [],
        ["formal_check", "prescreening", "consultation_HP"],
    ]
    await panel.enter(two)
    assert len(await panel.facts("round-entered")) == 2
    listed = await panel.api.get(panel.adviser, f"/v1/rounds/{ROUND}/cases")
    assert [(each["case_number"], each["late"], len(each["flags"])) for each in listed.json()["items"]] == [
        ("2023-one", False, 0),
        ("2023-two", False, 3),
    ]


async def test_only_what_is_missing_is_flagged(panel: PanelPlay) -> None:
    (one,) = [await panel.submit("one")]
    await panel.close_call(one)
    fact = intake.FormalCheckPassed(application_id=one, call_id=CALL, version=1, decided_by=None)
    await panel.deliver(fact, str(one))
    await panel.pass_straggler_instant()
    assert [each["flags"] for each in await panel.facts("round-entered")] == [["prescreening"]]


async def test_the_straggler_instant_may_come_before_the_call_is_known_closed(panel: PanelPlay) -> None:
    one, two = await panel.submit("one"), await panel.submit("two")
    await panel.enter(one)
    await panel.pass_straggler_instant()
    assert await completions(panel) == []
    await panel.close_call(one, two)
    assert await completions(panel) == [[str(two)]]


async def test_a_call_may_say_that_stragglers_are_waited_for(panel: PanelPlay) -> None:
    await rule(panel, "wait")
    one, two = await panel.submit("one"), await panel.submit("two")
    await panel.enter(one)
    await panel.close_call(one, two)
    await panel.pass_straggler_instant()
    assert await completions(panel) == []
    await panel.enter(two)
    assert await completions(panel) == [[]]


async def test_a_consultation_that_is_waited_for_holds_the_round_at_the_straggler_instant(
    panel: PanelPlay, adviser: Person, consultant: Person
) -> None:
    await rule(panel, HP="wait")
    one, two = await panel.submit("one", touches=["TTO"]), await panel.submit("two", touches=["HP"])
    for case in (one, two):
        assert (await decide(panel, adviser, case, "recommended")).status_code == 201
    await panel.close_call(one, two)
    await panel.pass_straggler_instant()
    assert await panel.facts("round-entered") == []
    assert (await consult(panel, consultant, two)).status_code == 201
    assert await completions(panel) == [sorted([str(one), str(two)])]
    flags = {each["application_id"]: each["flags"] for each in await panel.facts("round-entered")}
    assert flags == {str(one): ["formal_check", "consultation_TTO"], str(two): ["formal_check"]}


async def test_a_case_that_its_trust_never_screened_waits_for_nobody_that_could_not_be_asked(
    panel: PanelPlay,
) -> None:
    await rule(panel, HP="wait")
    case = await panel.submit("one", touches=["HP"])
    await panel.close_call(case)
    await panel.pass_straggler_instant()
    assert await completions(panel) == [[str(case)]]
    (entered,) = await panel.facts("round-entered")
    assert entered["flags"] == ["formal_check", "prescreening", "consultation_HP"]


async def test_a_consultation_that_may_come_late_holds_no_round_that_waits_for_the_rest(
    panel: PanelPlay, adviser: Person
) -> None:
    await rule(panel, "wait", TTO="wait")
    one, two = await panel.submit("one", touches=["HP"]), await panel.submit("two", touches=["HP"])
    passed = [
        intake.FormalCheckPassed(application_id=each, call_id=CALL, version=1, decided_by=None)
        for each in (one, two)
    ]
    await panel.deliver(passed[0], str(one))
    await decide(panel, adviser, two, "recommended")
    await panel.close_call(one, two)
    await panel.pass_straggler_instant()
    await decide(panel, adviser, one, "recommended")
    assert await completions(panel) == []
    await panel.deliver(passed[1], str(two))
    assert await completions(panel) == [sorted([str(one), str(two)])]
    assert [each["flags"] for each in await panel.facts("round-entered")] == [["consultation_HP"]] * 2


async def test_cases_entering_side_by_side_complete_the_round_once(panel: PanelPlay) -> None:
    cases = [await panel.submit(f"n{n}", category="service" if n % 2 else "product") for n in range(12)]
    await panel.close_call(*cases)
    await asyncio.gather(*(panel.enter(each) for each in cases), *(panel.enter(each) for each in cases))
    assert await completions(panel) == [[]]
    assert len(await panel.facts("round-entered")) == 12
    for round_id in (ROUND, SERVICE_ROUND):
        listed = await panel.api.get(panel.adviser, f"/v1/rounds/{round_id}/cases")
        assert listed.json()["count"] == 6


async def test_a_straggler_that_enters_while_members_declare_is_declared_on_too(
    panel: PanelPlay, members: list[Person]
) -> None:
    one, two = await straggling(panel, members)
    await panel.declare(members[0], [one])
    assert await panel.open_tasks("declare_conflicts") == sorted(
        (f"{ROUND}/{each.id}", "1") for each in members[1:]
    )
    await arrive_late(panel)
    assert (f"{ROUND}/{members[0].id}", "2") in await panel.open_tasks("declare_conflicts")
    for member in members[1:]:
        await panel.declare(member, [one, two])
    assert await panel.facts("conflicts-settled") == []
    await panel.declare(members[0], [two])
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [True]


async def test_a_case_that_enters_after_the_conflicts_are_settled_needs_a_round_of_its_own(
    panel: PanelPlay, members: list[Person]
) -> None:
    one, two = await straggling(panel, members)
    for member in members:
        await panel.declare(member, [one])
    await panel.order("assign")
    await arrive_late(panel)
    assert await panel.facts("case-unassessed") == [{"application_id": str(two), "call_id": CALL}]
    assert await panel.open_tasks("handle_late_fact") == []
    listed = await panel.api.get(panel.adviser, f"/v1/rounds/{ROUND}/cases")
    assert {each["case_number"]: each["late"] for each in listed.json()["items"]} == {
        "2023-one": False,
        "2023-two": True,
    }
    theirs = (await panel.api.get(members[0], f"/v1/rounds/{ROUND}/cases")).json()
    assert [each["case_number"] for each in theirs["items"]] == ["2023-one"]
    await panel.score_all(members, [one])
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting")
    await panel.order("open_signing")
    await panel.act(members[0], "recommendation")
    (signed,) = await panel.facts("recommendation-signed")
    assert signed["application_ids"] == [str(one)]


async def straggling(panel: PanelPlay, members: list[Person]) -> tuple[UUID, UUID]:
    """Members are asked to declare on the first case; the second is a straggler still unknown to review."""
    await panel.name_members(members[:3], members[3:])
    one, two = await panel.submit("one"), case_id("two")
    await panel.enter(one)
    await panel.close_call(one, two)
    await panel.pass_straggler_instant()
    await panel.order("open_conflicts")
    return one, two


async def arrive_late(panel: PanelPlay) -> None:
    await panel.enter(await panel.submit("two"))


async def test_a_case_that_ended_does_not_enter(panel: PanelPlay) -> None:
    one = await panel.submit("one")
    await panel.withdraw(one)
    await panel.enter(one)
    assert await panel.facts("round-entered") == []


async def test_a_withdrawal_while_scoring_takes_the_case_out(panel: PanelPlay, members: list[Person]) -> None:
    one, two = await panel.to_scoring(members, "one", "two")
    await panel.withdraw(two)
    await panel.score_all(members, [one])
    assert await panel.state() == "scored"
    await panel.order("open_meeting")
    held = await panel.act(members[0], "meeting")
    assert [each["case_number"] for each in held.json()["items"]] == ["2023-one"]


async def test_an_undone_withdrawal_while_scoring_puts_the_case_back(
    panel: PanelPlay, members: list[Person]
) -> None:
    one, two = await panel.to_scoring(members, "one", "two")
    await panel.withdraw(two)
    await panel.score_all(members, [one])
    assert await panel.state() == "scored"
    await panel.undo_withdrawal(two)
    assert await panel.state() == "assessing"
    assert await panel.open_tasks("judge_applications") == sorted(
        (f"{ROUND}/{each.id}", "2") for each in members
    )
    await panel.score_all(members, [one, two])
    assert await panel.state() == "scored"


async def test_a_withdrawal_after_the_meeting_makes_the_panel_rank_again(
    panel: PanelPlay, members: list[Person]
) -> None:
    one, two = await panel.to_scoring(members, "one", "two")
    await panel.score_all(members, [one, two])
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting")
    await panel.order("open_signing")
    await panel.withdraw(one)
    assert await panel.state() == "scored"
    assert await panel.open_tasks("sign_recommendation") == []
    assert await panel.open_tasks("hold_meeting") == [(ROUND, "2")]
    await panel.act(members[0], "meeting")
    assert await panel.open_tasks("sign_recommendation") == [(ROUND, "2")]
    await panel.act(members[0], "recommendation")
    (signed,) = await panel.facts("recommendation-signed")
    assert signed["application_ids"] == [str(two)]


async def test_the_last_withdrawal_lets_an_empty_round_pass(panel: PanelPlay, members: list[Person]) -> None:
    (one,) = await panel.to_scoring(members, "one")
    await panel.order("open_meeting")
    await panel.withdraw(one)
    assert await panel.open_tasks("judge_applications") == []
    assert len(await panel.facts("scores-complete")) == len(await panel.facts("meeting-held")) == 1
    await panel.order("open_signing")
    (signed,) = await panel.facts("recommendation-signed")
    assert signed["application_ids"] == []
