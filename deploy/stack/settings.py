"""The settings of a stack: `.env` laid over `.env.example`, checked before anything starts.

A wrong value raises `WrongSettings`, whose text names each field, its value and the remedy. Two profiles
share the file: `run` is what `make up` starts; `test` is `.env.example` alone with every port shifted by
TEST_PORT_OFFSET, so that tests can neither disturb a running stack nor reach a server that somebody wrote
into `.env`.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
Profile = Literal["run", "test"]
SERVICES = ("intake", "review", "funding", "notify")
SCHEMAS = (*SERVICES, "workflows")
LOOPBACK = ("127.0.0.1", "localhost")

_EMPTY_ALLOWED = {"SMTP_USER", "SMTP_PASSWORD", "SMTP2_HOST", "FAILPOINT", "FAILPOINT_LOG"}
_ISSUER_KEYS = (
    "issuer",
    "audience",
    "jwks_url",
    "algorithms",
    "roles_claim",
    "organisation_claim",
    "name_claim",
    "email_claim",
)


class WrongSettings(Exception):
    """One or more settings cannot be used; the text says which, and what to write instead."""


def _port(value: str) -> str | None:
    return None if value.isdecimal() and 0 < int(value) < 65536 else "write a port number from 1 to 65535"


def _address(value: str) -> str | None:
    host, colon, port = value.rpartition(":")
    return None if host and colon and not _port(port) else "write host:port, such as 127.0.0.1:9192"


def _url(value: str) -> str | None:
    return None if re.fullmatch(r"https?://[^\s/]+(/\S*)?", value) else "write an http or https address"


def _choice(*allowed: str) -> Callable[[str], str | None]:
    return lambda value: None if value in allowed else "write one of: " + ", ".join(allowed)


def _matching(pattern: str, remedy: str) -> Callable[[str], str | None]:
    return lambda value: None if re.fullmatch(pattern, value) else remedy


def _issuers(value: str) -> str | None:
    remedy = 'write a JSON list of objects on one line, each with "' + '", "'.join(_ISSUER_KEYS) + '"'
    try:
        issuers = json.loads(value)
    except ValueError:
        return remedy
    if not isinstance(issuers, list) or not issuers:
        return remedy
    for issuer in issuers:
        if not isinstance(issuer, dict) or set(_ISSUER_KEYS) - set(issuer):
            return remedy
        if any(_url(str(issuer[key])) for key in ("issuer", "jwks_url")):
            return "issuer and jwks_url must be http or https addresses"
    return None


def _origins(value: str) -> str | None:
    remedy = 'write a JSON list of origins on one line, such as ["https://portal.example.test"]'
    try:
        origins = json.loads(value)
    except ValueError:
        return remedy
    if not isinstance(origins, list) or any(not isinstance(o, str) or _url(o) for o in origins):
        return remedy
    return None


# The first pattern that fits a name judges its value: a check answers with the remedy, or None if it is good.
_CHECKS: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    ("ENVIRONMENT", _choice("development", "production")),
    ("TEST_PORT_OFFSET", _matching(r"[1-9]\d{0,4}", "write by how much the test stack's ports are shifted")),
    ("KAFKA_BOOTSTRAP|TEMPORAL_ADDRESS|S3_ENDPOINT", _address),
    (r".*_PORT", _port),
    (r".*_HOST", _matching(r"[A-Za-z0-9.:-]+", "write a host name or address without a port")),
    ("S3_SECURE", _choice("true", "false")),
    (r"S3_.*_BUCKET", _matching(r"[a-z0-9][a-z0-9.-]{2,62}", "3 to 63 of a-z, 0-9, dot and hyphen")),
    ("SMTP_TLS", _choice("none", "starttls", "tls")),
    ("MAIL_FROM", _matching(r"[^@\s]+@[^@\s]+", "write one mail address")),
    ("OIDC_ISSUERS", _issuers),
    ("CORS_ORIGINS", _origins),
    ("OTEL_TRACES_EXPORTER", _choice("zipkin_json", "otlp_proto_http", "none")),
    ("OTEL_METRICS_EXPORTER", _choice("otlp_proto_http", "none")),
    (r"PORTAL_URL|OTEL_EXPORTER_.*_ENDPOINT", _url),
    (
        "FAILPOINT",
        _matching(r"[a-z_.]+:(kill|freeze)(:[1-9]\d*)?", "write NAME:kill, NAME:freeze or NAME:kill:N"),
    ),
)


@dataclass(frozen=True)
class Settings:
    """The values of one profile, by name, and where that profile keeps its data."""

    profile: Profile
    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @property
    def folder(self) -> Path:
        return ROOT / (".stack" if self.profile == "run" else ".stack-test")

    def port(self, name: str) -> int:
        """The port in `X_PORT`, or the one at the end of an address such as KAFKA_BOOTSTRAP."""
        return int(self.values[name].rpartition(":")[2])

    def ours(self, name: str) -> bool:
        """Whether the server whose host or address stands in `name` is started by this stack."""
        value = self.values[name]
        return value in LOOPBACK or value.rpartition(":")[0] in LOOPBACK


def load(profile: Profile = "run", root: Path = ROOT) -> Settings:
    """Read and check the settings of a profile. Raises WrongSettings."""
    names = _read(root / ".env.example")
    own_file = root / ".env"
    own = _read(own_file) if own_file.exists() else {}
    errors = [_unknown(name, names) for name in own if name not in names]
    values = names | own
    errors += list(_wrong(values))
    if errors:
        raise WrongSettings("\n".join(errors))
    if profile == "test":
        values = _shifted(names, int(values["TEST_PORT_OFFSET"]))
        errors = list(_wrong(values))
    errors += list(_clashes(values))
    if errors:
        raise WrongSettings("\n".join(errors))
    return Settings(profile, values)


def from_environment(root: Path = ROOT) -> Settings:
    """The settings inside a container: its environment over `.env.example`. Raises WrongSettings."""
    names = _read(root / ".env.example")
    values = {name: os.environ.get(name, value) for name, value in names.items()}
    if errors := list(_wrong(values)):
        raise WrongSettings("\n".join(errors))
    return Settings("run", values)


def _read(path: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise WrongSettings(f"{path.name}, line {number}: {text!r}: write NAME=value")
        if name in values:
            raise WrongSettings(f"{path.name}, line {number}: {name} stands there twice: keep one of them")
        values[name] = value.strip()
    return values


def _unknown(name: str, names: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "remove it, or see .env.example for the names"
    return f"{name}: no such setting: {hint}"


def _wrong(values: Mapping[str, str]) -> Iterator[str]:
    for name, value in values.items():
        if not value:
            if name not in _EMPTY_ALLOWED:
                yield f"{name}: is empty: write a value, or remove the line for the default"
            continue
        if "'" in value or not value.isprintable():
            yield f"{name}={value!r}: must not contain ' or a control character"
            continue
        check = next((c for pattern, c in _CHECKS if re.fullmatch(pattern, name)), None)
        remedy = check(value) if check else None
        if remedy:
            yield f"{name}={value}: {remedy}"


def _clashes(values: Mapping[str, str]) -> Iterator[str]:
    """Two servers of the stack cannot listen on one port. (SMTP2 may well be the same relay as SMTP.)"""
    seen: dict[int, str] = {}
    for name, value in values.items():
        if name == "SMTP2_PORT" or not re.fullmatch(
            r".*_PORT|KAFKA_BOOTSTRAP|TEMPORAL_ADDRESS|S3_ENDPOINT", name
        ):
            continue
        port = int(value.rpartition(":")[2])
        if port in seen:
            yield f"{name}={value}: {seen[port]} has this port already: choose another"
        seen[port] = name


def _shifted(values: Mapping[str, str], offset: int) -> dict[str, str]:
    """Every loopback port moved by `offset`; traces go to a collector of the test's own."""

    def shift(match: re.Match[str]) -> str:
        return f"{match[1]}:{int(match[2]) + offset}"

    moved = {
        name: str(int(value) + offset)
        if name.endswith("_PORT")
        else re.sub(r"(127\.0\.0\.1|localhost):(\d+)", shift, value)
        for name, value in values.items()
    }
    return moved | {"OTEL_TRACES_EXPORTER": "otlp_proto_http", "TEST_PORT_OFFSET": str(offset)}


def cache() -> Path:
    """The folder outside the clone with every build and download, a sub-folder per part and version."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "innoflyt"
