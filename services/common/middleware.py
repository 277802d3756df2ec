"""What surrounds every request, as plain ASGI: arrival, call id, trace, body limits, last resort."""

import asyncio
import re
import time
import uuid
from dataclasses import dataclass

import structlog
from opentelemetry.trace import SpanKind, StatusCode
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common.context import caused_by, current_case
from services.common.outages import is_infrastructure
from services.common.problems import internal, unavailable
from services.common.telemetry import span

_CALL_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_BODY_SECONDS = 30.0

_log = structlog.get_logger()


@dataclass(frozen=True)
class Arrival:
    """When the headers of a request had been read, on this process's monotonic clock (seconds)."""

    monotonic: float


class Outermost:
    """Wraps the application. Nothing that happens inside can leave it but as a response or a cancellation."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arrival = Arrival(time.monotonic())
        headers = dict(scope["headers"])
        given = headers.get(b"x-call-id", b"").decode("latin-1")
        call_id = given if _CALL_ID.fullmatch(given) else str(uuid.uuid4())
        scope.setdefault("state", {}).update(arrival=arrival, call_id=call_id)
        exchange = _Exchange(send, call_id)
        parent = headers.get(b"traceparent", b"").decode("latin-1") or None
        with (
            caused_by(call_id, call_id),
            structlog.contextvars.bound_contextvars(call_id=call_id),
            span(f"{scope['method']}", kind=SpanKind.SERVER, parent=parent, root=not parent) as current,
        ):
            await self._answer(scope, receive, exchange, headers)
            route = getattr(scope.get("route"), "path", "unknown")
            current.update_name(f"{scope['method']} {route}")
            current.set_attributes(
                {
                    "http.request.method": scope["method"],
                    "http.route": route,
                    "http.response.status_code": exchange.status,
                }
            )
            if exchange.status >= 500:
                current.set_status(StatusCode.ERROR)
            case = scope.get("path_params", {}).get("application_id") or current_case()
            if case:
                current.set_attribute("application_id", str(case))
            _log.info(
                "request",
                method=scope["method"],
                route=route,
                status=exchange.status,
                ms=round((time.monotonic() - arrival.monotonic) * 1000, 1),
                **({"application_id": str(case)} if case else {}),
            )

    async def _answer(
        self, scope: Scope, receive: Receive, exchange: "_Exchange", headers: dict[bytes, bytes]
    ) -> None:
        try:
            limited = _limited(receive, headers, self._max_body_bytes)
            await self._app(scope, limited, exchange.send)
        except Exception as error:
            if is_infrastructure(error):
                _log.warning("request failed: a dependency is away", error=type(error).__name__)
                await exchange.last_resort(unavailable(exchange.call_id), scope, receive)
            else:
                _log.error("request failed", exc_info=error)
                await exchange.last_resort(internal(exchange.call_id), scope, receive)


class _Exchange:
    """Remembers whether the answer has begun, and adds the headers that every answer carries."""

    def __init__(self, send: Send, call_id: str) -> None:
        self._send = send
        self.call_id = call_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            extra = [
                (b"x-call-id", self.call_id.encode()),
                (b"x-content-type-options", b"nosniff"),
            ]
            present = {name for name, _ in message["headers"]}
            if b"cache-control" not in present:
                extra.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message["headers"], *extra]}
        await self._send(message)

    async def last_resort(self, answer: ASGIApp, scope: Scope, receive: Receive) -> None:
        if not self.status:
            await answer(scope, receive, self.send)


def _limited(receive: Receive, headers: dict[bytes, bytes], most: int) -> Receive:
    declared = headers.get(b"content-length", b"0")
    seen = 0
    complete = False
    # For the whole body: in drips it could be changed for minutes after it had arrived in time.
    until: float | None = None

    # HTTPException, because the framework turns every other exception of reading a body into a plain 400.
    async def limited() -> Message:
        nonlocal seen, complete, until
        if complete:
            return await receive()  # waits for the client to go away, however long that takes
        if declared.isdigit() and int(declared) > most:
            raise HTTPException(413, headers={"Connection": "close"})
        if until is None:
            until = time.monotonic() + _BODY_SECONDS
        try:
            async with asyncio.timeout(until - time.monotonic()):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413, headers={"Connection": "close"})
        complete = not message.get("more_body", False)
        return message

    return limited
