"""A whole panel round over HTTP and real Postgres: conflicts, scores, meeting, signature."""
# Longer than 300 lines because it follows one round from barrier to signature.

from collections.abc import Callable
from dataclasses import replace

from pydantic import JsonValue
from temporalio import activity

from services.intake import events as intake
from services.review.activities.rounds import build
from services.review.commands.meetings import assessed_cases
from services.review.domain.ranking import place
from services.review.store import assessments, rounds
from tests.service.review.decision_play import ask_clarification, consult
from tests.service.review.panel_play import (
    CALL,
    PRODUCT,
    ROUND,
    SERVICE,
    SERVICE_ROUND,
    PanelPlay,
    as_members,
    scores,
)
from tests.support.tokens import Person


async def test_the_whole_round(panel: PanelPlay, members: list[Person]) -> None:
    chair = members[0]
    good, poor = await panel.begin_round(members, "good", "poor")
    assert await panel.facts("round-complete") == [{"call_id": CALL, "straggler_ids": []}]
    assert len(await panel.open_tasks("declare_conflicts")) == 4
    for member in members:
        listed = (await panel.api.get(member, f"/v1/rounds/{ROUND}/cases")).json()
        assert [each["title"] for each in listed["items"]] == ["Title of good", "Title of poor"]
        assert [each["amount"] for each in listed["items"]] == [None, None]
        assert (await panel.declare(member, [good, poor])).status_code == 201
    assert await panel.open_tasks("declare_conflicts") == []
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [True]
    assert len(await panel.facts("conflicts-declared")) == 4

    await panel.order("assign")
    assert len(await panel.facts("access-granted")) == 8
    assert {each["application_id"] for each in await panel.facts("pitch-invited")} == {str(good), str(poor)}
    assert len(await panel.open_tasks("judge_applications")) == 4
    for member in members:
        assert (await panel.score(member, good, scores(PRODUCT, 6))).status_code == 200
        refused = await panel.lock(member)
        assert refused.status_code == 409
        assert refused.json()["application_ids"] == [str(poor)]
        assert (await panel.score(member, poor, scores(PRODUCT, 6, 6, 6, 4))).status_code == 200
        assert (await panel.lock(member)).status_code == 201
    assert len(await panel.facts("scores-locked")) == 4
    assert len(await panel.facts("scores-complete")) == 1
    assert await panel.open_tasks("hold_meeting") == []

    await panel.order("open_meeting")
    assert await panel.open_tasks("hold_meeting") == [(ROUND, "1")]
    assert (await panel.act(members[1], "meeting")).status_code == 404
    response = await panel.act(chair, "meeting", {"comments": {str(good): "Klart nyttig."}})
    assert response.status_code == 201, response.text
    ranking = response.json()
    assert ranking["final"]
    assert [(each["case_number"], each["rank"], each["outcome"]) for each in ranking["items"]] == [
        ("2023-good", 1, "awarded"),
        ("2023-poor", None, "declined_threshold"),
    ]
    assert ranking["items"][1]["below_threshold"] == ["collaboration"]
    assert ranking["items"][1]["exact_averages"]["collaboration"] == "4"
    assert "Samarbeid 4.00" in ranking["items"][1]["why"]["nb"]
    assert ranking["items"][0]["comment"] == "Klart nyttig."
    assert len(await panel.facts("meeting-held")) == 1

    await panel.order("open_signing")
    assert await panel.open_tasks("sign_recommendation") == [(ROUND, "1")]
    assert (await panel.act(chair, "recommendation")).status_code == 201
    assert await panel.state() == "signed"
    recommended = {each["application_id"]: each for each in await panel.facts("case-recommended")}
    assert recommended[str(good)]["outcome"] == "awarded"
    assert recommended[str(good)]["averages"] == {code: 6.0 for code in PRODUCT}
    assert recommended[str(poor)]["outcome"] == "declined_threshold"
    (signed,) = await panel.facts("recommendation-signed")
    assert set(signed["application_ids"]) == set(recommended)
    assert signed["signed_by"] == str(chair.id)
    again = await panel.act(chair, "recommendation")
    assert again.status_code in (404, 409)


