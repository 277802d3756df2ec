"""PostgreSQL: one database `innoflyt`, one schema per service, an owner and an app role for each.

`<s>_owner` owns the schema and migrates it. `<s>_app` reads and writes rows and has no DDL. `inspector` reads
everything and writes nothing. Nobody but the administrator can use the schema `public`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from ..programs import Program
from ..settings import SCHEMAS, Settings

BIN = Path("/usr/lib/postgresql/15/bin")
_SYSTEM_USER = "postgres"


def data_folder(settings: Settings) -> Path:
    """Within the stack's folder, unless the system user postgres cannot enter the clone."""
    inside = settings.folder / "postgres"
    if os.getuid() != 0 or _reaches(settings.folder):
        return inside
    key = hashlib.sha256(os.fsencode(settings.folder)).hexdigest()[:16]
    return Path("/var/tmp") / f"innoflyt-postgres-{key}"


def prepare(settings: Settings) -> None:
    """Create the data folder once; a folder that a killed run left half made is made anew."""
    folder = data_folder(settings)
    if (folder / "PG_VERSION").exists() and (folder / "complete").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if os.getuid() == 0:
        shutil.chown(folder, _SYSTEM_USER, _SYSTEM_USER)
    folder.chmod(0o700)
    with tempfile.NamedTemporaryFile("w", prefix="innoflyt-", dir="/var/tmp") as password:
        password.write(settings["POSTGRES_ADMIN_PASSWORD"])
        password.flush()
        if os.getuid() == 0:
            shutil.chown(password.name, _SYSTEM_USER)
        subprocess.run(
            [
                *_as_system_user(),
                str(BIN / "initdb"),
                *("-D", str(folder), "-U", settings["POSTGRES_ADMIN_USER"]),
                *("-A", "scram-sha-256", f"--pwfile={password.name}", "-E", "UTF8", "--locale=C.UTF-8"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
    (folder / "complete").touch()


def program(settings: Settings) -> Program:
    options = {
        "listen_addresses": "127.0.0.1",
        "port": settings["POSTGRES_PORT"],
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_duration_statement": "1000",
    }
    return Program(
        name="postgres",
        command=(
            *_as_system_user(),
            str(BIN / "postgres"),
            *("-D", str(data_folder(settings))),
            *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
        ),
        stop_signal="INT",
        stop_group=False,
        ports=("POSTGRES_PORT",),
    )


def ready(settings: Settings) -> None:
    connect(settings, "postgres").close()


def connect(settings: Settings, database: str | None = None) -> psycopg.Connection:
    """A connection of the administrator, for provisioning alone: no service ever has one."""
    return psycopg.connect(
        host=settings["POSTGRES_HOST"],
        port=settings.port("POSTGRES_PORT"),
        user=settings["POSTGRES_ADMIN_USER"],
        password=settings["POSTGRES_ADMIN_PASSWORD"],
        dbname=database or settings["POSTGRES_DB"],
        autocommit=True,
        connect_timeout=5,
    )


def provision(settings: Settings) -> None:
    """Make the roles and the database of Innoflyt; what is there already only gets its present password."""
    with connect(settings, "postgres") as conn:
        for schema in SCHEMAS:
            for role in ("owner", "app"):
                _role(conn, f"{schema}_{role}", settings[f"{schema.upper()}_{role.upper()}_PASSWORD"])
                _execute(conn, "alter role {} set search_path = {}", f"{schema}_{role}", schema)
        _role(conn, "inspector", settings["INSPECTOR_PASSWORD"])
        conn.execute("alter role inspector set default_transaction_read_only = on")
    create_database(settings, settings["POSTGRES_DB"])


def create_database(settings: Settings, name: str) -> None:
    """Make a database with empty schemas and their grants; does nothing where it is made already.

    Tests make their own with this, migrate it, and use it as a template.
    """
    with connect(settings, "postgres") as conn:
        if not conn.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            _execute(conn, "create database {}", name)
        _execute(conn, "revoke all on database {} from public", name)
        for schema in SCHEMAS:
            for role in (f"{schema}_owner", f"{schema}_app"):
                _execute(conn, "grant connect on database {} to {}", name, role)
        _execute(conn, "grant connect on database {} to inspector", name)
    with connect(settings, name) as conn, conn.transaction():
        conn.execute("revoke all on schema public from public")
        for schema in SCHEMAS:
            owner, app = f"{schema}_owner", f"{schema}_app"
            _execute(conn, "create schema if not exists {} authorization {}", schema, owner)
            _execute(conn, "grant usage on schema {} to {}, inspector", schema, app)
            defaults: LiteralString = "alter default privileges for role {} in schema {} grant "
            _execute(conn, defaults + "select, insert, update, delete on tables to {}", owner, schema, app)
            _execute(conn, defaults + "usage, select on sequences to {}", owner, schema, app)
            _execute(conn, defaults + "select on tables to inspector", owner, schema)
            _execute(conn, defaults + "select on sequences to inspector", owner, schema)


def _role(conn: psycopg.Connection, name: str, password: str) -> None:
    known = conn.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone()
    verb: LiteralString = "alter role {} login password {}" if known else "create role {} login password {}"
    conn.execute(sql.SQL(verb).format(sql.Identifier(name), sql.Literal(password)))


def create_owned_database(settings: Settings, name: str, owner: str, password: str) -> None:
    """A database that belongs to another server, such as Temporal, with a role of its own."""
    with connect(settings, "postgres") as conn:
        _role(conn, owner, password)
        if not conn.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            _execute(conn, "create database {} owner {}", name, owner)
        _execute(conn, "revoke all on database {} from public", name)


def _execute(conn: psycopg.Connection, text: LiteralString, *names: str) -> None:
    conn.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


def _as_system_user() -> tuple[str, ...]:
    """Postgres refuses to run as root."""
    if os.getuid() != 0:
        return ()
    return ("setpriv", f"--reuid={_SYSTEM_USER}", f"--regid={_SYSTEM_USER}", "--init-groups", "--")


def _reaches(folder: Path) -> bool:
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return subprocess.run([*_as_system_user(), "test", "-x", str(nearest)], cwd="/").returncode == 0
