"""An applicant until the application is received: draft, papers, endorsement, live check, submission."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from deploy.demo import pdfs
from deploy.demo.cast import Role
from deploy.demo.client import Session
from deploy.demo.pdfs import Paper
from deploy.demo.world import World, instant

_AREAS = ("P01", "P03", "P05", "P09", "P13")
_GROUPS = ("children_and_youth", "multiple_chronic_conditions", "severe_mental_illness")
_SIGNERS = {"klinikksjef": "clinic", "administrerende_direktor": "director"}


# Those whose story must happen before the deadline write first.
_FIRST = ("A12", "A15", "A16", "A13", "A11")
_DESKS = 4


async def everybody_applies(world: World, papers: Mapping[str, list[Paper]]) -> None:
    """A few write at a time: on a small machine each is then finished early instead of all of them late."""
    desks = asyncio.Semaphore(_DESKS)
    refs = sorted(world.cast.applications, key=lambda ref: ref not in _FIRST)
    async with asyncio.TaskGroup() as group:
        for ref in refs:
            group.create_task(_apply(world, world.cast.applications[ref], papers[ref], desks))


async def _apply(world: World, role: Role, papers: list[Paper], desks: asyncio.Semaphore) -> None:
    """From the empty draft to the receipt, and on to whatever makes this application's story."""
    session = world.holder(role)
    async with desks:
        path = await _write(world, role, session, papers)
    if role.ref == "A15":
        await _replace_refused_cv(world, role, session, path, papers)
    await _endorsed(world, role, session, path)
    await _submit(world, role, session, path)
    if role.ref == "A12":
        await _mend(world, role, session, path)
    if role.ref == "A16":
        await _withdraw(world, role, session, path)


async def _write(world: World, role: Role, session: Session, papers: list[Paper]) -> str:
    """The draft with its papers; its path."""
    world.doing[role.ref] = "writes the draft"
    draft = await session.post(
        "intake",
        "/v1/applications",
        {"call_id": world.call_id, "category": role.category, "organisation": role.organisation},
    )
    world.ids[role.ref] = draft["id"]
    path = f"/v1/applications/{draft['id']}"
    await _save(session, path, content(role))
    for paper in papers:
        bad = role.ref == "A15" and paper.kind == "cv"
        await upload(world, session, path, pdfs.infected(paper) if bad else paper)
    return path


def content(role: Role) -> dict[str, Any]:
    """What the holder writes into the form."""
    form: dict[str, Any] = {
        "summary": f"Prosjektet lager {role.idea}. {role.benefit}",
        "need": role.problem,
        "benefit": role.benefit,
        "plan": "Kartlegging i to måneder, utprøving i fire, evaluering og deling i seks måneder.",
    }
    if role.category == "transfer":
        form["transfer_from"] = "Et annet helseforetak i en annen helseregion"
        form["transferability"] = "Arbeidsformen er beskrevet steg for steg og krever ikke nytt utstyr."
    else:
        form["novelty"] = f"Ingen i regionen har prøvd {role.idea}."
        form["collaboration"] = (
            "Klinikken, kommunene og brukerorganisasjonene deltar gjennom hele prosjektet."
        )
    if role.category == "service":
        form["user_involvement"] = "To brukerrepresentanter sitter i prosjektgruppen."
    total = role.amount + role.own_share
    lines = {"salary": total - 60_000, "travel": 20_000, "operation": 40_000}
    number = int(role.ref[1:])
    return {
        "title": role.title,
        "statement": f"{role.title}: {role.idea}.",
        "form": form,
        "budget": {"lines": lines, "own_share": role.own_share, "applied_amount": role.amount},
        "priority_areas": [] if role.category == "product" else [_AREAS[number % len(_AREAS)]],
        "patient_groups": [_GROUPS[number % len(_GROUPS)]],
        "touches": list(role.touches),
        "leader_employment_percent": 60,
        "earlier_awards": 0,
    }


async def upload(world: World, session: Session, path: str, paper: Paper) -> str:
    """Announce, send straight to the store, confirm; the id of the attachment."""
    announced = await session.post(
        "intake",
        f"{path}/attachments",
        {
            "kind": paper.kind,
            "filename": paper.filename,
            "content_type": paper.content_type,
            "size": len(paper.content),
            "sha256": paper.sha256,
        },
    )
    form = announced["upload"]
    sent = await world.web.http.post(
        form["url"],
        data=form["fields"],
        files={"file": (paper.filename, paper.content, paper.content_type)},
    )
    sent.raise_for_status()
    await session.post("intake", f"{path}/attachments/{announced['id']}/confirmation")
    return str(announced["id"])


