"""The cast's first ranking, played through the API: who is awarded, who is next, and why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from deploy.demo import calls
from tests.service.review.panel_play import (
    AT,
    PRODUCT,
    ROUND,
    SERVICE,
    SERVICE_ROUND,
    TRANSFER,
    PanelPlay,
    case_id,
    scores,
)
from tests.support.tokens import Person

CAST = yaml.safe_load((Path(calls.__file__).parents[1] / "cast.yaml").read_text(encoding="utf-8"))
CRITERIA = {"product": PRODUCT, "service": SERVICE, "transfer": TRANSFER}
RANKED = {"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A12", "A13", "A14", "A15", "A17"}


async def test_the_first_ranking(panel: PanelPlay, person: Callable[..., Person]) -> None:
    demo = calls.demo_call(AT)
    async with panel.database.transaction() as conn:
        await conn.execute("update call set definition = $1", demo.model_dump(mode="json"))
    cast = {each["ref"]: each for each in CAST["applications"] if each["ref"] in RANKED}
    assert cast.keys() == RANKED
    ids = {ref: await submitted(panel, each) for ref, each in cast.items()}
    names = {code: members_of(code, person) for code in ("product", "service")}
    for code, members in names.items():
        named = CAST["panels"][code]
        users = [members[each] for each in named["user_representatives"]]
        await panel.name_panel(code, [members[each] for each in named["members"]], users)
    for application_id in ids.values():
        await panel.enter(application_id)
    await panel.close_call(*ids.values())

    product = await play_round(panel, ROUND, names["product"], "product", cast, ids)
    assert [(ref, outcome) for ref, outcome, _ in product] == [
        ("A01", "awarded"),
        ("A14", "awarded"),
        ("A06", "declined_threshold"),
        ("A17", "declined_threshold"),
    ]
    service = await play_round(panel, SERVICE_ROUND, names["service"], "service", cast, ids)
    assert [(ref, outcome) for ref, outcome, _ in service] == [
        ("A02", "awarded"),
        ("A03", "awarded"),
        ("A04", "awarded"),
        ("A13", "awarded"),
        ("A05", "awarded"),
        ("A15", "awarded"),
        ("A08", "reserve"),
        ("A12", "declined_ranking"),
        ("A07", "declined_ranking"),
    ]
    assert awarded(product) == 1_350_000
    assert awarded(service) == 3_100_000
    by_ref = {each["application_id"]: each for each in await panel.facts("case-recommended")}
    assert len(by_ref) == len(RANKED)
    assert by_ref[str(ids["A06"])]["averages"]["collaboration"] == 4.0


def members_of(code: str, person: Callable[..., Person]) -> dict[str, Person]:
    named = CAST["panels"][code]
    return {each: person() for each in (*named["members"], *named["user_representatives"])}


def awarded(placed: list[tuple[str, str, int]]) -> int:
    return sum(amount for _, outcome, amount in placed if outcome == "awarded")


async def submitted(panel: PanelPlay, each: dict[str, Any]) -> UUID:
    return await panel.submit(
        each["ref"],
        category=each["category"],
        amount=each["amount"],
        organisation=each["organisation"],
        priority_areas=each.get("priority_areas", []),
    )


async def play_round(
    panel: PanelPlay,
    round_id: str,
    members: dict[str, Person],
    code: str,
    cast: dict[str, Any],
    ids: dict[str, UUID],
) -> list[tuple[str, str, int]]:
    """(ref, outcome, amount) in the order of the ranking."""
    theirs = {
        ref: each for ref, each in cast.items() if (each["category"] == "product") == (code == "product")
    }
    cases = [ids[ref] for ref in theirs]
    await panel.order("open_conflicts", round_id)
    declared = CAST["panels"][code]["conflicts"]
    for name, member in members.items():
        conflicts = [ids[ref] for ref in declared.get(name, [])]
        assert (await panel.declare(member, cases, conflicts, round_id)).status_code == 201
    await panel.order("assign", round_id)
    for name, member in members.items():
        for ref, each in theirs.items():
            given = scores(CRITERIA[each["category"]], *each["scores"])
            response = await panel.score(member, case_id(ref), given, round_id)
            assert response.status_code == (404 if ref in declared.get(name, []) else 200), response.text
        assert (await panel.lock(member, round_id)).status_code == 201
    await panel.order("open_meeting", round_id)
    chair = members[CAST["panels"][code]["chair"]]
    held = await panel.act(chair, "meeting", round_id=round_id)
    assert held.status_code == 201, held.text
    await panel.order("open_signing", round_id)
    assert (await panel.act(chair, "recommendation", round_id=round_id)).status_code == 201
    refs = {str(application_id): ref for ref, application_id in ids.items()}
    return [(refs[each["application_id"]], each["outcome"], each["amount"]) for each in held.json()["items"]]
