"""Every event that was sent must have arrived at each service that handles its type.

An event has arrived when its id stands in the consumer's inbox, or among what it has parked, for a parked
event is a finding of its own. What was sent in the last moments may still be on its way: the comparison
is made again until nothing is missing or the patience is over.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable

import psycopg
from psycopg import sql

from .settings import SCHEMAS, Settings

PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.5

_MISSING = """
select o.key, o.id, o.type, o.created_at
from {sender}.outbox o
where o.type = any(%(types)s)
  and not exists (select 1 from {receiver}.inbox i where i.event_id = o.id and i.consumer = %(consumer)s)
  and not exists (select 1 from {receiver}.parked p where p.event_id = o.id and p.consumer = %(consumer)s)
  -- of a person's contacts only the newest is sure to be kept by the broker
  and not (o.topic = 'intake.contacts' and exists (
    select 1 from {sender}.outbox n where n.topic = o.topic and n.key = o.key and n.seq > o.seq))
order by o.seq
limit 20
"""


def missing(settings: Settings, patience: float = PATIENCE_SECONDS) -> list[str]:
    """One line per event that did not arrive, naming its case, its type and who should have got it."""
    with inspecting(settings) as conn:
        present = _with_kernel_tables(conn)
        wanted = {consumer: handled_types(consumer) for consumer in present}
        return lasting(
            lambda: [
                line for consumer in present for line in _absent(conn, consumer, wanted[consumer], present)
            ],
            patience,
        )


def lasting(findings: Callable[[], list[str]], patience: float) -> list[str]:
    """What is still found when it has been looked for again until the patience (in seconds) is over."""
    deadline = time.monotonic() + patience
    while (found := findings()) and time.monotonic() <= deadline:
        time.sleep(_PAUSE_SECONDS)
    return found


def inspecting(settings: Settings) -> psycopg.Connection:
    """A connection of the read-only role that sees every schema."""
    return psycopg.connect(
        host=settings["POSTGRES_HOST"],
        port=settings.port("POSTGRES_PORT"),
        user="inspector",
        password=settings["INSPECTOR_PASSWORD"],
        dbname=settings["POSTGRES_DB"],
        autocommit=True,
    )


def handled_types(consumer: str) -> list[str]:
    """The event types for which this consumer has a handler, as they stand on the wire."""
    if consumer == "workflows":
        return sorted(importlib.import_module("workflows.contracts.facts").ROUTES)
    return sorted(importlib.import_module(f"services.{consumer}.consumers").HANDLERS)


def _with_kernel_tables(conn: psycopg.Connection) -> list[str]:
    """The schemas that are migrated; before the first migration there is nothing to compare."""
    return [
        schema
        for schema in SCHEMAS
        if conn.execute("select to_regclass(%s)", [f"{schema}.outbox"]).fetchone() != (None,)
    ]


def _absent(conn: psycopg.Connection, consumer: str, types: list[str], senders: Iterable[str]) -> list[str]:
    lines = []
    for sender in senders:
        text = sql.SQL(_MISSING).format(sender=sql.Identifier(sender), receiver=sql.Identifier(consumer))
        rows = conn.execute(text, {"types": types, "consumer": consumer}).fetchall()
        lines += [
            f"events: {key}: {kind} ({id}, {at}) did not arrive at {consumer}" for key, id, kind, at in rows
        ]
    return lines
