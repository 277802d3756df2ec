"""Migrations: numbered plain SQL files, ordered and remembered by Alembic, one version table per schema.

Two lines of revisions meet in each schema: the kernel's (`services/common/sql`) and the service's own, whose
first file comes after the kernel's first. Files are never edited once released; a change is a new file.
"""

from pathlib import Path

from services.common.settings import Settings

KERNEL = Path(__file__).parent / "sql"


def migrate(settings: Settings, schema: str, migrations: Path) -> list[str]:
    """Bring the schema up to date, in one transaction, as role `<schema>_owner`; returns what was applied."""
    raise NotImplementedError
