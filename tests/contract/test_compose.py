"""docker-compose.yml is the native stack in containers: the same services, ports and variables."""

import os
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from deploy.stack import start
from deploy.stack.programs import Program, service_environment, service_programs
from deploy.stack.settings import ROOT, SCHEMAS, Settings

COMPOSE = ROOT / "docker-compose.yml"
# Work that is done once at each start; the native stack does it within `make up`.
ONCE = {"servers", "namespace", "temporal-schema", *(f"{schema}-migrations" for schema in SCHEMAS)}
# What compose need not have: ports that only the parts of one server use among themselves, ...
_PARTS = ("FRONTEND", "HISTORY", "MATCHING", "WORKER")
INNER_PORTS = {
    "KAFKA_CONTROLLER_PORT",
    "TEMPORAL_HTTP_PORT",
    *(f"TEMPORAL_{name}_PORT" for name in _PARTS),
    *(f"TEMPORAL_{name}_MEMBERSHIP_PORT" for name in _PARTS),
}
# ... and variables that concern the native stack, its tests or its trace store alone.
NATIVE_VARIABLES = {
    "TEST_PORT_OFFSET",
    "OIDC_PORT",
    "MAIL_UI_PORT",
    "ZIPKIN_PORT",
    "TEMPORAL_UI_PORT",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "FAILPOINT",
    "FAILPOINT_LOG",
    *INNER_PORTS,
}


@pytest.fixture(scope="module")
def native() -> Settings:
    """The values of .env.example alone: a developer's .env must not decide what these files say."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return Settings("run", {name: value for name, _, value in pairs})


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    """The file as docker-compose itself reads it, with the values of .env.example."""
    assert shutil.which("docker-compose"), "docker-compose is missing: `make test` installs it"
    command = ["docker-compose", "--env-file", ".env.example", "-f", str(COMPOSE), "config"]
    environment = {"PATH": os.environ["PATH"]}  # variables of this process would win over the file
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return services


@pytest.fixture(scope="module")
def programs(native: Settings) -> dict[str, Program]:
    return {program.name: program for program in start.programs(native)}


def test_the_same_services_run(composed: dict[str, Any], programs: dict[str, Program]) -> None:
    assert set(composed) - ONCE == set(programs)


def test_our_own_processes_have_the_same_time_to_end(composed: dict[str, Any], native: Settings) -> None:
    for program in service_programs(native):
        assert composed[program.name]["stop_grace_period"] == f"{program.stop_seconds}s", program.name


def test_the_same_ports_are_published_on_loopback_alone(
    composed: dict[str, Any], programs: dict[str, Program], native: Settings
) -> None:
    for name, program in programs.items():
        published = [_published(port) for port in composed[name].get("ports", [])]
        assert all(port.startswith("127.0.0.1:") for port in published), f"{name}: {published}"
        outside = {int(port.split(":")[1]) for port in published}
        expected = {native.port(port) for port in program.ports if port not in INNER_PORTS}
        assert outside == expected, name


def _published(port: str | dict[str, Any]) -> str:
    """Address and port outside, as compose writes them in its first version or in its second."""
    if isinstance(port, dict):
        return f"{port.get('host_ip', '0.0.0.0')}:{port['published']}"
    return str(port).partition("/")[0].rpartition(":")[0]


def test_links_to_documents_lead_to_the_published_port(composed: dict[str, Any]) -> None:
    host, _, port = composed["intake-api"]["environment"]["S3_ENDPOINT"].rpartition(":")
    assert host in composed["objects"]["networks"]["default"]["aliases"]
    assert [_published(each).rpartition(":")[2] for each in composed["objects"]["ports"]] == [port]


def test_every_process_gets_the_same_variables(
    composed: dict[str, Any], programs: dict[str, Program], native: Settings
) -> None:
    for name, program in programs.items():
        if program.command[1:2] != ("-m",):
            continue
        inside = set(composed[name]["environment"])
        outside = set(program.environment) - NATIVE_VARIABLES - {"PYTHONUNBUFFERED"}
        # An empty value natively is not passed on at all; compose passes it empty, which is the same.
        empty = {variable for variable in inside if composed[name]["environment"][variable] == ""}
        assert inside - empty | {"OTEL_EXPORTER_OTLP_ENDPOINT"} == outside | {
            "OTEL_EXPORTER_OTLP_ENDPOINT"
        }, name


def test_every_process_runs_the_same_command(composed: dict[str, Any], programs: dict[str, Program]) -> None:
    for name, program in programs.items():
        if program.command[1:2] == ("-m",):
            assert composed[name]["command"] == list(program.command[2:]), name


def test_a_process_knows_no_password_but_its_own(composed: dict[str, Any]) -> None:
    for name, service in composed.items():
        known = {v for v in service.get("environment", {}) if re.fullmatch(r".*_(OWNER|APP)_PASSWORD", v)}
        schema, _, role = name.partition("-")
        if schema not in SCHEMAS:
            continue
        assert known == {f"{schema.upper()}_{'OWNER' if role == 'migrations' else 'APP'}_PASSWORD"}, name


def test_whatever_serves_has_a_health_check(composed: dict[str, Any], programs: dict[str, Program]) -> None:
    without = {
        name for name, program in programs.items() if program.ports and not composed[name].get("healthcheck")
    }
    assert not without


def test_the_defaults_are_those_of_the_example_settings(native: Settings) -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    defaults = dict(re.findall(r"\$\{([A-Z0-9_]+):-([^}]*)\}", text))
    assert defaults.keys() <= native.values.keys()
    assert defaults == {name: native[name] for name in defaults}
    assert not re.search(r"\$\{[A-Z0-9_]+\}", text), "every variable has its default"


def test_the_native_environment_hides_what_a_process_does_not_need(native: Settings) -> None:
    assert "INTAKE_APP_PASSWORD" in service_environment(native, "intake", "app")
    hidden = {"INTAKE_OWNER_PASSWORD", "REVIEW_APP_PASSWORD", "POSTGRES_ADMIN_PASSWORD", "INSPECTOR_PASSWORD"}
    assert not hidden & service_environment(native, "intake", "app").keys()