async def test_leads_are_spread_over_the_ordinary_members(panel: PanelPlay, members: list[Person]) -> None:
    await panel.to_scoring(members, "a", "b", "c", "d", "e", "f")
    listed = (await panel.api.get(panel.adviser, f"/v1/rounds/{ROUND}/cases")).json()
    leads = [each["lead"] for each in listed["items"]]
    assert {lead: leads.count(lead) for lead in leads} == {str(each.id): 2 for each in members[:3]}


async def test_nobody_sees_others_scores_before_locking_their_own(
    panel: PanelPlay, members: list[Person]
) -> None:
    (case,) = await panel.to_scoring(members, "a")
    early, late = members[:3], members[3]
    for member in early:
        await panel.score(member, case, scores(PRODUCT, 7))
        assert (await panel.lock(member)).status_code == 201
    ranking = await panel.api.get(late, f"/v1/rounds/{ROUND}/ranking")
    assert ranking.status_code == 409
    assert ranking.json()["type"].endswith("/own-scores-first")
    ranking = await panel.api.get(early[0], f"/v1/rounds/{ROUND}/ranking")
    assert ranking.json()["type"].endswith("/scores-not-complete")
    mine = (await panel.api.get(late, f"/v1/rounds/{ROUND}/assessments")).json()
    assert [each["scores"] for each in mine["items"]] == [None]
    changed = await panel.score(early[0], case, scores(PRODUCT, 1))
    assert changed.status_code == 409
    assert changed.json()["type"].endswith("/scores-final")
    await panel.score(late, case, scores(PRODUCT, 7))
    assert (await panel.lock(late)).status_code == 201
    ranking = await panel.api.get(late, f"/v1/rounds/{ROUND}/ranking")
    assert ranking.status_code == 200
    assert not ranking.json()["final"]


async def test_scores_fit_the_scale_and_the_criteria(panel: PanelPlay, members: list[Person]) -> None:
    (case,) = await panel.to_scoring(members, "a")
    sound = scores(PRODUCT, 5)
    for given, field in (
        (sound | {"innovation": 9}, "scores.innovation"),
        (sound | {"innovation": 0}, "scores.innovation"),
        ({"innovation": 5, "benefit": 5, "feasibility": 5}, "scores.collaboration"),
        (sound | {"user_involvement": 5}, "scores.user_involvement"),
    ):
        refused = await panel.score(members[0], case, given)
        assert refused.status_code == 422
        assert [each["field"] for each in refused.json()["errors"]] == [field]
    for value in (5.5, "5", True, None):
        assert (await panel.score(members[0], case, {**sound, "innovation": value})).status_code == 422
    async with panel.database.read() as conn:
        assert await conn.fetchval("select count(*) from assessment") == 0


async def test_ties_wait_for_the_chairs_recorded_order(panel: PanelPlay, members: list[Person]) -> None:
    chair = members[0]
    one, two = await panel.to_scoring(members, "one", "two")
    for member in members:
        for case in (one, two):
            await panel.score(member, case, scores(PRODUCT, 6))
        await panel.lock(member)
    await panel.order("open_meeting")
    provisional = (await panel.api.get(chair, f"/v1/rounds/{ROUND}/ranking")).json()
    assert [sorted(group) for group in provisional["ties"]] == [sorted([str(one), str(two)])]
    refused = await panel.act(chair, "meeting")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("/tie-unbroken")
    assert await panel.state() == "scored"
    held = await panel.act(chair, "meeting", {"tie_breaks": [str(two), str(one)]})
    assert [each["case_number"] for each in held.json()["items"]] == ["2023-two", "2023-one"]
    assert {each["tie_decided_by"] for each in held.json()["items"]} == {"chair"}
    assert held.json()["tie_breaks"] == [str(two), str(one)]


