"""Each check of doctor finds the fault it is there for, and names the case."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from services.common.db import Connection
from services.common.doctor import examine
from services.notify.checks import CHECKS
from tests.service.notify.conftest import Notify

FAULTS = {
    "message_unaddressed": """update message set status = 'unaddressed', ended_at = null,
                              created_at = clock_timestamp() - interval '1 hour' where application_id = $1""",
    "message_stuck": """update message set next_try_at = clock_timestamp() - interval '1 hour'
                        where application_id = $1""",
    "message_without_relay": """update message set reason = 'relay_down',
                                created_at = clock_timestamp() - interval '1 hour'
                                where application_id = $1""",
    "message_failed_silently": """update message set status = 'failed', ended_at = clock_timestamp(),
                                  reason = 'smtp_550' where application_id = $1""",
    "mail_despite_conflict": """update message set status = 'sent', ended_at = clock_timestamp(),
                                as_applicant = false,
                                created_at = clock_timestamp() + interval '1 minute' where application_id =
                                $1""",
    "mail_sent_twice": """insert into message (event_id, recipient, person_id, event_type, template, data,
                            key, application_id, status, address, ended_at, created_at)
                          select event_id, n::text, person_id, event_type, template, data, key,
                            application_id, 'sent', 'a@b.test', clock_timestamp(), created_at
                          from message, generate_series(1, 2) n where application_id = $1""",
}


def test_every_check_has_its_fault() -> None:
    assert {check.name for check in CHECKS} == set(FAULTS)


@pytest.mark.parametrize("name", sorted(FAULTS))
async def test_a_check_finds_its_fault(
    name: str, notify: Notify, as_role: Callable[..., Awaitable[Connection]]
) -> None:
    case = await _clean_case(notify)
    inspector = await as_role("notify", "inspector")
    assert await examine(inspector, CHECKS) == []
    await (await as_role("notify", "owner")).execute(FAULTS[name], case)
    findings = await examine(inspector, CHECKS)
    assert {(finding.check.name, finding.key) for finding in findings} == {(name, str(case))}


async def _clean_case(notify: Notify) -> UUID:
    holder, case = uuid4(), uuid4()
    await notify.meet(holder)
    await notify.submit(case, holder)
    await notify.conflict(case, holder)
    return case
