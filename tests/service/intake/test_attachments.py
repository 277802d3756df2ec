"""Attachments on the real store and scanner: uploaded, verified, cleaned, refused and handed back."""
# Longer than 300 lines because each way that a file can go is one short test over the same few helpers.

import asyncio
import hashlib
import io
import struct
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pikepdf
import pytest

from services.common.errors import InfrastructureDown
from services.common.run import Worker
from services.common.storage import Storage
from services.intake.cleaning import job
from services.intake.cleaning.job import clean_waiting
from services.intake.cleaning.scanner import CannotScan
from services.intake.store import attachments as store
from tests.service.intake.world import World, made, problem
from tests.support.tokens import Person

# Assembled here, so that no scanner objects to the repository itself.
EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!" + "$H+H*").encode()


def pdf(pages: int = 1, *, javascript: bool = False, attached: bytes | None = None) -> bytes:
    """A real PDF of this many empty pages."""
    made_pdf = pikepdf.new()
    for _ in range(pages):
        made_pdf.add_blank_page()
    if javascript:
        action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
        made_pdf.Root.OpenAction = made_pdf.make_indirect(action)
    if attached is not None:
        made_pdf.attachments["file.txt"] = attached
    buffer = io.BytesIO()
    made_pdf.save(buffer, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return buffer.getvalue()


@pytest.fixture
async def worker(world: World) -> Worker:
    """What the cleaning job gets; it never asks for the workflow engine."""
    return Worker(world.settings, world.database, Storage(world.settings), temporal=None)  # type: ignore[arg-type]


async def announce(
    world: World, holder: Person, application_id: UUID, content: bytes, **changes: Any
) -> httpx.Response:
    body = {
        "kind": "cv",
        "filename": "cv.pdf",
        "content_type": "application/pdf",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return await world.api.post(holder, f"/v1/applications/{application_id}/attachments", body | changes)


async def upload(announced: dict[str, Any], content: bytes, **fields: str) -> httpx.Response:
    form = announced["upload"]
    async with httpx.AsyncClient() as client:
        return await client.post(
            form["url"], data=form["fields"] | fields, files={"file": ("file", content, "application/pdf")}
        )


async def attach(world: World, holder: Person, application_id: UUID, content: bytes, **changes: Any) -> str:
    """Announce, upload and confirm; returns the path of the attachment."""
    announced = made(await announce(world, holder, application_id, content, **changes))
    assert (await upload(announced, content)).status_code in (200, 204)
    path = f"/v1/applications/{application_id}/attachments/{announced['id']}"
    assert made(await world.api.post(holder, f"{path}/confirmation"))["state"] == "verified"
    return path


async def test_a_clean_file_comes_back_with_its_own_bytes_and_name(world: World, worker: Worker) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    content = pdf(2)
    path = await attach(world, holder, application_id, content, filename="../../etc/min cv æøå.pdf")
    waiting = problem(await world.api.get(holder, f"{path}/download"), 409, "not-yet-clean")
    assert waiting["state"] == "verified"
    await clean_waiting(worker)
    [listed] = (await world.api.get(holder, f"/v1/applications/{application_id}/attachments")).json()["items"]
    assert (listed["state"], listed["pages"], listed["filename"]) == ("clean", 2, "min cv æøå.pdf")
    url = (await world.api.get(holder, f"{path}/download")).json()["url"]
    async with httpx.AsyncClient() as client:
        downloaded = await client.get(url)
    assert downloaded.content == content
    assert downloaded.headers["content-disposition"].startswith("attachment")
    assert len(await world.facts(application_id, "attachment-cleaned")) == 1


async def test_the_store_takes_only_what_was_announced(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    content = pdf()
    announced = made(await announce(world, holder, application_id, content))
    confirmation = f"/v1/applications/{application_id}/attachments/{announced['id']}/confirmation"
    problem(await world.api.post(holder, confirmation), 409, "upload-incomplete")
    assert (await upload(announced, content + b"x")).status_code == 400
    assert (await upload(announced, content, key="somebody/elses")).status_code == 403
    other = b"%PDF-" + bytes(len(content) - 5)
    assert (await upload(announced, other)).status_code in (200, 204)
    mismatch = problem(await world.api.post(holder, confirmation), 422, "upload-mismatch")
    assert mismatch["errors"][0]["field"] == "sha256"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "poem"}, "kind"),
    ({"content_type": "text/html"}, "content_type"),
    ({"size": 30_000_000}, "size"),
    ({"sha256": "abc"}, "sha256"),
    ({"filename": "/"}, "filename"),
    ({"size": 0}, "size"),
    ({"object_key": "mine"}, "object_key"),
]