async def test_a_panel_that_could_never_have_quorum_is_refused(
    panel: PanelPlay, members: list[Person]
) -> None:
    path = f"/v1/calls/{CALL}/panels/product/members"
    bodies: tuple[dict[str, JsonValue], ...] = (
        as_members(members[:2], []),
        as_members(members[:3], []),
        as_members([], members),
        as_members([members[0], members[1], members[0]], members[3:]),
        {"members": []},
    )
    for body in bodies:
        refused = await panel.api.put(panel.adviser, path, body)
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["remedy"]
    assert (await panel.api.put(members[0], path, as_members(members[:3], members[3:]))).status_code == 403
    unknown = await panel.api.put(panel.adviser, f"/v1/calls/{CALL}/panels/none/members", {"members": []})
    assert unknown.status_code == 404


async def test_who_has_never_signed_in_is_named_once_they_have(
    panel: PanelPlay, members: list[Person]
) -> None:
    """Their tasks would wait for an id that nobody signs in with."""
    invited = intake.ContactChanged(
        person_id=members[1].id,
        kind="person",
        name="Somebody",
        email="somebody@example.test",
        language="nb",
        organisation=None,
        roles=["member"],
        signed_in=False,
    )
    await panel.deliver(invited, str(invited.person_id))
    path = f"/v1/calls/{CALL}/panels/product/members"
    refused = await panel.api.put(panel.adviser, path, as_members(members[:3], members[3:]))
    assert refused.status_code == 422, refused.text
    [error] = refused.json()["errors"]
    assert error["value"] == str(members[1].id)
    assert "signed in" in error["remedy"]
    await panel.deliver(replace(invited, signed_in=True), str(invited.person_id))
    named = await panel.api.put(panel.adviser, path, as_members(members[:3], members[3:]))
    assert named.status_code == 200, named.text


async def test_members_stay_once_the_round_has_started(panel: PanelPlay, members: list[Person]) -> None:
    await panel.begin_round(members, "a")
    refused = await panel.api.put(
        panel.adviser, f"/v1/calls/{CALL}/panels/product/members", as_members(members[:3], members[3:])
    )
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("/round-started")


async def test_a_panel_without_cases_passes_through(panel: PanelPlay, members: list[Person]) -> None:
    for order in ("open_conflicts", "assign", "open_meeting", "open_signing"):
        await panel.order(order)
    assert await panel.state() == "signed"
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [True]
    assert len(await panel.facts("scores-complete")) == len(await panel.facts("meeting-held")) == 1
    (signed,) = await panel.facts("recommendation-signed")
    assert signed["signed_by"] is None
    assert signed["application_ids"] == []


async def test_an_adjusted_plan_becomes_a_condition(panel: PanelPlay, members: list[Person]) -> None:
    consulted, clarified, outweighed = await panel.to_scoring(members, "consulted", "clarified", "outweighed")
    async with panel.database.transaction() as conn:
        for case, organisation, outcome in (
            (consulted, "HP", "adjust"),
            (consulted, "HEMIT", "feasible"),
            (outweighed, "HP", "covered"),
        ):
            await conn.execute(
                "insert into consultation values ($1, $2, $3, 'Because.', $1, now())",
                case,
                organisation,
                outcome,
            )
        for n, (case, outcome) in enumerate(((clarified, "adjust"), (outweighed, "adjust"))):
            await conn.execute(
                """
                insert into clarification (id, application_id, n, organisation, asked_at, outcome, reason,
                                           answered_by, answered_at)
                values ($1, $2, $3, 'HP', now(), $4, 'Because.', $1, now())
                """,
                case,
                case,
                n + 1,
                outcome,
            )
    await panel.score_all(members, [consulted, clarified, outweighed])
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting", {"tie_breaks": [str(clarified), str(outweighed)]})
    await panel.order("open_signing")
    await panel.act(members[0], "recommendation")
    conditions = {
        each["application_id"]: each["conditions"] for each in await panel.facts("case-recommended")
    }
    assert conditions == {
        str(consulted): ["adjusted_plan_HP"],
        str(clarified): ["adjusted_plan_HP"],
        str(outweighed): [],
    }


