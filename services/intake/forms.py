"""The form of a category: JSON Schema 2020-12 from the call, its mistakes as faults under X07."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from pydantic import JsonValue
from referencing import Registry

from services.intake.domain.rules import Fault

# Without resources of its own and without retrieval: a schema can never make us fetch an address.
_NOTHING_REMOTE: Registry[Any] = Registry()


def form_faults(schema: Mapping[str, Any], form: Mapping[str, JsonValue]) -> list[Fault]:
    """Every mistake in the form, by field and remedy."""
    validator = Draft202012Validator(dict(schema), registry=_NOTHING_REMOTE)
    return [fault for error in validator.iter_errors(dict(form)) for fault in _faults(error)]


def schema_mistake(schema: Mapping[str, Any]) -> str | None:
    """Why this cannot be the form of a category, or None."""
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        where = ".".join(str(part) for part in error.absolute_path)
        return f"{where or 'form'}: {error.message[:200]}"
    remote = next((reference for reference in _references(schema) if not reference.startswith("#")), None)
    return f"$ref: {remote} is outside the form" if remote else None


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _faults(error: ValidationError) -> Iterator[Fault]:
    path = ".".join(["form", *(str(part) for part in error.absolute_path)])
    instance: Any = error.instance
    limit: Any = error.validator_value
    match error.validator:
        case "required":
            for name in limit:
                if name not in instance:
                    yield Fault("X07", f"{path}.{name}", None, "required")
        case "additionalProperties":
            known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
            for name in instance:
                if name not in known:
                    yield Fault("X07", f"{path}.{name}"[:200], None, "not_known")
        case "minLength":
            yield Fault("X07", path, instance, "too_short", {"least": limit})
        case "maxLength":
            # Only how long it is: the text itself may be a page.
            yield Fault("X07", path, len(instance), "too_long", {"most": limit})
        case _:
            value = instance if isinstance(instance, str | int | float | bool) else None
            yield Fault("X07", path, value, "wrong_form_value", {"rule": str(error.validator)})
