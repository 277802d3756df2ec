"""A case in which a member has a conflict of interest does not exist for that member, from that moment on."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import httpx
import pytest

from services.intake import events as intake
from tests.service.review.panel_play import CALL, PRODUCT, ROUND, PanelPlay, as_members, case_id, scores
from tests.support.tokens import Person


def same(one: httpx.Response, other: httpx.Response) -> bool:
    """Byte for byte, apart from the id of the request."""
    return one.status_code == other.status_code == 404 and one.content == other.content


async def test_the_conflicted_case_is_gone_from_every_list(play: PanelPlay, members: list[Person]) -> None:
    conflicted = members[1]
    secret, plain = await play.to_scoring(members, "secret", "plain", conflicts={1: "secret"})
    for path in (f"/v1/rounds/{ROUND}/cases", f"/v1/rounds/{ROUND}/assessments"):
        response = await play.api.get(conflicted, path)
        assert [each["application_id"] for each in response.json()["items"]] == [str(plain)]
        assert str(secret) not in response.text
        assert "secret" not in response.text
    assert (await play.api.get(conflicted, f"/v1/rounds/{ROUND}/cases")).json()["count"] == 1
    granted = {(each["application_id"], each["person_id"]) for each in await play.facts("access-granted")}
    assert (str(secret), str(conflicted.id)) not in granted
    assert len(granted) == 7
    declared = await play.facts("conflict-declared")
    assert [(each["application_id"], each["person_id"]) for each in declared] == [
        (str(secret), str(conflicted.id))
    ]


async def test_the_conflicted_case_answers_like_an_unknown_one(
    play: PanelPlay, members: list[Person]
) -> None:
    conflicted = members[1]
    secret, _ = await play.to_scoring(members, "secret", "plain", conflicts={1: "secret"})
    unknown = uuid4()
    assert same(
        await play.score(conflicted, secret, scores(PRODUCT, 5)),
        await play.score(conflicted, unknown, scores(PRODUCT, 5)),
    )
    assert same(await play.declare(conflicted, [secret]), await play.declare(conflicted, [unknown]))
    assert same(
        await play.api.get(conflicted, f"/v1/cases/{secret}"),
        await play.api.get(conflicted, f"/v1/cases/{unknown}"),
    )
    assert same(
        await play.api.get(conflicted, f"/v1/cases/{secret}/questions"),
        await play.api.get(conflicted, f"/v1/cases/{unknown}/questions"),
    )


async def test_the_conflicted_case_is_gone_from_the_ranking(play: PanelPlay, members: list[Person]) -> None:
    conflicted = members[1]
    cases = await play.to_scoring(members, "secret", "plain", conflicts={1: "secret"})
    await play.score_all(members, cases)
    await play.order("open_meeting")
    for _ in range(2):
        ranking = await play.api.get(conflicted, f"/v1/rounds/{ROUND}/ranking")
        assert ranking.json()["count"] == 1
        assert [each["application_id"] for each in ranking.json()["items"]] == [str(cases[1])]
        assert ranking.json()["items"][0]["pot_left"] is None
        assert str(cases[0]) not in ranking.text
        assert "secret" not in ranking.text
        assert (await play.api.get(members[2], f"/v1/rounds/{ROUND}/ranking")).json()["count"] == 2
        await play.act(members[0], "meeting")


async def test_a_conflict_declared_later_takes_access_and_scores_at_once(
    play: PanelPlay, members: list[Person]
) -> None:
    late = members[1]
    case, other = await play.to_scoring(members, "case", "other")
    assert (await play.score(late, case, scores(PRODUCT, 8))).status_code == 200
    response = await play.declare(late, [case], [case])
    assert response.status_code == 201
    assert response.json() == {"application_ids": [str(other)]}
    revoked = await play.facts("access-revoked")
    assert [(each["application_id"], each["person_id"]) for each in revoked] == [(str(case), str(late.id))]
    assert (await play.score(late, case, scores(PRODUCT, 8))).status_code == 404
    async with play.database.read() as conn:
        assert await conn.fetchval("select count(*) from assessment where person_id = $1", late.id) == 0
        leads = await conn.fetch("select lead from round_case where application_id = $1", case)
    assert leads[0]["lead"] != late.id
    assert (await play.declare(late, [case])).status_code == 404, "a conflict is not taken back"


async def test_no_vote_survives_a_conflict_however_they_race(play: PanelPlay, members: list[Person]) -> None:
    racer = members[1]
    case, _ = await play.to_scoring(members, "case", "other")
    votes = [play.score(racer, case, scores(PRODUCT, 1 + n % 8)) for n in range(50)]
    answers = await asyncio.gather(*votes[:25], play.declare(racer, [case], [case]), *votes[25:])
    declared = answers.pop(25)
    assert declared.status_code == 201
    assert {each.status_code for each in answers} == {200, 404}, "all on one side of the declaration: no race"
    async with play.database.read() as conn:
        left = await conn.fetchval(
            "select count(*) from assessment where application_id = $1 and person_id = $2", case, racer.id
        )
        assigned = await conn.fetchval(
            "select count(*) from assignment where application_id = $1 and person_id = $2", case, racer.id
        )
    assert (left, assigned) == (0, 0)


async def test_declarations_are_for_every_case_at_once(play: PanelPlay, members: list[Person]) -> None:
    one, two = await play.begin(members, "one", "two")
    refused = await play.declare(members[0], [one])
    assert refused.status_code == 422
    assert [each["value"] for each in refused.json()["errors"]] == [str(two)]
    assert (await play.declare(members[0], [one, one, two])).status_code == 422
    assert (await play.declare(members[0], [one, two, uuid4()])).status_code == 404
    async with play.database.read() as conn:
        assert await conn.fetchval("select count(*) from declaration") == 0


async def test_nothing_opens_before_everybody_declared(play: PanelPlay, members: list[Person]) -> None:
    (case,) = await play.begin(members, "case")
    for member in members[:3]:
        await play.declare(member, [case])
    assert await play.facts("conflicts-settled") == []
    assert await play.facts("access-granted") == []
    assert (await play.score(members[0], case, scores(PRODUCT, 5))).status_code == 404
    await play.declare(members[3], [case])
    assert [each["quorum"] for each in await play.facts("conflicts-settled")] == [True]


async def test_a_round_exists_only_for_its_members_and_staff(
    play: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    (case,) = await play.begin(members, "case")
    stranger = person("hf_adviser", organisation="STOLAV")
    for path in ("cases", "assessments", "ranking"):
        assert same(
            await play.api.get(stranger, f"/v1/rounds/{ROUND}/{path}"),
            await play.api.get(stranger, f"/v1/rounds/unknown/{path}"),
        )
    assert (await play.declare(stranger, [case])).status_code == 404
    assert (await play.api.get(play.adviser, f"/v1/rounds/{ROUND}/cases")).status_code == 200
    assert (await play.declare(play.adviser, [case])).status_code == 404


async def test_a_conflict_is_suggested_where_the_member_works(
    play: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    colleague = person(organisation="HMR")
    await play.name_members([colleague, *members[1:3]], members[3:])
    theirs = await play.submit("theirs", organisation="HMR")
    others = await play.submit("others", organisation="HNT")
    for case in (theirs, others):
        await play.enter(case)
    await play.order("open_conflicts")
    items = (await play.api.get(colleague, f"/v1/rounds/{ROUND}/cases")).json()["items"]
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
    await play.deliver(contact, str(members[1].id))
    items = (await play.api.get(members[1], f"/v1/rounds/{ROUND}/cases")).json()["items"]
    assert [each["application_id"] for each in items if each["conflict_suggested"]] == [str(others)]


async def test_a_conflicted_chair_leads_neither_meeting_nor_signature(
    play: PanelPlay, members: list[Person]
) -> None:
    chair, others = members[0], members[1:3]
    cases = await play.to_scoring(members, "a", "b", conflicts={0: "a"})
    await play.score_all(members, cases)
    await play.order("open_meeting")
    acting = min(others, key=lambda each: each.id)
    assert (await play.act(chair, "meeting")).status_code in (403, 404)
    assert (await play.act(acting, "meeting")).status_code == 201
    await play.order("open_signing")
    assert (await play.act(chair, "recommendation")).status_code in (403, 404)
    assert (await play.act(acting, "recommendation")).status_code == 201
    (signed,) = await play.facts("recommendation-signed")
    assert signed["signed_by"] == str(acting.id)


@pytest.mark.parametrize("state", ["scored", "met"])
async def test_a_conflict_after_the_scores_voids_the_ranking(
    play: PanelPlay, members: list[Person], state: str
) -> None:
    chair, late = members[0], members[1]
    cases = await play.to_scoring(members, "a", "b")
    await play.score_all(members, cases)
    await play.order("open_meeting")
    if state == "met":
        await play.act(chair, "meeting")
        await play.order("open_signing")
    assert await play.state() == state
    assert (await play.declare(late, [cases[0]], [cases[0]])).status_code == 201
    assert await play.state() == "scored"
    assert await play.open_tasks("hold_meeting") == [(ROUND, "2")]
    assert await play.open_tasks("sign_recommendation") == []
    async with play.database.read() as conn:
        assert await conn.fetchval("select count(*) from ranking_place") == 0
        assert await conn.fetchval("select count(*) from assessment where application_id = $1", cases[0]) == 3
    assert (await play.act(chair, "recommendation")).status_code == 409
    assert (await play.act(chair, "meeting")).status_code == 201
    await play.order("open_signing")
    assert (await play.act(chair, "recommendation")).status_code == 201


async def test_after_the_signature_a_conflict_closes_the_case_and_keeps_the_record(
    play: PanelPlay, members: list[Person]
) -> None:
    chair, late = members[0], members[1]
    cases = await play.to_scoring(members, "a", "b")
    await play.score_all(members, cases)
    await play.order("open_meeting")
    await play.act(chair, "meeting")
    await play.order("open_signing")
    await play.act(chair, "recommendation")
    assert (await play.declare(late, [cases[0]], [cases[0]])).status_code == 201
    assert len(await play.facts("access-revoked")) == 1
    for path in ("cases", "assessments", "ranking"):
        response = await play.api.get(late, f"/v1/rounds/{ROUND}/{path}")
        assert response.status_code == 200
        assert str(cases[0]) not in response.text
    async with play.database.read() as conn:
        assert await conn.fetchval("select count(*) from assessment where application_id = $1", cases[0]) == 4
    assert await play.state() == "signed"


async def without_quorum(play: PanelPlay, members: list[Person]) -> UUID:
    """Two of four have a conflict in the only case."""
    (case,) = await play.begin(members, "case")
    for n, member in enumerate(members):
        await play.declare(member, [case], [case] if n in (1, 2) else [])
    return case


async def test_below_quorum_named_stand_ins_declare_and_join(
    play: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    case = await without_quorum(play, members)
    assert [each["quorum"] for each in await play.facts("conflicts-settled")] == [False]
    assert await play.state() == "short"
    await play.order("ask_standins")
    await play.order("ask_standins")
    assert await play.open_tasks("name_standins") == [(ROUND, "1")]
    path = f"/v1/rounds/{ROUND}/standins"
    twice = await play.api.put(play.adviser, path, as_members([], []))
    assert twice.status_code == 422
    already = {"members": [{"person_id": str(members[1].id)}]}
    assert (await play.api.put(play.adviser, path, already)).status_code == 422
    stand_in = person()
    named = {"members": [{"person_id": str(stand_in.id)}]}
    assert (await play.api.put(members[0], path, named)).status_code == 403
    assert (await play.api.put(play.adviser, path, named)).status_code == 200
    assert len(await play.facts("stand-ins-named")) == 1
    assert await play.open_tasks("name_standins") == []
    await play.order("open_conflicts")
    assert await play.open_tasks("declare_conflicts") == [(f"{ROUND}/{stand_in.id}", "1")]
    assert (await play.api.put(play.adviser, path, named)).status_code == 409
    assert (await play.declare(stand_in, [case])).status_code == 201
    assert [each["quorum"] for each in await play.facts("conflicts-settled")] == [False, True]
    await play.order("assign")
    assigned = {each["person_id"] for each in await play.facts("access-granted")}
    assert assigned == {str(each.id) for each in (members[0], members[3], stand_in)}


async def test_a_stand_in_with_a_conflict_is_not_enough(
    play: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    case = await without_quorum(play, members)
    await play.order("ask_standins")
    first, second = person(), person()
    path = f"/v1/rounds/{ROUND}/standins"
    await play.api.put(play.adviser, path, {"members": [{"person_id": str(first.id)}]})
    await play.declare(first, [case], [case])
    assert [each["quorum"] for each in await play.facts("conflicts-settled")] == [False, False]
    await play.order("ask_standins")
    assert await play.open_tasks("name_standins") == [(ROUND, "2")]
    await play.api.put(play.adviser, path, {"members": [{"person_id": str(second.id)}]})
    await play.declare(second, [case])
    assert [each["quorum"] for each in await play.facts("conflicts-settled")] == [False, False, True]


async def test_quorum_lost_while_scoring_is_made_good_by_stand_ins(
    play: PanelPlay, members: list[Person], person: Callable[..., Person]
) -> None:
    (case,) = await play.to_scoring(members, "case")
    await play.score_all(members[:2], [case])
    await play.declare(members[2], [case], [case])
    assert await play.open_tasks("name_standins") == []
    await play.declare(members[1], [case], [case])
    assert await play.open_tasks("name_standins") == [(ROUND, "1")]
    await play.score_all(members[3:], [case])
    assert await play.state() == "assessing"
    stand_in = person()
    await play.api.put(
        play.adviser, f"/v1/rounds/{ROUND}/standins", {"members": [{"person_id": str(stand_in.id)}]}
    )
    assert await play.open_tasks("declare_conflicts") == [(f"{ROUND}/{stand_in.id}", "1")]
    await play.declare(stand_in, [case])
    assert await play.open_tasks("judge_applications") == [(f"{ROUND}/{stand_in.id}", "1")]
    await play.score_all([stand_in], [case])
    assert await play.state() == "scored"


async def test_the_user_representative_counts_for_quorum(play: PanelPlay, members: list[Person]) -> None:
    (case,) = await play.begin(members, "case")
    for member in members:
        await play.declare(member, [case], [case] if member is members[3] else [])
    assert [each["quorum"] for each in await play.facts("conflicts-settled")] == [False]


async def test_a_panel_without_members_asks_for_stand_ins(play: PanelPlay) -> None:
    case = await play.submit("alone")
    await play.enter(case)
    await play.order("open_conflicts")
    assert [each["quorum"] for each in await play.facts("conflicts-settled")] == [False]
    await play.order("ask_standins")
    assert await play.open_tasks("name_standins") == [(ROUND, "1")]
    assert case == case_id("alone")
    assert CALL in ROUND
