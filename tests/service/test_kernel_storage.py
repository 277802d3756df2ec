"""The object store as it is: a form admits one key, type and size; versions, copies, locks, outages."""

import asyncio
import os
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from minio.error import S3Error

from services.common.errors import InfrastructureDown, SettingsError
from services.common.storage import Storage
from tests.support import eventually
from tests.support.environment import stack_settings


@pytest.fixture
def storage():
    return Storage(stack_settings())


@pytest.fixture
def key():
    return f"kernel-test/{uuid.uuid4()}"


async def post(upload, content, **changes):
    async with httpx.AsyncClient() as client:
        files = {"file": ("any name", content)}
        return await client.post(upload.url, data={**upload.fields, **changes}, files=files)


async def test_a_form_admits_what_it_was_made_for(storage, key):
    upload = storage.quarantine.presigned_post(key, "application/pdf", 100, 60)
    assert (await post(upload, b"x" * 100)).status_code < 300
    info = await storage.quarantine.stat(key)
    assert (info.size, info.content_type) == (100, "application/pdf")
    assert await storage.quarantine.read(key) == b"x" * 100


async def test_a_form_admits_nothing_else(storage, key):
    upload = storage.quarantine.presigned_post(key, "application/pdf", 100, 60)
    other = f"{key}-other"
    assert (await post(upload, b"x" * 101)).status_code >= 400
    assert (await post(upload, b"")).status_code >= 400
    assert (await post(upload, b"x", key=other)).status_code >= 400
    assert (await post(upload, b"x", **{"Content-Type": "text/html"})).status_code >= 400
    expired = storage.quarantine.presigned_post(key, "application/pdf", 100, -5)
    assert (await post(expired, b"x")).status_code >= 400
    assert await storage.quarantine.stat(key) is None
    assert await storage.quarantine.stat(other) is None


async def test_streaming_copying_versions_and_deleting(storage, key):
    content = bytes(range(256)) * 4096
    await storage.quarantine.put(key, content, "application/octet-stream")
    assert b"".join([chunk async for chunk in storage.quarantine.stream(key)]) == content
    first = await storage.documents.copy(storage.quarantine, key, f"{key}-clean")
    second = await storage.documents.put(f"{key}-clean", b"newer", "text/plain")
    assert first
    assert second
    assert first != second
    await storage.quarantine.delete(key)
    await storage.quarantine.delete(key)
    with pytest.raises(FileNotFoundError):
        await storage.quarantine.read(key)
    assert await storage.documents.read(f"{key}-clean") == b"newer"


async def test_a_link_downloads_as_an_attachment_and_expires(storage, key):
    await storage.documents.put(key, b"content", "application/pdf")
    async with httpx.AsyncClient() as client:
        answer = await client.get(storage.documents.presigned_get(key, 'søknad "1".pdf', 60))
        assert answer.content == b"content"
        assert (
            answer.headers["content-disposition"] == "attachment; filename*=UTF-8''s%C3%B8knad%20%221%22.pdf"
        )
        assert (
            await client.get(f"http://{stack_settings().s3_endpoint}/{storage.documents.name}/{key}")
        ).status_code == 403


async def test_an_anchor_cannot_be_deleted_before_its_time(storage, key):
    until = datetime.now(UTC) + timedelta(minutes=5)
    version = await storage.anchors.put(key, b"{}", "application/json", retain_until=until)
    with pytest.raises(S3Error):
        storage.anchors._client.remove_object(
            bucket_name=storage.anchors.name, object_name=key, version_id=version
        )
    assert await storage.anchors.read(key) == b"{}"


async def test_a_store_that_is_away_is_infrastructure(key):
    storage = Storage(stack_settings(s3_endpoint="127.0.0.1:9"))
    with pytest.raises(InfrastructureDown):
        await storage.quarantine.stat(key)
    with pytest.raises(InfrastructureDown):
        await storage.quarantine.put(key, b"", "text/plain")
    with pytest.raises(InfrastructureDown):
        await storage.quarantine.read(key)
    assert storage.quarantine.presigned_post(key, "text/plain", 1, 1).url  # needs no connection


def test_credentials_are_asked_for_by_name():
    with pytest.raises(SettingsError, match="S3_ACCESS_KEY"):
        Storage(stack_settings(s3_access_key=""))


@asynccontextmanager
async def _in_its_place(answer):
    """Something that listens where the store should, and handles each connection so."""
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield Storage(stack_settings(s3_endpoint=f"127.0.0.1:{port}"))


@pytest.mark.parametrize("head", ["503 Service Unavailable", "502 Bad Gateway"])
async def test_what_stands_before_the_store_and_answers_for_it_is_infrastructure(key, head):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        page = b"<html>not now</html>"
        lines = f"HTTP/1.1 {head}\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n"
        writer.write(lines.encode() + page)
        await writer.drain()
        writer.close()

    async with _in_its_place(answer) as storage:
        with pytest.raises(InfrastructureDown):
            await storage.quarantine.stat(key)
        with pytest.raises(InfrastructureDown):
            await storage.quarantine.read(key)


async def test_a_store_that_hangs_takes_no_thread_that_names_are_looked_up_in(key):
    connected = []

    async def hang(reader, writer):
        connected.append(writer)
        await reader.read()

    default_threads = min(32, (os.cpu_count() or 1) + 4)
    async with _in_its_place(hang) as storage:
        waiting = [asyncio.create_task(storage.quarantine.stat(key)) for _ in range(2 * default_threads)]
        await eventually(lambda: len(connected) >= 10)
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().getaddrinfo("localhost", 1)
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        for writer in connected:
            writer.close()
