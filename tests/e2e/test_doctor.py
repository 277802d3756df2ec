"""`make doctor` as an operator runs it: a fault in any schema, or between two, is named and is no success."""

import subprocess
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from deploy.stack import deliveries
from deploy.stack.settings import SCHEMAS, Settings
from tests.support.processes import python

pytestmark = pytest.mark.timeout(240)

_PARK = """insert into parked
             (consumer, key, event_id, type, topic, partition, "offset", headers, behind, reason)
           values (%s, %s, gen_random_uuid(), 't', 'x.events', 0, 0, '[]', false, 'planted')"""
_SEND = """insert into outbox (id, key, topic, type, payload, published_at)
           values (%s, %s, 'intake.events', %s, '{}', clock_timestamp())"""
_KNOW = "insert into cases (id, call_id, state, title, holder_id) values (%s, 'planted', 'draft', '', %s)"


@pytest.fixture
def planted(services: Settings) -> Iterator[dict[str, UUID]]:
    """Cases by what is planted: a parked event in each schema, under "events" one that never arrived, under
    "cases" one that only review knows."""
    keys = {name: uuid4() for name in (*SCHEMAS, "events", "cases")}
    kind = next(each for each in deliveries.handled_types("notify") if ".intake." in each)
    try:
        for schema in SCHEMAS:
            _as_owner(services, schema, _PARK, schema, str(keys[schema]))
        _as_owner(services, "intake", _SEND, uuid4(), str(keys["events"]), kind)
        _as_owner(services, "review", _KNOW, keys["cases"], uuid4())
        yield keys
    finally:
        for schema in SCHEMAS:
            _as_owner(services, schema, "delete from parked where key = %s", str(keys[schema]))
        _as_owner(services, "intake", "delete from outbox where key = %s", str(keys["events"]))
        _as_owner(services, "review", "delete from cases where id = %s", keys["cases"])


def test_each_planted_fault_is_named_and_the_exit_code_is_one(
    services: Settings, planted: dict[str, UUID]
) -> None:
    done = _doctor()
    assert done.returncode == 1, done.stdout + done.stderr
    for schema in SCHEMAS:
        assert f"{schema}: parked events: {planted[schema]}" in done.stdout
    assert f"events: {planted['events']}" in done.stdout
    assert "did not arrive at notify" in done.stdout
    assert f"cases: {planted['cases']}: intake says none, review draft, funding none" in done.stdout


def test_what_is_well_is_zero(services: Settings) -> None:
    done = _doctor()
    assert done.returncode == 0, done.stdout + done.stderr


def _doctor() -> "subprocess.CompletedProcess[str]":
    command = python("deploy.stack", "doctor", "--profile", "test")
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def _as_owner(settings: Settings, schema: str, text: str, *values: object) -> None:
    with psycopg.connect(
        host=settings["POSTGRES_HOST"],
        port=settings.port("POSTGRES_PORT"),
        user=f"{schema}_owner",
        password=settings[f"{schema.upper()}_OWNER_PASSWORD"],
        dbname=settings["POSTGRES_DB"],
        options=f"-c search_path={schema}",
    ) as conn:
        conn.execute(text, values)  # type: ignore[arg-type]
