"""Innoflyt on the test stack as its users meet it: a call of the test's own, drafts, receipts."""

import asyncio
import json
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from deploy.demo import cast, pdfs
from deploy.demo.actors.applicant import content
from deploy.demo.calls import demo_call
from deploy.demo.cast import Role
from deploy.demo.client import Session, Web
from deploy.stack.settings import Settings

CAST = cast.load()
_HOLDERS = tuple(role.holder for role in CAST.applications.values())


@dataclass
class Draft:
    """A draft that can be sent: the key of its one submission, and what to acknowledge in it."""

    id: str
    session: Session
    etag: str
    accept: list[str]
    sha256: dict[str, str]
    """by attachment id"""
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    receipt: dict[str, Any] | None = None
    failures: int = 0
    """attempts without an answer, or with a 5xx"""

    @property
    def request(self) -> dict[str, Any]:
        return {"accept_findings": self.accept}


class Live:
    """The services of the running test stack, and the persons of the cast."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.web = Web(settings)
        self.sessions = {each.id: Session(self.web, each) for each in CAST.people.values()}
        self.call_id = ""
        self._role = CAST.applications["A10"]  # submitted with a CV alone: nobody needs to endorse it

    async def close(self) -> None:
        await self.web.close()

    async def sign_in(self) -> None:
        """Make everybody known to the directory."""
        for session in self.sessions.values():
            session.id = (await session.get("intake", "/v1/me"))["id"]

    async def publish_call(self, open_for: timedelta = timedelta(hours=1)) -> str:
        """A call of this test's own, open for a while, its tasks due much later."""
        now = datetime.now(UTC)
        definition = json.loads(demo_call(now, f"t{uuid.uuid4().hex[:10]}").model_dump_json())
        definition["deadline"] = (now + open_for).isoformat()
        for organisation in definition["organisations"]:
            organisation["internal_deadline"] = None
        for rule in definition["tasks"].values():
            rule["due"], rule["ladder"] = {"after": "P1D"}, []
        await self.sessions["rhf-1"].post("intake", "/v1/calls", definition)
        self.call_id = definition["id"]
        return self.call_id

    async def drafts(self, count: int) -> list[Draft]:
        """Drafts with one real attachment each, of as many holders as there are."""
        holders = [_HOLDERS[n % len(_HOLDERS)] for n in range(count)]
        return list(await asyncio.gather(*(self.draft(holder) for holder in holders)))

    async def draft(self, holder: str, title: str | None = None) -> Draft:
        person = CAST.people[holder]
        role = replace(self._role, organisation=person.org or "HNT", title=title or self._role.title)
        session = self.sessions[holder]
        body = {"call_id": self.call_id, "category": role.category, "organisation": role.organisation}
        made = await session.post("intake", "/v1/applications", body)
        path = f"/v1/applications/{made['id']}"
        await session.patch("intake", path, content(role), await self._etag(session, path))
        uploaded = await self._attach_cv(session, path, role)
        check = await session.get("intake", f"{path}/check")
        assert check["ready"], check
        etag = await self._etag(session, path)
        return Draft(made["id"], session, etag, check["accept_findings"], uploaded)

    async def submit(self, draft: Draft, patience: float = 60) -> dict[str, Any]:
        """Send it under its one key, again and again until it is answered; the receipt."""
        async with asyncio.timeout(patience):
            while draft.receipt is None:
                with suppress(httpx.TransportError):
                    answer = await self.submit_once(draft)
                    if answer.status_code == 201:
                        draft.receipt = answer.json()
                        return draft.receipt
                    assert answer.status_code in (409, 503), answer.text
                draft.failures += 1
                await asyncio.sleep(0.1)
        return draft.receipt

    async def submit_once(self, draft: Draft) -> httpx.Response:
        """One attempt, with whatever comes of it."""
        token = await draft.session._fresh_token()
        headers = {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": draft.key,
            "If-Match": draft.etag,
        }
        url = self.web.url("intake", f"/v1/applications/{draft.id}/submission")
        return await self.web.http.post(url, json=draft.request, headers=headers)

    async def _attach_cv(self, session: Session, path: str, role: Role) -> dict[str, str]:
        cv = next(paper for paper in pdfs.papers(role) if paper.kind == "cv")
        announced = await session.post(
            "intake",
            f"{path}/attachments",
            {
                "kind": cv.kind,
                "filename": cv.filename,
                "content_type": cv.content_type,
                "size": len(cv.content),
                "sha256": cv.sha256,
            },
        )
        form = announced["upload"]
        files = {"file": (cv.filename, cv.content, cv.content_type)}
        (await self.web.http.post(form["url"], data=form["fields"], files=files)).raise_for_status()
        await session.post("intake", f"{path}/attachments/{announced['id']}/confirmation")
        return {announced["id"]: cv.sha256}

    async def _etag(self, session: Session, path: str) -> str:
        return (await session.request("GET", "intake", path)).headers["ETag"]