async def test_what_the_call_does_not_take_is_refused_by_field(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    for changes, field in WRONG:
        refused = problem(await announce(world, holder, application_id, pdf(), **changes), 422, "invalid")
        assert refused["errors"][0]["field"] == field


async def test_a_file_that_is_not_what_it_says_is_not_verified(world: World) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    content = b"<html><script>alert(1)</script></html>"
    announced = made(await announce(world, holder, application_id, content))
    await upload(announced, content)
    path = f"/v1/applications/{application_id}/attachments/{announced['id']}/confirmation"
    refused = problem(await world.api.post(holder, path), 422, "upload-mismatch")
    assert refused["errors"][0]["field"] == "content_type"


async def test_an_infected_cv_is_seen_in_the_live_check_and_replaced(world: World, worker: Worker) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    await world.attach(application_id, "project_description")
    await world.endorse(holder, application_id)
    path = await attach(world, holder, application_id, pdf() + b"\n%" + EICAR + b"\n")
    await clean_waiting(worker)
    check = (await world.api.get(holder, f"/v1/applications/{application_id}/check")).json()
    assert [(e["rule"], e["field"], e["value"]) for e in check["findings"]] == [
        ("X09", "attachments.cv", "infected")
    ]
    [fact] = await world.facts(application_id, "attachment-refused")
    assert (fact["kind"], fact["reason"], fact["holder_id"]) == ("cv", "infected", str(holder.id))
    problem(await world.api.get(holder, f"{path}/download"), 409, "not-yet-clean")
    assert await Storage(world.settings).documents.stat(path.split("/")[3] + "/" + path.split("/")[5]) is None
    await attach(world, holder, application_id, pdf())
    await clean_waiting(worker)
    check = (await world.api.get(holder, f"/v1/applications/{application_id}/check")).json()
    assert check["findings"] == []
    made(await world.submit(holder, application_id))


async def test_scripts_embedded_files_and_double_natures_are_refused(world: World, worker: Worker) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "a")
    cases = {
        "active_content": [pdf(javascript=True), pdf(attached=b"MZ")],
        "wrong_type": [pdf() + archive.getvalue()],
        "unreadable": [b"%PDF-1.7\nthis is not a PDF at all"],
    }
    for reason, contents in cases.items():
        for content in contents:
            path = await attach(world, holder, application_id, content)
            await clean_waiting(worker)
            fact = (await world.facts(application_id, "attachment-refused"))[-1]
            assert (fact["attachment_id"], fact["reason"]) == (path.rpartition("/")[2], reason)


async def test_a_file_changed_after_it_was_verified_is_refused(world: World, worker: Worker) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    content = pdf()
    announced = made(await announce(world, holder, application_id, content))
    await upload(announced, content)
    path = f"/v1/applications/{application_id}/attachments/{announced['id']}"
    made(await world.api.post(holder, f"{path}/confirmation"))
    other = pdf(3)[: len(content)].ljust(len(content), b"\n")
    assert (await upload(announced, other)).status_code in (200, 204)
    await clean_waiting(worker)
    [fact] = await world.facts(application_id, "attachment-refused")
    assert fact["reason"] == "changed"


async def test_a_file_refused_after_submission_hands_the_case_back_before_the_deadline(
    world: World, worker: Worker
) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    await world.attach(application_id, "project_description")
    await world.endorse(holder, application_id)
    await attach(world, holder, application_id, pdf() + b"\n%" + EICAR + b"\n")
    made(await world.submit(holder, application_id))
    await clean_waiting(worker)
    [returned] = await world.facts(application_id, "application-returned")
    assert (returned["version"], returned["cause"]) == (1, "attachment_refused")
    assert (await world.status(holder, application_id))["state"] == "returned"
    await attach(world, holder, application_id, pdf())
    await clean_waiting(worker)
    receipt = made(await world.submit(holder, application_id))
    assert receipt["version"] == 2


async def test_a_confirmation_whose_answer_was_lost_is_answered_alike_after_the_submission(
    world: World,
) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    await world.attach(application_id, "project_description")
    await world.endorse(holder, application_id)
    content = pdf()
    announced = made(await announce(world, holder, application_id, content))
    await upload(announced, content)
    path = f"/v1/applications/{application_id}/attachments/{announced['id']}/confirmation"
    first = await world.api.post(holder, path, key="once")
    made(await world.submit(holder, application_id))
    again = await world.api.post(holder, path, key="once")
    assert made(again) == made(first)
    assert again.headers["idempotent-replay"] == "true"
    problem(await world.api.post(holder, path), 409, "step-out-of-order")


