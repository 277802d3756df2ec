"""Each invariant of panels finds exactly the fault it is there for, and nothing in a sound round."""

from collections.abc import Awaitable, Callable

import pytest

from services.common.db import Connection
from services.common.doctor import examine
from services.review.panel_checks import PANEL_CHECKS
from tests.service.review.panel_play import CALL, ROUND, PanelPlay, case_id
from tests.support.tokens import Person

CASE = str(case_id("a"))
LOST = str(case_id("lost"))

FAULTS: dict[str, tuple[str, str]] = {
    "review.conflicted_assignment": (
        "insert into conflict (application_id, person_id, call_id)"
        " select application_id, person_id, 'x' from assignment"
        f" where application_id = '{CASE}' order by person_id limit 1",
        CASE,
    ),
    "review.recommended_over_the_pot": (
        f"update ranking_place set amount = 5000001 where application_id = '{CASE}'",
        CALL,
    ),
    "review.skipped_in_the_ranking": (
        f"update ranking_place set below = '{{benefit}}' where application_id = '{CASE}'",
        CASE,
    ),
    "review.ranked_without_scores": (
        f"delete from assessment where application_id = '{CASE}'"
        " and person_id = (select min(person_id::text)::uuid from assessment)",
        CASE,
    ),
    "review.round_waits_without_task": (
        "update task set closed_at = now(), closed_by = 'x', state = 'done'"
        " where kind = 'sign_recommendation'",
        CALL,
    ),
    "review.in_round_without_round": (
        "insert into cases (id, call_id, state, version, title, holder_id)"
        f" values ('{LOST}', '{CALL}', 'in_round', 1, 'x', '{LOST}')",
        LOST,
    ),
    "review.panel_went_on_without": (
        f"update panel_round set state = 'signed', signed_at = now() where id = '{ROUND}';"
        f" delete from ranking_place where application_id = '{CASE}'",
        CASE,
    ),
    "review.round_complete_twice": (
        "insert into outbox (id, key, topic, type, payload)"
        " select gen_random_uuid(), key, topic, type, payload from outbox"
        " where type = 'no.innoflyt.review.round-complete.v1'",
        CALL,
    ),
}


async def met(panel: PanelPlay, members: list[Person]) -> None:
    """A round whose ranking waits for the signature."""
    cases = await panel.to_scoring(members, "a", "b")
    await panel.score_all(members, cases)
    await panel.order("open_meeting")
    await panel.act(members[0], "meeting")
    await panel.order("open_signing")


def test_every_invariant_has_a_planted_fault() -> None:
    assert {each.name for each in PANEL_CHECKS} == FAULTS.keys()


@pytest.mark.parametrize("name", sorted(FAULTS))
async def test_the_planted_fault_is_found_and_named(
    panel: PanelPlay, members: list[Person], as_role: Callable[..., Awaitable[Connection]], name: str
) -> None:
    await met(panel, members)
    inspector = await as_role("review", "inspector")
    assert await examine(inspector, PANEL_CHECKS) == []
    owner = await as_role("review", "owner")
    plant, key = FAULTS[name]
    await owner.execute(plant)
    found = await examine(inspector, PANEL_CHECKS)
    assert (name, key) in {(each.check.name, each.key) for each in found}


async def test_a_round_that_is_signed_or_short_is_sound(
    panel: PanelPlay, members: list[Person], as_role: Callable[..., Awaitable[Connection]]
) -> None:
    await met(panel, members)
    await panel.act(members[0], "recommendation")
    await panel.declare(members[1], [case_id("a")], [case_id("a")])
    assert await panel.state(ROUND) == "signed"
    assert await examine(await as_role("review", "inspector"), PANEL_CHECKS) == []
