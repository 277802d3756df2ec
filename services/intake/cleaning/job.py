"""The job that cleans attachments: lease one, look into it, scan it, then promote or refuse it.

A lease keeps two workers off one file without holding a transaction open for as long as a scan takes; the
commands
that end it check the state again under lock. What is promoted are the very bytes that were inspected.
"""

import asyncio
import hashlib
import json
import signal
import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog

from services.common.holding import held
from services.common.outages import is_infrastructure
from services.common.record import Actor
from services.common.run import Worker, every
from services.common.telemetry import span
from services.intake.cleaning import inspector
from services.intake.cleaning.scanner import Scanner
from services.intake.commands import attachments as commands
from services.intake.store import attachments as store
from services.intake.store.attachments import Attachment

_AT_ONCE = 2
_PAUSE_SECONDS = 0.25
# Short, and renewed while its cleaner lives: a file whose cleaner was killed waits no longer than this.
_LEASE = timedelta(seconds=15)
_RENEW_SECONDS = 5.0
_INSPECTION_SECONDS = 20.0
_ACTOR = Actor("service", "intake")

_log = structlog.get_logger()


@dataclass(frozen=True)
class Verdict:
    """`reason` None: clean."""

    reason: str | None
    pages: int | None = None


async def clean_attachments(worker: Worker) -> None:
    """Clean what was verified, for ever, a few files at a time."""
    await asyncio.gather(*(every(_PAUSE_SECONDS, worker, clean_waiting) for _ in range(_AT_ONCE)))


async def clean_waiting(worker: Worker) -> None:
    """Clean one file after the other until none waits."""
    while True:
        async with worker.database.transaction() as conn:
            attachment = await store.lease_next(conn, _LEASE)
        if attachment is None:
            return
        renew = partial(store.renew, attachment_id=attachment.id, lease=_LEASE)
        try:
            async with held(worker.database, renew, seconds=_RENEW_SECONDS):
                await clean(worker, attachment)
        except Exception as error:
            # What is down comes back: tried again at once. A file that breaks us or the scanner waits for its
            # lease to end, so that the files behind it get their turn.
            if is_infrastructure(error):
                async with worker.database.transaction() as conn:
                    await store.release(conn, attachment.id)
            raise


async def clean(worker: Worker, attachment: Attachment) -> None:
    """Judge one file and write what came of it."""
    with span("intake.clean_attachment", application_id=str(attachment.application_id)):
        with tempfile.TemporaryDirectory(prefix="innoflyt-") as folder:
            path = Path(folder) / "file"
            scanner = Scanner(worker.settings.clamd_host, worker.settings.clamd_port)
            await scanner.ping()  # before anything is fetched for it
            verdict = await _fetch(worker, attachment, path)
            if verdict.reason is None:
                verdict = await inspect(path, attachment.content_type)
            if await scanner.is_infected(path):
                verdict = Verdict("infected")
            version = None
            if verdict.reason is None:
                version = await worker.storage.documents.put(
                    attachment.object_key, path.read_bytes(), attachment.content_type
                )
        async with worker.database.transaction() as conn:
            if verdict.reason is None:
                await commands.mark_clean(conn, attachment.id, verdict.pages, version, _ACTOR)
            else:
                await commands.mark_refused(
                    conn, attachment.application_id, attachment.id, verdict.reason, _ACTOR
                )
    _log.info(
        "attachment judged",
        application_id=str(attachment.application_id),
        attachment_id=str(attachment.id),
        reason=verdict.reason or "clean",
    )


async def _fetch(worker: Worker, attachment: Attachment, path: Path) -> Verdict:
    """The object into a file of ours; it must still be what was verified."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("wb") as file:
            async for chunk in worker.storage.quarantine.stream(attachment.object_key):
                size += len(chunk)
                if size > attachment.size:
                    return Verdict("changed")
                digest.update(chunk)
                file.write(chunk)
    except FileNotFoundError:
        return Verdict("unreadable")
    return Verdict(None if digest.hexdigest() == attachment.sha256 else "changed")


async def inspect(path: Path, content_type: str) -> Verdict:
    """Look into the file in a child process with limits; one that is killed by them held a bomb."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        inspector.__file__,
        str(path),
        content_type,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(_INSPECTION_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return Verdict("too_large")
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return Verdict("too_large")
    if process.returncode != 0:
        return Verdict("unreadable")
    found = json.loads(output)
    return Verdict(found["reason"], found["pages"])
