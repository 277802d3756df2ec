"""The form of a category: JSON Schema 2020-12 from the call, its mistakes as faults under X07."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from pydantic import JsonValue
from referencing import Registry
from referencing._core import Resolver
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from services.intake.domain.rules import Fault

# Without resources of its own and without retrieval: a schema can never make us fetch an address.
_NOTHING_REMOTE: Registry[Any] = Registry()


def form_faults(schema: Mapping[str, Any], form: Mapping[str, JsonValue]) -> list[Fault]:
    """Every mistake in the form, by field and remedy."""
    validator = Draft202012Validator(dict(schema), registry=_NOTHING_REMOTE)
    return [fault for error in validator.iter_errors(dict(form)) for fault in _faults(error)]


def unknown_fields(schema: Mapping[str, Any], form: Mapping[str, JsonValue]) -> list[str]:
    """What stands in the form although its schema allows nothing else than it names."""
    return [fault.field for fault in form_faults(schema, form) if fault.remedy == "not_known"]


def schema_mistake(schema: Mapping[str, Any]) -> str | None:
    """Why this cannot be the form of a category, or None."""
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        where = ".".join(str(part) for part in error.absolute_path)
        return f"{where or 'form'}: {error.message[:200]}"
    resolver = _NOTHING_REMOTE.resolver_with_root(DRAFT202012.create_resource(dict(schema)))
    mistake = next(_dangling(schema, resolver), None)
    if mistake is not None:
        return mistake
    try:
        form_faults(schema, {})
    except RecursionError:
        return "$ref: the form leads back to itself"
    return None


def _dangling(part: Any, resolver: Resolver[Any]) -> Iterator[str]:
    """Every reference that leads to no schema of this form."""
    if isinstance(part, Mapping):
        resolver = resolver.in_subresource(DRAFT202012.create_resource(dict(part)))
        for name, value in part.items():
            if name in ("$ref", "$dynamicRef") and isinstance(value, str):
                mistake = _where_it_leads(value, resolver)
                if mistake is not None:
                    yield f"{name}: {value[:200]} {mistake}"
            yield from _dangling(value, resolver)
    elif isinstance(part, list):
        for value in part:
            yield from _dangling(value, resolver)


def _where_it_leads(reference: str, resolver: Resolver[Any]) -> str | None:
    followed: set[str] = set()
    while reference not in followed:
        followed.add(reference)
        if not reference.startswith("#"):
            return "is outside the form"
        try:
            found = resolver.lookup(reference)
            Draft202012Validator.check_schema(found.contents)
        except (Unresolvable, SchemaError):
            return "leads to no schema"
        if not isinstance(found.contents, Mapping) or "$ref" not in found.contents:
            return None
        reference, resolver = found.contents["$ref"], found.resolver
    return "leads back to itself"


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
