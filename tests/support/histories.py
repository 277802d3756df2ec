"""What Temporal keeps of a run, to search in: its JSON hides payloads in base64 and letters in escapes."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from temporalio.client import WorkflowHistory


def text_of(history: WorkflowHistory) -> str:
    """The whole history with its letters as they are, then every payload decoded, a line each."""
    kept = json.loads(history.to_json())
    return "\n".join([json.dumps(kept, ensure_ascii=False), *payloads(kept)])


def payloads(value: Any) -> Iterator[str]:
    """Every payload in a history that was read from JSON, decoded."""
    if isinstance(value, dict):
        if "data" in value and value.keys() <= {"data", "metadata"}:
            yield base64.b64decode(value["data"]).decode(errors="replace")
        for each in value.values():
            yield from payloads(each)
    elif isinstance(value, list):
        for each in value:
            yield from payloads(each)
