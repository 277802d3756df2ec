"""A case in which a member has a conflict of interest does not exist for that member, from that moment on."""
# Longer than 300 lines because declaring, revoking and racing share one panel at work.

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import httpx
import pytest

from services.intake import events as intake
from tests.service.review.decision_play import case_decided
from tests.service.review.panel_play import PRODUCT, ROUND, PanelPlay, as_members, scores
from tests.support.tokens import Person


def same(one: httpx.Response, other: httpx.Response) -> bool:
    """Byte for byte, apart from the id of the request."""
    return one.status_code == other.status_code == 404 and one.content == other.content


async def test_the_conflicted_case_is_gone_from_every_list(panel: PanelPlay, members: list[Person]) -> None:
    conflicted = members[1]
    secret, plain = await panel.to_scoring(members, "secret", "plain", conflicts={1: "secret"})
    for path in (f"/v1/rounds/{ROUND}/cases", f"/v1/rounds/{ROUND}/assessments"):
        response = await panel.api.get(conflicted, path)
        assert [each["application_id"] for each in response.json()["items"]] == [str(plain)]
        assert str(secret) not in response.text
        assert "secret" not in response.text
    assert (await panel.api.get(conflicted, f"/v1/rounds/{ROUND}/cases")).json()["count"] == 1
    granted = {(each["application_id"], each["person_id"]) for each in await panel.facts("access-granted")}
    assert (str(secret), str(conflicted.id)) not in granted
    assert len(granted) == 7
    declared = await panel.facts("conflict-declared")
    assert [(each["application_id"], each["person_id"]) for each in declared] == [
        (str(secret), str(conflicted.id))
    ]


async def test_the_conflicted_case_answers_like_an_unknown_one(
    panel: PanelPlay, members: list[Person]
) -> None:
    conflicted = members[1]
    secret, _ = await panel.to_scoring(members, "secret", "plain", conflicts={1: "secret"})
    unknown = uuid4()
    assert same(
        await panel.score(conflicted, secret, scores(PRODUCT, 5)),
        await panel.score(conflicted, unknown, scores(PRODUCT, 5)),
    )
    assert same(await panel.declare(conflicted, [secret]), await panel.declare(conflicted, [unknown]))
    assert same(
        await panel.api.get(conflicted, f"/v1/cases/{secret}"),
        await panel.api.get(conflicted, f"/v1/cases/{unknown}"),
    )
    assert same(
        await panel.api.get(conflicted, f"/v1/cases/{secret}/questions"),
        await panel.api.get(conflicted, f"/v1/cases/{unknown}/questions"),
    )


async def test_the_conflicted_case_is_gone_from_the_ranking(panel: PanelPlay, members: list[Person]) -> None:
    conflicted = members[1]
    cases = await panel.to_scoring(members, "secret", "plain", conflicts={1: "secret"})
    await panel.score_all(members, cases)
    await panel.order("open_meeting")
    for _ in range(2):
        ranking = await panel.api.get(conflicted, f"/v1/rounds/{ROUND}/ranking")
        assert ranking.json()["count"] == 1
        assert [each["application_id"] for each in ranking.json()["items"]] == [str(cases[1])]
        assert ranking.json()["items"][0]["pot_left"] is None
        assert str(cases[0]) not in ranking.text
        assert "secret" not in ranking.text
        assert (await panel.api.get(members[2], f"/v1/rounds/{ROUND}/ranking")).json()["count"] == 2
        await panel.act(members[0], "meeting")


