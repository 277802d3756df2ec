"""The last statement of review's commands: one audit entry per case or call, with the facts of that key."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from services.common.db import Connection
from services.common.record import Actor, Entry, Fact, record_all


def key_of(fact: Fact) -> str:
    """A fact's key: its application where it has one, else its call."""
    return str(getattr(fact, "application_id", None) or getattr(fact, "call_id"))  # noqa: B009 - Fact has neither


async def record_facts(
    conn: Connection,
    actor: Actor,
    action: str,
    body: Mapping[str, JsonValue],
    facts: Sequence[Fact],
    *,
    key: str | None = None,
) -> None:
    """Record the step once per key among `facts`; `key` names a case or call to audit also without a fact.

    Without facts and key nothing happened (a second delivery), and nothing is recorded.
    """
    by_key: dict[str, list[Fact]] = {} if key is None else {key: []}
    for fact in facts:
        by_key.setdefault(key_of(fact), []).append(fact)
    if by_key:
        await record_all(conn, [Entry(each, actor, action, body, events) for each, events in by_key.items()])