async def test_a_condition_that_comes_after_the_signature_is_put_before_an_adviser(
    panel: PanelPlay, members: list[Person], consultant: Person
) -> None:
    early, fine, consulted, clarified = cases = await panel.to_scoring(members, "a", "b", "c", "d")
    async with panel.database.transaction() as conn:
        await conn.execute("update cases set touches = '{HP}'")
    _, clarification = await ask_clarification(panel, "d")
    assert (await consult(panel, consultant, early, "adjust")).status_code == 201
    await panel.score_all(members, cases)
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting", {"tie_breaks": [str(each) for each in cases[1:]]})
    await panel.order("open_signing")
    await panel.act(members[0], "recommendation")
    assert (await consult(panel, consultant, fine, "feasible")).status_code == 201
    assert (await consult(panel, consultant, consulted, "adjust")).status_code == 201
    path, adjust = f"/v1/clarifications/{clarification}/answer", {"outcome": "adjust", "reason": "Because."}
    assert (await panel.api.post(consultant, path, adjust)).status_code == 201
    assert (await consult(panel, consultant, clarified, "adjust")).status_code == 201
    late = sorted([str(consulted), str(clarified)])
    assert await panel.open_tasks("handle_late_fact") == [(each, "adjusted_plan:HP") for each in late]


async def test_the_stored_ranking_can_be_computed_again(panel: PanelPlay, members: list[Person]) -> None:
    cases = await panel.to_scoring(members, "a", "b", "c")
    await panel.score_all(members, cases)
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting", {"tie_breaks": [str(cases[2]), str(cases[1])]})
    async with panel.database.read() as conn:
        round_ = await rounds.get(conn, ROUND)
        assert round_ is not None
        assessed, rules = await assessed_cases(conn, round_, await rounds.standing(conn, round_))
        stored = [placed for placed, _ in await assessments.placings(conn, ROUND)]
    assert place(assessed, rules, round_.tie_breaks) == stored


async def test_refused_attempts_are_noted(panel: PanelPlay, members: list[Person]) -> None:
    (case,) = await panel.begin_round(members, "case")
    assert (await panel.score(members[0], case, scores(PRODUCT, 5))).status_code == 404
    assert (await panel.act(members[1], "meeting")).status_code == 404
    async with panel.database.read() as conn:
        noted = await conn.fetch("select actor_id, action, key, outcome from access_log order by action")
    assert [tuple(each) for each in noted] == [
        (str(members[0].id), "assess", str(case), "denied"),
        (str(members[1].id), "hold_meeting", ROUND, "denied"),
    ]


async def test_every_order_of_the_workflows_has_its_activity(panel: PanelPlay) -> None:
    names = {activity._Definition.must_from_callable(each).name for each in build(panel)}  # type: ignore[arg-type]
    assert names == {
        f"review.{name}"
        for name in (
            "enter_round",
            "pass_straggler_instant",
            "open_conflicts",
            "open_reassessment",
            "ask_standins",
            "assign",
            "open_meeting",
            "open_signing",
        )
    }


