"""Each check of doctor finds the fault it is there for, and names the case."""

from collections.abc import Awaitable, Callable, Mapping

import pytest

from services.common.db import Connection
from services.common.doctor import examine
from services.funding.checks import CHECKS
from tests.service.funding.play import Case, Play

_OLD = "clock_timestamp() - interval '1 hour'"

FAULTS: Mapping[str, tuple[str, str]] = {
    # check: (what is done behind funding's back, whose key doctor must name)
    "pot_exceeded": (
        "alter table pot drop constraint pot_check; update pot set held = amount + 1 where panel = 'service'",
        "pot",
    ),
    "pot_miscounted": ("update pot set awarded = awarded - 1 where panel = 'service'", "pot"),
    "call_miscounted": ("update call set awarded = awarded - 1", "call"),
    "letter_missing": (
        "delete from letter where application_id = '{declined}';"
        f"update decision set decided_at = {_OLD} where application_id = '{{declined}}'",
        "declined",
    ),
    "award_without_grant": ("delete from award where application_id = '{award}'", "award"),
    "state_without_history": ("update cases set state = 'referred' where id = '{declined}'", "declined"),
    "history_broken": (
        "update history set before = 'reserve' where subject = '{declined}' and after = 'declined'",
        "declined",
    ),
    "step_undeclared": (
        "update history set action = 'award' where subject = '{declined}' and after = 'declined'",
        "declined",
    ),
    "one_person": (
        "update complaint set state = 'refused', answered_by = d.decided_by, answered_at = clock_timestamp()"
        " from decision d where d.application_id = complaint.application_id"
        " and complaint.application_id = '{declined}'",
        "declined",
    ),
    "money_not_offered": (
        "update decision set amount = 100 where application_id = '{first}';"
        f"update letter set sent_at = {_OLD} where application_id = '{{first}}';"
        f"update decision_round set decided_at = {_OLD}",
        "first",
    ),
    "skipped_on_reserve": (
        "update cases set state = 'offered', held = 100000 where id = '{second}';"
        "insert into offer (application_id, n, amount, offered_at)"
        " values ('{second}', 1, 100000, clock_timestamp())",
        "second",
    ),
    "moved_from_declined": (
        "insert into offer (application_id, n, amount, offered_at)"
        " values ('{declined}', 1, 1, clock_timestamp())",
        "declined",
    ),
}


def test_every_check_has_its_fault() -> None:
    assert {check.name for check in CHECKS} == set(FAULTS)


@pytest.mark.parametrize("name", sorted(FAULTS))
async def test_a_check_finds_its_fault(
    name: str, play: Play, as_role: Callable[..., Awaitable[Connection]]
) -> None:
    await play.publish_call({"service": 1_000_000})
    cases = {
        "award": Case("HMR", 600_000, "awarded", 1),
        "first": Case("HNT", 500_000, "reserve", 2),
        "second": Case("HNT", 100_000, "reserve", 3),
        "declined": Case("HNT", 500_000, "declined_threshold", None),
    }
    await play.recommended(*cases.values())
    await play.decide()
    await play.accepted(cases["award"])
    institution = play.person("institution", organisation="HNT")
    await play.api.post(institution, f"{cases['declined'].path}/complaints", {"ground": "Feil"})
    inspector = await as_role("funding", "inspector")
    assert await examine(inspector, CHECKS) == []

    fault, whose = FAULTS[name]
    owner = await as_role("funding", "owner")
    await owner.execute(fault.format(**{name: case.id for name, case in cases.items()}))
    keys = {"pot": "call-a", "call": "call-a", **{name: str(case.id) for name, case in cases.items()}}
    found = {(finding.check.name, finding.key) for finding in await examine(inspector, CHECKS)}
    assert (name, keys[whose]) in found
