"""Figures of a service for whoever watches it: how old is what waits, how much is set aside, how late we are.

What waits is asked of the database, where it stands; how late we are is measured where it happens. Exported
as OTEL_METRICS_EXPORTER says (otlp_proto_http, or none). No figure names a person or a case.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from services.common.db import Database

_meter = metrics.get_meter("innoflyt")

lag = _meter.create_histogram(
    "innoflyt.consumer.lag", "s", "from the moment an event was recorded until a consumer had handled it"
)
start_delay = _meter.create_histogram(
    "innoflyt.workflow.start_delay", "s", "from the moment a fact was recorded until its workflow ran"
)


@dataclass(frozen=True)
class Gauge:
    """A figure as SQL on the schema of the service: rows of `value`, and `kind` if there is one per kind."""

    name: str
    unit: str
    sql: str
    explain: str


KERNEL_GAUGES: Sequence[Gauge] = (
    Gauge(
        "innoflyt.outbox.oldest_unsent",
        "s",
        """select coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0) as value
           from outbox where published_at is null""",
        "age of the oldest event that the broker has not acknowledged",
    ),
    Gauge(
        "innoflyt.events.parked",
        "{event}",
        "select count(*) as value from parked where resolved_at is null",
        "events that wait for a human",
    ),
    Gauge(
        "innoflyt.consumer.halted",
        "{consumer}",
        "select count(*) as value from halted",
        "consumers that have stopped because too much was parked",
    ),
)


def seconds_since(at: datetime) -> float:
    """For the histograms; by this machine's clock, which may be a little behind the database's."""
    return max((datetime.now(UTC) - at).total_seconds(), 0.0)


def watch(gauges: Sequence[Gauge], database: Database) -> Callable[[object], Awaitable[None]]:
    """Register these gauges and the kernel's; the returned job reads them anew."""
    latest: dict[str, list[Observation]] = {}
    every = (*KERNEL_GAUGES, *gauges)

    def told(gauge: Gauge) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _options: latest.get(gauge.name, [])

    for each in every:
        _meter.create_observable_gauge(each.name, [told(each)], each.unit, each.explain)

    async def read(_worker: object) -> None:
        async with database.read() as conn:
            for each in every:
                latest[each.name] = [_observed(dict(row)) for row in await conn.fetch(each.sql)]

    return read


def _observed(row: dict[str, object]) -> Observation:
    attributes = {"kind": str(row["kind"])} if "kind" in row else {}
    return Observation(float(str(row["value"])), attributes)
