"""The stack itself: all of it up, on loopback only, restarted when it dies, and closed where it must be."""

import os
import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.stack import start, supervisor
from deploy.stack.programs import base_environment
from deploy.stack.servers import postgres, temporal, traces
from deploy.stack.settings import SCHEMAS, Settings
from tests.support import eventually
from tests.support.processes import Process
from tests.support.sockets import listening, local_ports


def test_every_program_runs(services: Settings) -> None:
    states = supervisor.states(services)
    assert set(states) == {program.name for program in start.programs(services)}
    assert {name for name, info in states.items() if info["statename"] != "RUNNING"} == set()


def test_everything_listens_on_loopback_alone(services: Settings) -> None:
    found = listening(supervisor.marked_processes(services))
    assert {address for address, _ in found} == {"127.0.0.1"}
    expected = {services.port(name) for program in start.programs(services) for name in program.ports}
    assert {port for _, port in found} == expected, "every port is one that .env.example names"


async def test_the_page_of_temporal_listens_on_loopback_alone(services: Settings, tmp_path: Path) -> None:
    """Tests do without the pages for people, so it is started for this one."""
    process = Process(temporal.page(services).command, base_environment(services), tmp_path / "page.log")
    try:
        found = await eventually(lambda: listening([process.pid]), 30)
    finally:
        process.kill()
    assert found == {("127.0.0.1", services.port("TEMPORAL_UI_PORT"))}


def test_the_trace_store_is_told_to_listen_on_loopback_alone(services: Settings) -> None:
    """It is installed for the running stack only, so its command line must do."""
    told = [part for part in traces.program(services).command if part.startswith("--armeria.ports")]
    assert set(told) == {
        "--armeria.ports[0].ip=127.0.0.1",
        f"--armeria.ports[0].port={services['ZIPKIN_PORT']}",
        "--armeria.ports[0].protocols[0]=http",
    }


async def test_a_killed_program_is_back_within_seconds(services: Settings) -> None:
    before = supervisor.states(services)["notify-worker"]["pid"]
    os.kill(before, signal.SIGKILL)

    def back() -> bool:
        info = supervisor.states(services)["notify-worker"]
        return info["pid"] not in (0, before) and info["statename"] == "RUNNING"

    await eventually(back, deadline=60)


def test_no_service_connects_as_owner_or_superuser(services: Settings) -> None:
    marked = set(supervisor.marked_processes(services))
    ours = {info["pid"] for name, info in supervisor.states(services).items() if _is_service(name)}
    assert ours <= marked
    with postgres.connect(services) as conn:
        rows = conn.execute(
            """select usename, application_name, client_port from pg_stat_activity
               where datname = %s and backend_type = 'client backend' and pid <> pg_backend_pid()""",
            [services["POSTGRES_DB"]],
        ).fetchall()
    ports = local_ports(ours)
    roles = {role for role, _, port in rows if port in ports}
    assert roles == {f"{schema}_app" for schema in SCHEMAS}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_app_role_cannot_change_tables(services: Settings, schema: str) -> None:
    with _as(services, f"{schema}_app", services[f"{schema.upper()}_APP_PASSWORD"]) as conn:
        for statement in (
            "create table mine (id int)",
            "drop table outbox",
            "create table public.mine (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)
        other = next(s for s in SCHEMAS if s != schema)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"select 1 from {other}.outbox")


def test_the_inspector_reads_everything_and_writes_nothing(services: Settings) -> None:
    with _as(services, "inspector", services["INSPECTOR_PASSWORD"]) as conn:
        for schema in SCHEMAS:
            conn.execute(f"select count(*) from {schema}.outbox")
        conn.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("delete from intake.outbox")


def _is_service(name: str) -> bool:
    return name.partition("-")[0] in SCHEMAS


def _as(settings: Settings, role: str, password: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=settings["POSTGRES_HOST"],
        port=settings.port("POSTGRES_PORT"),
        user=role,
        password=password,
        dbname=settings["POSTGRES_DB"],
        autocommit=True,
    )
