"""Migrations: numbered plain SQL files, ordered and remembered by Alembic, one version table per schema.

Two lines of revisions meet in each schema: the kernel's (`services/common/sql`) and the service's own, whose
first file comes after the kernel's first. Files are never edited once released; a change is a new file.
"""

import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import sqlalchemy as sa
import structlog
from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap

from services.common.settings import Settings

KERNEL = Path(__file__).parent / "sql"

_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_WAIT_FOR_POSTGRES_SECONDS = 60.0

_log = structlog.get_logger()


def migrate(settings: Settings, schema: str, migrations: Path) -> list[str]:
    """Bring the schema up to date, in one transaction, as role `<schema>_owner`; returns what was applied.

    Several at once are harmless: the second waits and finds nothing to do. ValueError for a badly named file.
    """
    revisions = [*_line("kernel", KERNEL, None), *_line(schema, migrations, "kernel_0001")]
    engine = sa.create_engine(
        sa.URL.create(
            "postgresql+psycopg",
            username=f"{schema}_owner",
            password=settings.password(schema, "owner"),
            host=settings.postgres_host,
            port=settings.postgres_port,
            database=settings.postgres_db,
        ),
        connect_args={"options": f"-c search_path={schema} -c timezone=UTC", "connect_timeout": 5},
        poolclass=sa.NullPool,
    )
    _wait_for(engine)
    with engine.begin() as connection:
        connection.execute(
            sa.text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"migrate {schema}"}
        )
        found = connection.execute(
            sa.text("select from pg_namespace where nspname = :name"), {"name": schema}
        )
        if found.first() is None:
            connection.execute(sa.text(f'create schema "{schema}"'))
        return _upgrade(connection, schema, revisions)


def files(migrations: Path) -> list[Path]:
    """The SQL files of one line in order. ValueError for a bad name, or a number that is used twice."""
    found = sorted(migrations.glob("*.sql"))
    for path, previous in zip(found, [None, *found], strict=False):
        if not _FILE.fullmatch(path.name):
            raise ValueError(f"{path.name}: migrations are called 0001_what_it_does.sql")
        if previous is not None and path.name[:4] == previous.name[:4]:
            raise ValueError(f"{path.name}: {previous.name} has this number already")
    return found


def _line(name: str, folder: Path, after: str | None) -> Iterator[Script]:
    """The files as Alembic revisions `<name>_0001`, `<name>_0002`, ...; the first depends on `after`."""
    previous = None
    for path in files(folder):
        revision = f"{name}_{path.name[:4]}"
        module = ModuleType(revision)
        vars(module).update(revision=revision, down_revision=previous, upgrade=_runs(path))
        vars(module)["depends_on"] = after if previous is None else None
        yield Script(module, revision, str(path))
        previous = revision


def _runs(path: Path) -> Any:
    sql = path.read_text(encoding="utf-8")

    def upgrade() -> None:
        # Without parameters the driver sends the file as it is, with all its statements.
        op.get_bind().execution_options(no_parameters=True).exec_driver_sql(sql)

    return upgrade


def _upgrade(connection: sa.Connection, schema: str, revisions: Sequence[Script]) -> list[str]:
    applied: list[str] = []

    def steps(current: Any, context: MigrationContext) -> Any:
        return script._upgrade_revs("heads", current)

    def note(*, step: Any, ctx: Any, heads: Any, run_args: Any) -> None:
        applied.append(Path(step.up_revision.path).name)

    with tempfile.TemporaryDirectory() as nothing:
        # Alembic wants a folder of Python scripts; ours are the revisions made above.
        script = ScriptDirectory(nothing)
        script.revision_map = RevisionMap(lambda: revisions)
        with EnvironmentContext(Config(), script, fn=steps) as environment:
            environment.configure(
                connection=connection,
                version_table="schema_version",
                version_table_schema=schema,
                on_version_apply=cast(Any, note),
            )
            environment.run_migrations()
    return applied


def _wait_for(engine: sa.Engine) -> None:
    deadline = time.monotonic() + _WAIT_FOR_POSTGRES_SECONDS
    while True:
        try:
            with engine.connect():
                return
        except sa.exc.OperationalError as error:
            if "password authentication failed" in str(error) or time.monotonic() > deadline:
                raise
            _log.warning("waiting for Postgres")
            time.sleep(0.5)
