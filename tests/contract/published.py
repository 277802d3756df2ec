"""What others rely on, as plain data: the facts we publish and the requests we take.

`python -m tests.contract.published` writes it down anew, after a change that is meant.
"""

import dataclasses
import importlib
import json
from pathlib import Path
from typing import Any, get_type_hints

from fastapi import FastAPI

from deploy import catalogue
from deploy.stack.settings import SERVICES
from services.common.record import Fact

FACTS = Path(__file__).parent / "facts.json"
REQUESTS = Path(__file__).parent / "requests.json"


def facts() -> dict[str, dict[str, dict[str, Any]]]:
    """Event type -> field -> its type, and whether it is always there."""
    return {fact.TYPE: _fields(fact) for fact in catalogue.facts()}


def _fields(fact: type[Fact]) -> dict[str, dict[str, Any]]:
    hints = get_type_hints(fact)
    return {
        each.name: {
            "type": str(hints[each.name]).replace("<class '", "").replace("'>", ""),
            "always": each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING,
        }
        for each in dataclasses.fields(fact)
    }


def requests() -> dict[str, dict[str, dict[str, Any]]]:
    """Service -> "METHOD path" -> its good answers, and the fields its body must and may have, by type."""
    found = {}
    for service in SERVICES:
        app = FastAPI()
        for router in importlib.import_module(f"services.{service}.__main__").SERVICE.routers():
            app.include_router(router)
        document = app.openapi()
        found[service] = {
            f"{method.upper()} {path}": _operation(operation, document)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }
    return found


def _operation(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = next(iter(content.values()), {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    body = document["components"]["schemas"].get(name, {}) if name else {}
    return {
        "answers": sorted(code for code in operation["responses"] if code.startswith("2")),
        "must": sorted(body.get("required", [])),
        "may": {name: _type(field) for name, field in sorted(body.get("properties", {}).items())},
    }


def _type(field: dict[str, Any]) -> str:
    """Such as "string date-time", "[string uuid]", "integer | null", or the name of a shape."""
    if "anyOf" in field:
        return " | ".join(_type(each) for each in field["anyOf"])
    if "$ref" in field:
        return str(field["$ref"].rpartition("/")[2])
    if field.get("type") == "array":
        return f"[{_type(field.get('items', {}))}]"
    return " ".join(str(field[name]) for name in ("type", "format", "enum") if name in field) or "anything"


def write() -> None:
    for path, data in ((FACTS, facts()), (REQUESTS, requests())):
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