async def test_a_file_deleted_while_it_is_cleaned_is_neither_promoted_nor_refused(
    world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)

    async def inspect_and_meanwhile_delete(path: Path, content_type: str) -> job.Verdict:
        verdict = await inspect(path, content_type)
        assert (await world.api.delete(holder, attached)).status_code == 204
        return verdict

    inspect = job.inspect
    monkeypatch.setattr(job, "inspect", inspect_and_meanwhile_delete)
    for content in (pdf(), pdf(javascript=True)):
        attached = await attach(world, holder, application_id, content)
        await clean_waiting(worker)
    assert await world.facts(application_id, "attachment-cleaned") == []
    assert await world.facts(application_id, "attachment-refused") == []


async def test_a_scanner_that_is_away_keeps_the_file_in_quarantine(
    world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    await attach(world, holder, application_id, pdf())
    away = Worker(
        world.settings.model_copy(update={"clamd_port": 1}), world.database, worker.storage, worker.temporal
    )
    inspected: list[Path] = []
    with monkeypatch.context() as patched, pytest.raises(InfrastructureDown, match="scanner"):
        patched.setattr(job, "inspect", inspected.append)
        await clean_waiting(away)
    assert not inspected, "it is asked for first: an hour of its absence must not be an hour of inspections"
    [listed] = (await world.api.get(holder, f"/v1/applications/{application_id}/attachments")).json()["items"]
    assert listed["state"] == "verified"
    await clean_waiting(worker)
    [listed] = (await world.api.get(holder, f"/v1/applications/{application_id}/attachments")).json()["items"]
    assert listed["state"] == "clean"


async def test_files_that_the_scanner_cannot_scan_hold_up_no_other_file(world: World, worker: Worker) -> None:
    holder = world.person(organisation="HMR")
    application_id = await world.draft(holder)
    bad, broken, good = pdf(2), pdf(3), pdf(4)
    for content in (bad, broken, good):
        await attach(world, holder, application_id, content)

    async def scan(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readuntil(b"\0") == b"zPING\0":
            writer.write(b"PONG\0")
            writer.close()
            return
        size = struct.unpack(">I", await reader.readexactly(4))[0]
        if size == len(bad):
            writer.write(b"INSTREAM size limit exceeded. ERROR\0")
        elif size == len(good):
            writer.write(b"stream: OK\0")
        writer.close()

    async with await asyncio.start_server(scan, "127.0.0.1", 0) as clamd:
        port = clamd.sockets[0].getsockname()[1]
        settings = world.settings.model_copy(update={"clamd_host": "127.0.0.1", "clamd_port": port})
        straining = Worker(settings, world.database, worker.storage, worker.temporal)
        for _ in range(2):
            with pytest.raises(CannotScan):
                await clean_waiting(straining)
        await clean_waiting(straining)
    listed = (await world.api.get(holder, f"/v1/applications/{application_id}/attachments")).json()["items"]
    assert [file["state"] for file in listed] == ["verified", "verified", "clean"]

    newest = await attach(world, holder, application_id, pdf(5))
    async with world.database.transaction() as conn:
        await conn.execute("update attachment set lease_until = now() - interval '1 second'")
        await conn.execute("update attachment set lease_until = null where id = $1", UUID(newest[-36:]))
        first = await store.lease_next(conn, timedelta(seconds=1))
    assert first is not None
    assert str(first.id) == newest[-36:]


async def test_ids_of_other_applications_find_nothing(world: World, worker: Worker) -> None:
    holder, other = world.person(organisation="HMR"), world.person(organisation="HMR")
    mine, theirs = await world.draft(holder), await world.draft(other)
    path = await attach(world, holder, mine, pdf())
    await clean_waiting(worker)
    attachment_id = path.rpartition("/")[2]
    crossed = f"/v1/applications/{theirs}/attachments/{attachment_id}"
    problem(await world.api.get(other, f"{crossed}/download"), 404, "not-found")
    problem(await world.api.delete(other, crossed), 404, "not-found")
    problem(await world.api.post(other, f"{crossed}/confirmation"), 404, "not-found")
    problem(await world.api.get(other, f"{path}/download"), 404, "not-found")
    assert (await world.api.delete(holder, path)).status_code == 204
    problem(await world.api.get(holder, f"{path}/download"), 404, "not-found")
