"""A fresh database for each test, cloned from a template in which every schema is migrated."""

import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg

from deploy.stack.servers import postgres as server
from deploy.stack.settings import ROOT
from services.common.migrate import KERNEL, migrate
from services.common.settings import SCHEMAS, Settings
from tests.support.environment import STACK, stack_settings

_TEMPLATE = "innoflyt_template_"
_numbers = itertools.count()


def migrations_of(schema: str) -> Path:
    """The folder with the SQL files of a schema."""
    return ROOT / ("workflows" if schema == "workflows" else f"services/{schema}") / "migrations"


@cache
def template(migrated: frozenset[str] = frozenset(SCHEMAS)) -> str:
    """Name of a database with the SQL files as they stand now; made by whoever asks first.

    Every schema has the kernel's tables; those in `migrated` have the tables of their service too.
    """
    name = _TEMPLATE + _fingerprint(migrated)
    with server.connect(STACK, "postgres") as conn:
        conn.execute("select pg_advisory_lock(hashtextextended('innoflyt test template', 0))")
        if conn.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return name
        _drop_old_templates(conn)
        server.provision(STACK)
        unfinished = f"{name}_unfinished"
        conn.execute(f"drop database if exists {unfinished} with (force)")
        server.create_database(STACK, unfinished)
        settings = stack_settings(postgres_db=unfinished)
        for schema in SCHEMAS:
            migrate(settings, schema, migrations_of(schema) if schema in migrated else KERNEL / "none")
        conn.execute(f"alter database {unfinished} rename to {name}")
    return name


@contextmanager
def fresh_database(template_name: str) -> Iterator[Settings]:
    """Settings whose database is a copy of the template, dropped afterwards."""
    name = f"innoflyt_test_{os.getpid()}_{next(_numbers)}"
    with server.connect(STACK, "postgres") as conn:
        conn.execute(f"create database {name} template {template_name} strategy wal_log")
    try:
        yield stack_settings(postgres_db=name)
    finally:
        with server.connect(STACK, "postgres") as conn:
            conn.execute(f"drop database if exists {name} with (force)")


def _fingerprint(migrated: frozenset[str]) -> str:
    """Changes when any of these SQL files, or the provisioning of roles and schemas, changes."""
    digest = hashlib.sha256(Path(server.__file__).read_bytes())
    for folder in (KERNEL, *map(migrations_of, sorted(migrated))):
        for path in sorted(folder.glob("*.sql")):
            digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _drop_old_templates(conn: psycopg.Connection) -> None:
    """All but the newest few: a test run on an older state of the SQL may still be going on."""
    old = "select datname from pg_database where starts_with(datname, %s) order by oid desc offset 12"
    for (name,) in conn.execute(old, [_TEMPLATE]).fetchall():
        conn.execute(f"drop database if exists {name} with (force)")
