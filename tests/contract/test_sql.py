"""Where SQL may stand: in `store`, in migrations and checks; and one function writes audit and outbox."""

import re

from deploy.stack.settings import ROOT, SERVICES

_STATEMENT = re.compile(r"conn\.(fetch|fetchrow|fetchval|execute|executemany)\(")
_INSERT = re.compile(r"insert\s+into\s+(\w+\.)?(outbox|audit|audit_head)\b", re.IGNORECASE)


def test_only_the_stores_of_a_service_speak_sql() -> None:
    speaking = {
        str(file.relative_to(ROOT))
        for service in SERVICES
        for file in (ROOT / "services" / service).rglob("*.py")
        if _STATEMENT.search(file.read_text(encoding="utf-8"))
    }
    assert speaking
    assert all(file.split("/")[2] == "store" for file in speaking), speaking


def test_only_the_kernels_function_writes_audit_and_outbox() -> None:
    writers = {
        str(file.relative_to(ROOT))
        for folder in ("services", "workflows", "deploy")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in (".py", ".sql") and _INSERT.search(file.read_text(encoding="utf-8"))
    }
    assert writers == {"services/common/sql/0001_kernel.sql"}
