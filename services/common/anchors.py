"""The ends of all audit chains, once a day, into a bucket from which nothing can be deleted.

Whoever owns the database could rewrite a whole chain with all its hashes. The anchored end would then be
missing from the chain, and `doctor` says so.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from services.common.db import Connection
from services.common.doctor import Check, Finding
from services.common.storage import Storage

if TYPE_CHECKING:
    from services.common.run import Worker

_KEPT = timedelta(days=3650)

ANCHORED = Check("audit anchor", "", "the audit chain no longer holds what was anchored outside the database")


async def anchor_heads(worker: "Worker") -> None:
    """Anchor today's heads, unless that was done."""
    async with worker.database.read() as conn:
        key = f"{await _folder(conn)}/{datetime.now(UTC):%Y-%m-%d}.json"
        heads = await conn.fetch("select key, n, hash from audit_head order by key")
    if heads and await worker.storage.anchors.stat(key) is None:
        text = json.dumps([[row["key"], row["n"], row["hash"]] for row in heads])
        until = datetime.now(UTC) + _KEPT
        await worker.storage.anchors.put(key, text.encode(), "application/json", retain_until=until)


async def compare(conn: Connection, storage: Storage) -> list[Finding]:
    """One finding for each chain that does not hold its newest anchored end."""
    names = await storage.anchors.names(f"{await _folder(conn)}/")
    if not names:
        return []
    findings = []
    for key, n, expected in json.loads(await storage.anchors.read(names[-1])):
        if await conn.fetchval("select hash from audit where key = $1 and n = $2", key, n) != expected:
            findings.append(Finding(ANCHORED, key, {"n": str(n), "anchored": names[-1]}))
    return findings


async def _folder(conn: Connection) -> str:
    """Where the anchors of this very database lie: a restored or renewed one begins anew."""
    folder: str = await conn.fetchval(
        """select concat_ws('/', current_schema(), datname, oid) from pg_database
           where datname = current_database()"""
    )
    return folder
