"""`record` is the only writer of audit and outbox: no other statement of ours inserts there."""

import re

from deploy.stack.settings import ROOT

_INSERT = re.compile(r"insert\s+into\s+(\w+\.)?(outbox|audit|audit_head)\b", re.IGNORECASE)


def test_only_the_kernels_function_writes_audit_and_outbox() -> None:
    writers = {
        str(file.relative_to(ROOT))
        for folder in ("services", "workflows", "deploy")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in (".py", ".sql") and _INSERT.search(file.read_text(encoding="utf-8"))
    }
    assert writers == {"services/common/sql/0001_kernel.sql"}