async def test_a_conflict_declared_later_takes_access_and_scores_at_once(
    panel: PanelPlay, members: list[Person]
) -> None:
    late = members[1]
    case, other = await panel.to_scoring(members, "case", "other")
    assert (await panel.score(late, case, scores(PRODUCT, 8))).status_code == 200
    response = await panel.declare(late, [case], [case])
    assert response.status_code == 201
    assert response.json() == {"application_ids": [str(other)]}
    revoked = await panel.facts("access-revoked")
    assert [(each["application_id"], each["person_id"]) for each in revoked] == [(str(case), str(late.id))]
    assert (await panel.score(late, case, scores(PRODUCT, 8))).status_code == 404
    async with panel.database.read() as conn:
        assert await conn.fetchval("select count(*) from assessment where person_id = $1", late.id) == 0
        leads = await conn.fetch("select lead from round_case where application_id = $1", case)
    assert leads[0]["lead"] != late.id
    assert (await panel.declare(late, [case])).status_code == 404, "a conflict is not taken back"


async def test_no_vote_survives_a_conflict_however_they_race(panel: PanelPlay, members: list[Person]) -> None:
    racer = members[1]
    case, _ = await panel.to_scoring(members, "case", "other")
    votes = [panel.score(racer, case, scores(PRODUCT, 1 + n % 8)) for n in range(50)]
    answers = await asyncio.gather(*votes[:25], panel.declare(racer, [case], [case]), *votes[25:])
    declared = answers.pop(25)
    assert declared.status_code == 201
    assert {each.status_code for each in answers} == {200, 404}, "all on one side of the declaration: no race"
    async with panel.database.read() as conn:
        left = await conn.fetchval(
            "select count(*) from assessment where application_id = $1 and person_id = $2", case, racer.id
        )
        assigned = await conn.fetchval(
            "select count(*) from assignment where application_id = $1 and person_id = $2", case, racer.id
        )
    assert (left, assigned) == (0, 0)


async def test_declarations_are_for_every_case_at_once(panel: PanelPlay, members: list[Person]) -> None:
    one, two = await panel.begin_round(members, "one", "two")
    refused = await panel.declare(members[0], [one])
    assert refused.status_code == 422
    assert [each["value"] for each in refused.json()["errors"]] == [str(two)]
    assert (await panel.declare(members[0], [one, one, two])).status_code == 422
    assert (await panel.declare(members[0], [one, two, uuid4()])).status_code == 404
    async with panel.database.read() as conn:
        assert await conn.fetchval("select count(*) from declaration") == 0


async def test_nothing_opens_before_everybody_declared(panel: PanelPlay, members: list[Person]) -> None:
    (case,) = await panel.begin_round(members, "case")
    for member in members[:3]:
        await panel.declare(member, [case])
    assert await panel.facts("conflicts-settled") == []
    assert await panel.facts("access-granted") == []
    assert (await panel.score(members[0], case, scores(PRODUCT, 5))).status_code == 404
    await panel.declare(members[3], [case])
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [True]


