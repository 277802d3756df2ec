"""A fresh database for each test: cloned from a migrated template, and emptied for the next test.

Emptying takes milliseconds where cloning takes a good part of a second. A database whose tables, rights or
functions a test has changed (to plant a fault, say) is not emptied but cloned anew.
"""

import atexit
import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
        _drop_leftovers(conn)
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
def fresh_database(template_name: str, *, brand_new: bool = False) -> Iterator[Settings]:
    """Settings of a database with the template's tables and no rows, this test's own while it runs.

    `brand_new`: neither used before nor afterwards, for tests whose processes leave traces of it elsewhere.
    """
    idle = [] if brand_new else _idle.setdefault(template_name, [])
    database = idle.pop() if idle else _Clone(template_name)
    try:
        if not brand_new and not database.emptied():
            database.drop()
            database = _Clone(template_name)
        yield stack_settings(postgres_db=database.name)
    finally:
        if brand_new:
            database.drop()
        else:
            idle.append(database)


class _Clone:
    """One database of this process, and the administrator's connection to it."""

    def __init__(self, template_name: str) -> None:
        self.name = f"innoflyt_test_{os.getpid()}_{next(_numbers)}"
        with server.connect(STACK, "postgres") as conn:
            conn.execute(f"create database {self.name} template {template_name} strategy wal_log")
        self._conn = server.connect(STACK, self.name)
        # For deleting without regard to foreign keys and to triggers that forbid it.
        self._conn.execute("set session_replication_role = replica")
        self._shape = self._conn.execute(_SHAPE, [list(SCHEMAS)]).fetchone()

    def emptied(self) -> bool:
        """Remove all rows; False when the database is not what it was made as, and must be made anew."""
        try:
            self._conn.execute(_END_SESSIONS)
            if self._conn.execute(_SHAPE, [list(SCHEMAS)]).fetchone() != self._shape:
                return False
            self._conn.execute(_EMPTY)
        except psycopg.OperationalError:
            return False  # the server was restarted in between
        return True

    def drop(self) -> None:
        with suppress(psycopg.OperationalError):
            self._conn.close()
            with server.connect(STACK, "postgres") as conn:
                conn.execute(f"drop database if exists {self.name} with (force)")


@atexit.register
def _drop_all() -> None:
    for database in itertools.chain.from_iterable(_idle.values()):
        database.drop()


_idle: dict[str, list[_Clone]] = {}

_END_SESSIONS = """
    select pg_terminate_backend(pid, 2000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"""

_SHAPE = """
    with schema as (select oid from pg_namespace where nspname = any(%s)),
    part (text) as (
      select concat_ws(' ', relname, relkind, relacl, relowner) from pg_class
        where relnamespace in (table schema)
      union all
      select concat_ws(' ', attrelid, attname, atttypid, attnotnull, attisdropped, attacl) from pg_attribute
        join pg_class on pg_class.oid = attrelid where relnamespace in (table schema)
      union all
      select concat_ws(' ', conname, conrelid, convalidated, pg_get_constraintdef(oid)) from pg_constraint
        where connamespace in (table schema)
      union all
      select concat_ws(' ', tgname, tgenabled) from pg_trigger join pg_class on pg_class.oid = tgrelid
        where relnamespace in (table schema)
      union all
      select concat_ws(' ', proname, prosrc, proacl) from pg_proc where pronamespace in (table schema)
      union all
      select concat_ws(' ', nspname, nspacl) from pg_namespace where oid in (table schema)
    )
    select md5(string_agg(text, '|' order by text)) from part"""

_EMPTY = """
    do $$
    declare
      one record;
    begin
      for one in select schemaname, tablename from pg_tables
                 where tableowner like '%\\_owner' and tablename <> 'schema_version' loop
        execute format('delete from %I.%I', one.schemaname, one.tablename);
      end loop;
      for one in select schemaname, sequencename from pg_sequences where sequenceowner like '%\\_owner' loop
        perform setval(format('%I.%I', one.schemaname, one.sequencename), 1, false);
      end loop;
    end $$"""


def _fingerprint(migrated: frozenset[str]) -> str:
    """Changes when any of these SQL files, or the provisioning of roles and schemas, changes."""
    digest = hashlib.sha256(Path(server.__file__).read_bytes())
    for folder in (KERNEL, *map(migrations_of, sorted(migrated))):
        for path in sorted(folder.glob("*.sql")):
            digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _drop_leftovers(conn: psycopg.Connection) -> None:
    """Databases of test runs that were killed, and all but the newest few templates.

    A run on an older state of the SQL may still be going on.
    """
    clones = """select datname, split_part(datname, '_', 3) from pg_database
                where starts_with(datname, 'innoflyt_test_')"""
    for name, pid in conn.execute(clones).fetchall():
        if not Path(f"/proc/{pid}").exists():
            conn.execute(f"drop database if exists {name} with (force)")
    old = "select datname from pg_database where starts_with(datname, %s) order by oid desc offset 12"
    for (name,) in conn.execute(old, [_TEMPLATE]).fetchall():
        conn.execute(f"drop database if exists {name} with (force)")
