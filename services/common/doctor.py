"""Invariants as SQL that must return no rows; `doctor` runs them and names the case of each finding."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.common.db import Connection


@dataclass(frozen=True)
class Check:
    """An invariant: SQL that must return no rows, its first column `key` naming the case.

    Runs as the read-only role `inspector` with the service's schema as search_path; other schemas by name.
    """

    name: str
    sql: str
    explain: str


KERNEL_CHECKS: Sequence[Check] = (
    Check(
        "audit chain",
        "select key, n, reason from broken_links()",
        "the audit chain of the case was altered; nothing of ours can do that",
    ),
    Check(
        "parked events",
        """select key, event_id, type, consumer, reason, parked_at from parked
           where resolved_at is null order by consumer, key, id""",
        "events wait for a human: mend the cause, then `retry KEY`, or `skip EVENT --reason ...`",
    ),
    Check(
        "halted consumer",
        "select consumer as key, reason, at from halted",
        "the consumer has stopped because too much was parked; it goes on when that is resolved",
    ),
    Check(
        "unsent events",
        """select key, id, topic, type, attempts, created_at from outbox
           where published_at is null and created_at < clock_timestamp() - interval '60 seconds'
           order by seq""",
        "events were not sent for a minute: look at the worker and the broker",
    ),
    Check(
        "personal data kept",
        """select key, id, topic, type from outbox
           where published_at is not null and payload is not null and topic = 'intake.contacts'
           union all
           select key, event_id, topic, type from parked
           where resolved_at is not null and value is not null and topic = 'intake.contacts'""",
        "names or addresses were kept after they had been delivered",
    ),
)


@dataclass(frozen=True)
class Finding:
    """One row that a check returned."""

    check: Check
    key: str
    details: dict[str, str]


async def examine(conn: Connection, checks: Sequence[Check]) -> list[Finding]:
    """All findings of these checks and the kernel's own, in order."""
    findings = []
    for check in (*KERNEL_CHECKS, *checks):
        for row in await conn.fetch(check.sql):
            details = {name: str(value) for name, value in list(row.items())[1:]}
            findings.append(Finding(check, str(row["key"]), details))
    return findings
