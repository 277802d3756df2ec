"""Traces, figures and logs without personal data: ids, codes, instants; no body, no text of an exception."""

import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

import structlog
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.common.errors import SettingsError

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("innoflyt")


def setup(service: str) -> None:
    """Logs as JSON lines on stderr; spans and figures to the exporters that OTEL_TRACES_EXPORTER and
    OTEL_METRICS_EXPORTER name."""
    _setup_logs(service)
    os.environ.setdefault("OTEL_SERVICE_NAME", service)
    spans = _exporter("traces", "zipkin_json, otlp_proto_http or none")
    if spans is not None:
        provider = TracerProvider(resource=Resource.create())
        provider.add_span_processor(BatchSpanProcessor(spans))
        trace.set_tracer_provider(provider)
    figures = _exporter("metrics", "otlp_proto_http or none")
    if figures is not None:
        reader = PeriodicExportingMetricReader(figures)
        metrics.set_meter_provider(MeterProvider([reader], resource=Resource.create()))


def _exporter(signal: str, choices: str) -> Any:
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    name = os.environ.get(variable, "none")
    if name == "none":
        return None
    found = entry_points(group=f"opentelemetry_{signal}_exporter", name=name)
    if not found:
        raise SettingsError(f"{variable}={name}: must be {choices}")
    return next(iter(found)).load()()


def shutdown() -> None:
    """Send the spans and figures that are still buffered."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if isinstance(provider, TracerProvider | MeterProvider):
            provider.shutdown()


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: str | None = None,
    root: bool = False,
    link: str | None = None,
    **attributes: str | int | float | bool | None,
) -> Iterator[Span]:
    """A span around the block; an error marks it with the error's class alone.

    parent: a traceparent that replaces the current span as parent. root: begin a new trace.
    link: a traceparent to point at. Attributes of value None are left out; use `application_id` for the case.
    """
    context = from_traceparent(parent) if parent else (Context() if root else None)
    linked = trace.get_current_span(from_traceparent(link)).get_span_context() if link else None
    given = {key: value for key, value in attributes.items() if value is not None}
    with _tracer.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=given,
        links=[Link(linked)] if linked and linked.is_valid else [],
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(Status(StatusCode.ERROR))
            raise


def annotate(**attributes: str | int | float | bool) -> None:
    """Set attributes on the current span, such as the `application_id` once it is known."""
    trace.get_current_span().set_attributes(attributes)


def current_traceparent() -> str | None:
    """The W3C traceparent of the current span, or None outside of one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def from_traceparent(traceparent: str | None) -> Context:
    """A context with this remote span as its current one; an empty context for None or nonsense."""
    return _propagator.extract({"traceparent": traceparent} if traceparent else {}, context=Context())


def _setup_logs(service: str) -> None:
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _method, event: {"service": service, **event},
        _without_exception_text,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # One line per retry and broker; a broker that is away would fill the disk with them.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _without_exception_text(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Replace an exception by its class and the places it passed: its text may quote what a person wrote."""
    kept = dict(event)
    info = kept.pop("exc_info", None)
    error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else None
    if info is True:
        error = sys.exc_info()[1]
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        kept["error"] = type(error).__name__
        kept["where"] = [
            f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} {frame.name}" for frame in frames
        ]
    return kept
