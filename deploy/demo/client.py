"""HTTP as a person of the cast: a token from the identity provider, and the public APIs of the services."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from typing import Any

import httpx

from deploy.demo.cast import Person
from deploy.stack.settings import Settings

_RENEW_SECONDS = 3000
_PATIENCE_SECONDS = 20.0


class Refusal(Exception):
    """A service said no; `problem` is its answer as JSON."""

    def __init__(self, who: str, what: str, status: int, problem: dict[str, Any]) -> None:
        kind = str(problem.get("type", "")).rpartition("/")[2]
        super().__init__(
            f"{who}: {what}: {status} {kind} {problem.get('detail') or problem.get('title') or ''}"
        )
        self.status = status
        self.kind = kind
        self.problem = problem


class Unreachable(Exception):
    """A service could not be reached for as long as somebody would wait."""


class Web:
    """The addresses of the stack and one pool of connections for everybody."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        limits = httpx.Limits(max_connections=60, max_keepalive_connections=60)
        self.http = httpx.AsyncClient(timeout=30, limits=limits)
        self.requests = 0
        issuer = json.loads(settings["OIDC_ISSUERS"])[0]
        self.issuer, self.audience = issuer["issuer"], issuer["audience"]

    def url(self, service: str, path: str) -> str:
        name = service.upper()
        return f"http://{self.settings[f'{name}_HOST']}:{self.settings[f'{name}_PORT']}{path}"

    async def close(self) -> None:
        await self.http.aclose()


class Session:
    """Requests as one person. POSTs carry an Idempotency-Key and are repeated under it while the service is
    busy."""

    def __init__(self, web: Web, person: Person) -> None:
        self.web = web
        self.person = person
        self.id = ""
        self._token = ""
        self._token_at = 0.0

    async def get(self, service: str, path: str, **params: Any) -> Any:
        return (await self.request("GET", service, path, params=params)).json()

    async def post(self, service: str, path: str, body: Any = None, **more: Any) -> Any:
        return (
            await self.request("POST", service, path, json=body if body is not None else {}, **more)
        ).json()

    async def put(self, service: str, path: str, body: Any) -> Any:
        return (await self.request("PUT", service, path, json=body)).json()

    async def patch(self, service: str, path: str, body: Any, etag: str | None = None) -> httpx.Response:
        kind = "application/merge-patch+json" if etag else "application/json"
        return await self.request(
            "PATCH", service, path, content=json.dumps(body).encode(), content_type=kind, etag=etag
        )

    async def status(self, service: str, path: str) -> int:
        """The status of a GET, whatever it is."""
        try:
            return (await self.request("GET", service, path)).status_code
        except Refusal as refusal:
            return refusal.status

    async def request(
        self,
        method: str,
        service: str,
        path: str,
        *,
        etag: str | None = None,
        content_type: str | None = None,
        **more: Any,
    ) -> httpx.Response:
        """The answer; Refusal for a known no. Busy, starting or restarting services are asked again for a
        while."""
        headers = {"Authorization": f"Bearer {await self._fresh_token()}"}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        if etag:
            headers["If-Match"] = etag
        if content_type:
            headers["Content-Type"] = content_type
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            self.web.requests += 1
            try:
                answer = await self.web.http.request(
                    method, self.web.url(service, path), headers=headers, **more
                )
            except httpx.TransportError as error:
                if time.monotonic() > until:
                    raise Unreachable(f"{service} does not answer {method} {path}: {error!r}") from error
                await asyncio.sleep(0.3)
                continue
            if answer.status_code < 400:
                return answer
            problem = _problem(answer)
            busy = answer.status_code in (429, 502, 503) or problem.get("type", "").endswith("in-progress")
            if not busy or time.monotonic() > until:
                raise Refusal(self.person.id, f"{method} {service} {path}", answer.status_code, problem)
            await asyncio.sleep(min(float(answer.headers.get("Retry-After", 0.3)), 1.0))

    async def _fresh_token(self) -> str:
        if time.monotonic() - self._token_at > _RENEW_SECONDS or not self._token:
            answer = await self.web.http.post(
                f"{self.web.issuer}/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": self.person.id,
                    "client_secret": "demo",
                    "scope": self.web.audience,
                },
            )
            answer.raise_for_status()
            self._token, self._token_at = answer.json()["access_token"], time.monotonic()
        return self._token


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {"title": answer.text[:200]}
    return problem if isinstance(problem, dict) else {"title": str(problem)[:200]}
