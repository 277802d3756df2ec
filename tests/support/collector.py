"""A collector inside the test: OTLP over HTTP, every span kept, and the names of the figures."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """One span as it left its process. Ids as hex; `text` is all of it, to search in."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: Mapping[str, str]
    links: tuple[str, ...]
    """trace ids"""
    text: str


class Collector:
    """Listens on loopback until closed, on this port, or for 0 on one of its own."""

    def __init__(self, port: int) -> None:
        self.spans: list[Received] = []
        self.figures: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.path.endswith("/metrics"):
                    collector.figures |= _names(body)
                else:
                    collector.spans += _read(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Requests are not worth a line."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, daemon=True).start()

    def of_case(self, application_id: str) -> list[Received]:
        return [span for span in self.spans if span.attributes.get("application_id") == application_id]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _names(body: bytes) -> set[str]:
    resources = ExportMetricsServiceRequest.FromString(body).resource_metrics
    return {metric.name for each in resources for scope in each.scope_metrics for metric in scope.metrics}


def _read(body: bytes) -> list[Received]:
    found = []
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = next(
            (each.value.string_value for each in resource.resource.attributes if each.key == "service.name"),
            "",
        )
        for scope in resource.scope_spans:
            for span in scope.spans:
                found.append(
                    Received(
                        service=service,
                        name=span.name,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        attributes={each.key: each.value.string_value for each in span.attributes},
                        links=tuple(link.trace_id.hex() for link in span.links),
                        text=str(span),
                    )
                )
    return found