async def _save(session: Session, path: str, patch: dict[str, Any]) -> None:
    draft = await session.request("GET", "intake", path)
    await session.patch("intake", path, patch, draft.headers["ETag"])


async def _replace_refused_cv(
    world: World, role: Role, session: Session, path: str, papers: list[Paper]
) -> None:
    """A15: the scanner finds something in the CV, and the live check says so while it is still a draft."""
    world.doing[role.ref] = "waits for the virus scan of an infected CV"
    while True:
        check = await session.get("intake", f"{path}/check")
        found = [each for each in check["findings"] if each["field"] == "attachments.cv"]
        if any(each["rule"] == "X09" and each["value"] == "infected" for each in found):
            break
        await asyncio.sleep(0.3)
    listed = await session.get("intake", f"{path}/attachments")
    bad = next(each["id"] for each in listed["items"] if each["state"] == "refused")
    download = await session.status("intake", f"{path}/attachments/{bad}/download")
    world.require(download in (404, 409), role.ref, f"an infected file could be downloaded ({download})")
    world.saw(role.ref, "cv_refused")
    await session.request("DELETE", "intake", f"{path}/attachments/{bad}")
    await upload(world, session, path, next(paper for paper in papers if paper.kind == "cv"))


async def _endorsed(world: World, role: Role, session: Session, path: str) -> None:
    for position in world.endorsement_chain[role.organisation]:
        signer = world.cast.people[f"{_SIGNERS[position]}-{role.organisation.lower()}"]
        world.doing[role.ref] = f"waits for the endorsement of {signer.name}"
        body = {"position": position, "email": signer.email}
        asked = await session.post("intake", f"{path}/endorsements", body)
        await world.flag(f"{asked['id']} is endorsed").wait()
        listed = await session.get("intake", f"{path}/endorsements")
        state = next(each["state"] for each in listed["items"] if each["id"] == asked["id"])
        world.require(state == "endorsed", role.ref, f"the endorsement of {signer.name} is {state}")


async def _submit(world: World, role: Role, session: Session, path: str) -> None:
    check = await session.get("intake", f"{path}/check")
    expected = sorted(role.findings)
    world.require(
        check["accept_findings"] == expected and check["ready"],
        role.ref,
        f"the live check finds {check['findings']}, expected {expected}",
    )
    draft = await session.request("GET", "intake", path)
    body = {"accept_findings": check["accept_findings"]}
    answer = await session.request(
        "POST", "intake", f"{path}/submission", json=body, etag=draft.headers["ETag"]
    )
    receipt = answer.json()
    world.doing[role.ref] = "is received"
    world.tell(role.ref, f"received as {receipt['case_number']}, version {receipt['version']}")


async def _mend(world: World, role: Role, session: Session, path: str) -> None:
    """A12: the trust wants something mended that leaves budget and plan, and so the endorsement, alone."""
    world.doing[role.ref] = "waits for the trust to return it"
    while True:
        status = await session.get("intake", f"{path}/status")
        if status["stage"] == "returned":
            break
        await asyncio.sleep(0.3)
    world.saw(role.ref, "returned")
    who = {"form": {"user_involvement": "Fem ungdommer fra ungdomspanelet er med i prosjektgruppen."}}
    await _save(session, path, who)
    await _submit(world, role, session, path)
    receipt = await session.get("intake", f"{path}/receipt")
    world.require(receipt["version"] == 2, role.ref, f"resubmitted as version {receipt['version']}")
    world.require(
        instant(receipt["submitted_at"]) < world.deadline, role.ref, "resubmitted after the deadline"
    )
    world.saw(role.ref, "resubmitted")


async def _withdraw(world: World, role: Role, session: Session, path: str) -> None:
    """A16: withdrawn as soon as the consultation is listed, which closes by itself."""
    world.doing[role.ref] = "waits for its consultation to be listed"
    await world.flag("A16 consultation listed").wait()
    await session.post("intake", f"{path}/withdrawal", {"reason": "Prosjektet er løst på en annen måte."})
    task_id = world.listed[role.ref]
    consultant = world.as_("consultant-hp")
    for _ in range(60):
        task = await consultant.get("review", f"/v1/tasks/{task_id}")
        if task["state"] == "cancelled":
            return
        await asyncio.sleep(0.25)
    world.require(False, role.ref, "the consultation did not close when the application was withdrawn")