async def test_a_round_exists_only_for_its_members_and_staff(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    (case,) = await panel.begin_round(members, "case")
    stranger = person("hf_adviser", organisation="STOLAV")
    for path in ("cases", "assessments", "ranking"):
        assert same(
            await panel.api.get(stranger, f"/v1/rounds/{ROUND}/{path}"),
            await panel.api.get(stranger, f"/v1/rounds/unknown/{path}"),
        )
    assert (await panel.declare(stranger, [case])).status_code == 404
    assert (await panel.api.get(panel.adviser, f"/v1/rounds/{ROUND}/cases")).status_code == 200
    assert (await panel.declare(panel.adviser, [case])).status_code == 404


async def test_a_conflict_is_suggested_where_the_member_works(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    colleague = person(organisation="HMR")
    await panel.name_members([colleague, *members[1:3]], members[3:])
    theirs = await panel.submit("theirs", organisation="HMR")
    others = await panel.submit("others", organisation="HNT")
    for case in (theirs, others):
        await panel.enter(case)
    await panel.order("open_conflicts")
    items = (await panel.api.get(colleague, f"/v1/rounds/{ROUND}/cases")).json()["items"]
    assert {each["application_id"]: each["conflict_suggested"] for each in items} == {
        str(theirs): True,
        str(others): False,
    }
    contact = intake.ContactChanged(
        person_id=members[1].id,
        kind="person",
        name="A",
        email="a@b.test",
        language="nb",
        organisation="HNT",
        roles=["applicant"],
    )
    await panel.deliver(contact, str(members[1].id))
    items = (await panel.api.get(members[1], f"/v1/rounds/{ROUND}/cases")).json()["items"]
    assert [each["application_id"] for each in items if each["conflict_suggested"]] == [str(others)]


async def test_a_conflicted_chair_leads_neither_meeting_nor_signature(
    panel: PanelPlay, members: list[Person]
) -> None:
    chair, others = members[0], members[1:3]
    cases = await panel.to_scoring(members, "a", "b", conflicts={0: "a"})
    await panel.score_all(members, cases)
    await panel.order("open_meeting")
    acting = min(others, key=lambda each: each.id)
    assert (await panel.act(chair, "meeting")).status_code in (403, 404)
    assert (await panel.act(acting, "meeting")).status_code == 201
    await panel.order("open_signing")
    assert (await panel.act(chair, "recommendation")).status_code in (403, 404)
    assert (await panel.act(acting, "recommendation")).status_code == 201
    (signed,) = await panel.facts("recommendation-signed")
    assert signed["signed_by"] == str(acting.id)


@pytest.mark.parametrize("state", ["scored", "met"])
async def test_a_conflict_after_the_scores_voids_the_ranking(
    panel: PanelPlay, members: list[Person], state: str
) -> None:
    chair, late = members[0], members[1]
    cases = await panel.to_scoring(members, "a", "b")
    await panel.score_all(members, cases)
    await panel.order("open_meeting")
    if state == "met":
        await panel.act(chair, "meeting")
        await panel.order("open_signing")
    assert await panel.state() == state
    assert (await panel.declare(late, [cases[0]], [cases[0]])).status_code == 201
    assert await panel.state() == "scored"
    assert await panel.open_tasks("hold_meeting") == [(ROUND, "2")]
    assert await panel.open_tasks("sign_recommendation") == []
    async with panel.database.read() as conn:
        assert await conn.fetchval("select count(*) from ranking_place") == 0
        assert await conn.fetchval("select count(*) from assessment where application_id = $1", cases[0]) == 3
    assert (await panel.act(chair, "recommendation")).status_code == 409
    assert (await panel.act(chair, "meeting")).status_code == 201
    await panel.order("open_signing")
    assert (await panel.act(chair, "recommendation")).status_code == 201


async def test_after_the_signature_a_conflict_closes_the_case_and_keeps_the_record(
    panel: PanelPlay, members: list[Person]
) -> None:
    chair, late = members[0], members[1]
    cases = await panel.to_scoring(members, "a", "b")
    await panel.score_all(members, cases)
    await panel.order("open_meeting")
    await panel.act(chair, "meeting")
    await panel.order("open_signing")
    await panel.act(chair, "recommendation")
    assert (await panel.declare(late, [cases[0]], [cases[0]])).status_code == 201
    assert len(await panel.facts("access-revoked")) == 1
    for path in ("cases", "assessments", "ranking"):
        response = await panel.api.get(late, f"/v1/rounds/{ROUND}/{path}")
        assert response.status_code == 200
        assert str(cases[0]) not in response.text
    async with panel.database.read() as conn:
        assert await conn.fetchval("select count(*) from assessment where application_id = $1", cases[0]) == 4
    assert await panel.state() == "signed"
    alarm = (str(cases[0]), f"conflict:{late.id}")
    assert await panel.open_tasks("handle_late_fact") == [alarm]
    await panel.deliver(case_decided(cases[1]), str(cases[1]))
    assert (await panel.declare(late, [cases[1]], [cases[1]])).status_code == 201
    assert await panel.open_tasks("handle_late_fact") == [alarm], "the decision stands"


async def test_no_alarm_where_no_score_of_the_conflicted_counts(
    panel: PanelPlay, members: list[Person]
) -> None:
    (case,) = await panel.to_scoring(members, "a")
    assert (await panel.declare(members[1], [case], [case])).status_code == 201
    assert await panel.open_tasks("handle_late_fact") == []


async def test_a_conflicted_chair_does_not_lead_when_their_case_is_back(
    panel: PanelPlay, members: list[Person]
) -> None:
    chair, other = members[0], min(members[1:3], key=lambda each: each.id)
    one, two = await panel.to_scoring(members, "one", "two", conflicts={0: "two"})
    await panel.score_all(members, [one, two])
    await panel.withdraw(two)
    await panel.order("open_meeting")
    assert await led_by(panel) == chair.id
    await panel.undo_withdrawal(two)
    assert await led_by(panel) == other.id
    assert await panel.open_tasks("hold_meeting") == [(ROUND, "2")]
    assert (await panel.act(chair, "meeting")).status_code == 403
    held = await panel.act(other, "meeting")
    assert len(held.json()["items"]) == 2


async def led_by(panel: PanelPlay) -> UUID:
    async with panel.database.read() as conn:
        leader: UUID = await conn.fetchval("select led_by from panel_round where id = $1", ROUND)
    return leader


@pytest.mark.parametrize("asked", [True, False])
async def test_a_round_that_is_short_goes_on_when_the_case_that_cost_the_quorum_ends(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person], asked: bool
) -> None:
    fine, costly = await panel.begin_round(members, "fine", "costly")
    for n, member in enumerate(members):
        await panel.declare(member, [fine, costly], [costly] if n in (1, 2) else [])
    if asked:
        await panel.order("ask_standins")
    assert await panel.state() == "short"
    await panel.withdraw(costly)
    assert await panel.state() == "settled"
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [False, True]
    assert await panel.open_tasks("name_standins") == []
    await panel.order("ask_standins")  # the workflow was late
    assert await panel.open_tasks("name_standins") == []
    named = {"members": [{"person_id": str(person().id)}]}
    refused = await panel.api.put(panel.adviser, f"/v1/rounds/{ROUND}/standins", named)
    assert refused.json()["type"].endswith("/no-stand-ins-wanted")


async def test_stand_ins_are_not_named_for_a_case_that_ended_while_scoring(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    fine, costly = await panel.to_scoring(members, "fine", "costly", conflicts={1: "costly"})
    await panel.declare(members[2], [costly], [costly])
    assert await panel.open_tasks("name_standins") == [(ROUND, "1")]
    await panel.withdraw(costly)
    assert await panel.open_tasks("name_standins") == []
    await panel.undo_withdrawal(costly)
    assert await panel.open_tasks("name_standins") == [(ROUND, "2")]
    await panel.withdraw(costly)
    await panel.score_all(members, [fine])
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting")
    await panel.order("open_signing")
    await panel.act(members[0], "recommendation")
    assert await panel.state() == "signed"
    named = {"members": [{"person_id": str(person().id)}]}
    refused = await panel.api.put(panel.adviser, f"/v1/rounds/{ROUND}/standins", named)
    assert refused.json()["type"].endswith("/no-stand-ins-wanted")


async def without_quorum(panel: PanelPlay, members: list[Person]) -> UUID:
    """Two of four have a conflict in the only case."""
    (case,) = await panel.begin_round(members, "case")
    for n, member in enumerate(members):
        await panel.declare(member, [case], [case] if n in (1, 2) else [])
    return case


async def test_below_quorum_named_stand_ins_declare_and_join(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    case = await without_quorum(panel, members)
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [False]
    assert await panel.state() == "short"
    await panel.order("ask_standins")
    await panel.order("ask_standins")
    assert await panel.open_tasks("name_standins") == [(ROUND, "1")]
    path = f"/v1/rounds/{ROUND}/standins"
    twice = await panel.api.put(panel.adviser, path, as_members([], []))
    assert twice.status_code == 422
    already = {"members": [{"person_id": str(members[1].id)}]}
    assert (await panel.api.put(panel.adviser, path, already)).status_code == 422
    stand_in = person()
    named = {"members": [{"person_id": str(stand_in.id)}]}
    assert (await panel.api.put(members[0], path, named)).status_code == 403
    assert (await panel.api.put(panel.adviser, path, named)).status_code == 200
    assert len(await panel.facts("stand-ins-named")) == 1
    assert await panel.open_tasks("name_standins") == []
    await panel.order("open_conflicts")
    assert await panel.open_tasks("declare_conflicts") == [(f"{ROUND}/{stand_in.id}", "1")]
    assert (await panel.api.put(panel.adviser, path, named)).status_code == 409
    assert (await panel.declare(stand_in, [case])).status_code == 201
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [False, True]
    await panel.order("assign")
    assigned = {each["person_id"] for each in await panel.facts("access-granted")}
    assert assigned == {str(each.id) for each in (members[0], members[3], stand_in)}


async def test_a_stand_in_with_a_conflict_is_not_enough(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    case = await without_quorum(panel, members)
    await panel.order("ask_standins")
    first, second = person(), person()
    path = f"/v1/rounds/{ROUND}/standins"
    await panel.api.put(panel.adviser, path, {"members": [{"person_id": str(first.id)}]})
    await panel.declare(first, [case], [case])
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [False, False]
    await panel.order("ask_standins")
    assert await panel.open_tasks("name_standins") == [(ROUND, "2")]
    await panel.api.put(panel.adviser, path, {"members": [{"person_id": str(second.id)}]})
    await panel.declare(second, [case])
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [False, False, True]


async def test_quorum_lost_while_scoring_is_made_good_by_stand_ins(
    panel: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    (case,) = await panel.to_scoring(members, "case")
    await panel.score_all(members[:2], [case])
    await panel.declare(members[2], [case], [case])
    assert await panel.open_tasks("name_standins") == []
    await panel.declare(members[1], [case], [case])
    assert await panel.open_tasks("name_standins") == [(ROUND, "1")]
    await panel.score_all(members[3:], [case])
    assert await panel.state() == "assessing"
    stand_in = person()
    await panel.api.put(
        panel.adviser, f"/v1/rounds/{ROUND}/standins", {"members": [{"person_id": str(stand_in.id)}]}
    )
    assert await panel.open_tasks("declare_conflicts") == [(f"{ROUND}/{stand_in.id}", "1")]
    await panel.declare(stand_in, [case])
    assert await panel.open_tasks("judge_applications") == [(f"{ROUND}/{stand_in.id}", "1")]
    await panel.score_all([stand_in], [case])
    assert await panel.state() == "scored"


async def test_the_user_representative_counts_for_quorum(panel: PanelPlay, members: list[Person]) -> None:
    (case,) = await panel.begin_round(members, "case")
    for member in members:
        await panel.declare(member, [case], [case] if member is members[3] else [])
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [False]


async def test_a_panel_without_members_asks_for_stand_ins(panel: PanelPlay) -> None:
    case = await panel.submit("alone")
    await panel.enter(case)
    await panel.order("open_conflicts")
    assert [each["quorum"] for each in await panel.facts("conflicts-settled")] == [False]
    await panel.order("ask_standins")
    assert await panel.open_tasks("name_standins") == [(ROUND, "1")]


async def test_a_repeated_request_does_not_tell_of_the_case_again(
    panel: PanelPlay, members: list[Person]
) -> None:
    chair = members[0]
    cases = await panel.to_scoring(members, "secret", "plain")
    await panel.score_all(members, cases)
    await panel.order("open_meeting")
    path, key = f"/v1/rounds/{ROUND}/meeting", str(uuid4())
    assert "secret" in (await panel.api.post(chair, path, key=key)).text
    replayed = await panel.api.post(chair, path, key=key)
    assert replayed.headers["Idempotent-Replay"] == "true"
    await panel.declare(chair, cases[:1], cases[:1])
    again = await panel.api.post(chair, path, key=key)
    assert again.status_code in (403, 404, 409)
    assert "secret" not in again.text
    assert str(cases[0]) not in again.text