async def test_a_member_who_cannot_take_part_stands_down(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    ill = members[1]
    (case,) = await panel.to_scoring(members, "case")
    await panel.score(ill, case, scores(PRODUCT, 8))
    await panel.score_all([members[0], *members[2:]], [case])
    path, body = f"/v1/rounds/{ROUND}/stand-down", {"person_id": str(ill.id), "reason": "Ill."}
    assert (await panel.api.post(ill, path, body)).status_code == 403
    left = await panel.api.post(panel.adviser, path, body)
    assert left.status_code == 201, left.text
    assert str(ill.id) not in left.text
    assert [each["person_id"] for each in await panel.facts("access-revoked")] == [str(ill.id)]
    assert (await panel.score(ill, case, scores(PRODUCT, 8))).status_code == 404
    assert (await panel.api.get(ill, f"/v1/rounds/{ROUND}/cases")).status_code == 404
    assert await panel.open_tasks("judge_applications") == []
    assert await panel.state() == "scored"
    stranger = await panel.api.post(panel.adviser, path, body | {"person_id": str(person().id)})
    assert stranger.status_code == 422


async def test_standing_down_below_quorum_asks_for_stand_ins(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    (case,) = await panel.begin_round(members, "case")
    for member in members[:3]:
        await panel.declare(member, [case])
    path = f"/v1/rounds/{ROUND}/stand-down"
    for gone in members[:1] + members[3:]:
        response = await panel.api.post(panel.adviser, path, {"person_id": str(gone.id), "reason": "Away."})
        assert response.status_code == 201
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [False]
    assert await panel.open_tasks("declare_conflicts") == []
    await panel.order("ask_standins")
    standins = f"/v1/rounds/{ROUND}/standins"
    again = as_members([], [members[3]])
    assert (await panel.api.put(panel.adviser, standins, again)).status_code == 422
    new = [person(), person()]
    named = await panel.api.put(panel.adviser, standins, as_members(new[:1], new[1:]))
    assert named.status_code == 200, named.text
    for each in new:
        await panel.declare(each, [case])
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [False, True]


async def test_a_priority_area_decides_a_tie_except_between_products(
    panel: PanelPlay, members: list[Person]
) -> None:
    plain = await panel.submit("plain", category="service")
    hit = await panel.submit("hit", category="service", priority_areas=["P04"])
    product_hit = await panel.submit("product", priority_areas=["P04"])
    other = await panel.submit("other")
    for code, round_id, cases, criteria in (
        ("service", SERVICE_ROUND, [plain, hit], SERVICE),
        ("product", ROUND, [product_hit, other], PRODUCT),
    ):
        await panel.name_panel(code, members[:3], members[3:])
        for case in cases:
            await panel.enter(case)
        await panel.order("open_conflicts", round_id)
        for member in members:
            await panel.declare(member, cases, round_id=round_id)
        await panel.order("assign", round_id)
        for member in members:
            for case in cases:
                await panel.score(member, case, scores(criteria, 6), round_id)
            assert (await panel.lock(member, round_id)).status_code == 201
        await panel.order("open_meeting", round_id)
    held = await panel.act(members[0], "meeting", round_id=SERVICE_ROUND)
    assert [each["case_number"] for each in held.json()["items"]] == ["2023-hit", "2023-plain"]
    assert {each["tie_decided_by"] for each in held.json()["items"]} == {"priority_area"}
    refused = await panel.act(members[0], "meeting")
    assert refused.json()["type"].endswith("/tie-unbroken")


async def test_a_chair_who_falls_ill_is_followed_by_another_and_the_scores_count(
    panel: PanelPlay, members: list[Person]
) -> None:
    chair, others = members[0], sorted(members[1:3], key=lambda each: each.id)
    cases = await panel.to_scoring(members, "a", "b")
    await panel.score_all(members, cases)
    await panel.order("open_meeting")
    path = f"/v1/rounds/{ROUND}/stand-down"
    ill = await panel.api.post(panel.adviser, path, {"person_id": str(chair.id), "reason": "Ill."})
    assert ill.status_code == 201, ill.text
    assert await panel.open_tasks("hold_meeting") == [(ROUND, "2")]
    assert (await panel.act(chair, "meeting")).status_code == 404
    held = await panel.act(others[0], "meeting")
    assert held.status_code == 201
    await panel.order("open_signing")
    ill = await panel.api.post(panel.adviser, path, {"person_id": str(others[0].id), "reason": "Ill too."})
    assert ill.status_code == 201, ill.text
    assert await panel.state() == "met"
    assert (await panel.act(others[0], "recommendation")).status_code == 404
    assert (await panel.act(others[1], "recommendation")).status_code == 201
    async with panel.database.read() as conn:
        assert await conn.fetchval("select count(*) from assessment where person_id = $1", chair.id) == 2
    signed = await panel.api.post(panel.adviser, path, {"person_id": str(chair.id), "reason": "Late."})
    assert signed.status_code == 409
