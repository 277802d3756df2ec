"""The spans of this process, collected in memory."""

import json
from functools import cache
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@cache
def _exporter() -> InMemorySpanExporter:
    """A process has one tracer provider for all its life."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


class Spans:
    """What has ended since this was made."""

    def __init__(self) -> None:
        self._exporter = _exporter()
        self._exporter.clear()

    def all(self, name: str | None = None) -> list[ReadableSpan]:
        """Ended spans (of this name), oldest first."""
        return [one for one in self._exporter.get_finished_spans() if name in (None, one.name)]

    def one(self, name: str) -> ReadableSpan:
        """The only span of this name."""
        found = self.all(name)
        assert len(found) == 1, f"{len(found)} spans are called {name!r}: {[one.name for one in self.all()]}"
        return found[0]

    def text(self) -> str:
        """Everything the spans say, to look for what must not be there."""
        return "\n".join(json.dumps(json.loads(one.to_json()), ensure_ascii=False) for one in self.all())


def trace_id(span: Any) -> str:
    """The trace a span belongs to, as it stands in a traceparent."""
    return format(span.get_span_context().trace_id, "032x")


def parent_id(span: Any) -> str | None:
    """The parent's span id, as it stands in a traceparent."""
    return format(span.parent.span_id, "016x") if span.parent else None
