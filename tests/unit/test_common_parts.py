"""Settings that explain themselves, facts that keep their shape, failpoints, failures told apart."""
# Longer than 300 lines because it holds the short tests of the kernel's small modules.

import asyncio
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid4

import aiokafka.errors
import asyncpg
import pytest

from services.common.errors import (
    InfrastructureDown,
    Invalid,
    Malformed,
    Refused,
    SettingsError,
    StepOutOfOrder,
    TooManyRequests,
)
from services.common.limits import Limiter
from services.common.migrate import files
from services.common.outages import is_infrastructure
from services.common.record import Fact
from services.common.settings import load
from tests.support.environment import STACK


@pytest.fixture
def environment(monkeypatch):
    """Exactly the test stack's variables, to be spoilt one by one."""
    for name in list(os.environ):
        if name.isupper() and name not in ("PATH", "HOME"):
            monkeypatch.delenv(name)
    for name, value in STACK.values.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_the_stacks_settings_are_accepted(environment):
    settings = load()
    assert settings.address("intake") == ("127.0.0.1", STACK.port("INTAKE_PORT"))
    assert settings.password("review", "app") == STACK["REVIEW_APP_PASSWORD"]


def test_secrets_are_not_shown(environment):
    shown = repr(load())
    for name, value in STACK.values.items():
        if "PASSWORD" in name or "SECRET" in name:
            assert value == "" or value not in shown


ISSUER = '{"issuer":"http://x.test","audience":"a","jwks_url":"http://x.test/jwks"}'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_PORT", "many"),
        ("POSTGRES_PORT", "0"),
        ("POSTGRES_PORT", "65536"),
        ("KAFKA_BOOTSTRAP", "localhost"),
        ("TEMPORAL_ADDRESS", "http://localhost:7233"),
        ("S3_ENDPOINT", "http://localhost:7070"),
        ("S3_SECURE", "perhaps"),
        ("SMTP_TLS", "some"),
        ("ENVIRONMENT", "test"),
        ("OIDC_ISSUERS", "[]"),
        ("OIDC_ISSUERS", "nonsense"),
        ("OIDC_ISSUERS", '[{"issuer":"x"}]'),
        ("OIDC_ISSUERS", f'[{ISSUER[:-1]},"algorithms":["HS256"]}}]'),
        ("OIDC_ISSUERS", f'[{ISSUER[:-1]},"algorithms":[]}}]'),
        ("OIDC_ISSUERS", f'[{ISSUER[:-1]},"unknown":1}}]'),
    ],
)
def test_a_wrong_setting_is_named(environment, name, value):
    environment.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load()


def test_all_missing_settings_are_named_at_once(environment):
    for name in ("POSTGRES_HOST", "KAFKA_BOOTSTRAP", "OIDC_ISSUERS"):
        environment.delenv(name)
    with pytest.raises(SettingsError) as raised:
        load()
    for name in ("POSTGRES_HOST", "KAFKA_BOOTSTRAP", "OIDC_ISSUERS"):
        assert f"{name} is not set: copy its line from .env.example" in str(raised.value)


def test_a_password_that_is_needed_and_missing_is_named(environment):
    environment.delenv("REVIEW_APP_PASSWORD")
    with pytest.raises(SettingsError, match="REVIEW_APP_PASSWORD"):
        load().password("review", "app")


def test_production_refuses_plain_http_and_failpoints(environment):
    environment.setenv("ENVIRONMENT", "production")
    environment.setenv("OIDC_ISSUERS", f"[{ISSUER}]")
    with pytest.raises(SettingsError, match=r"OIDC_ISSUERS.*https"):
        load()
    environment.setenv("OIDC_ISSUERS", f"[{ISSUER.replace('http:', 'https:')}]")
    load()
    environment.setenv("FAILPOINT", "relay.after_ack:kill")
    with pytest.raises(SettingsError, match="FAILPOINT"):
        load()


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, kw_only=True)
class Part:
    at: datetime
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Everything(Fact):
    TYPE: ClassVar[str] = "no.innoflyt.intake.everything-happened.v1"
    id: UUID
    text: str
    count: int
    yes: bool
    day: date
    nothing: str | None
    colour: Colour
    parts: list[Part]
    by_code: dict[str, int] = field(default_factory=dict)
    codes: tuple[str, ...] = ()


def everything(**changes):
    known = {
        "id": uuid4(),
        "text": "blåbærsyltetøy",
        "count": 1,
        "yes": True,
        "day": date(2023, 6, 1),
        "nothing": None,
        "colour": Colour.RED,
        "parts": [Part(at=datetime(2023, 6, 1, 15, tzinfo=UTC))],
        "by_code": {"a": 1},
        "codes": ("x", "y"),
    }
    return Everything(**{**known, **changes})


def test_a_fact_survives_the_way_through_json():
    fact = everything()
    assert Everything.from_data(fact.to_data()) == fact
    assert Everything.TOPIC == "intake.events"
    assert fact.to_data()["parts"][0]["at"] == "2023-06-01T15:00:00Z"


def test_unknown_members_are_ignored_and_new_ones_have_defaults():
    data = everything().to_data()
    del data["by_code"]
    assert Everything.from_data({**data, "later": 1}).by_code == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", "1"),
        ("count", 1.5),
        ("yes", "true"),
        ("id", "x"),
        ("day", 5),
        ("colour", "blue"),
        ("parts", {}),
        ("text", None),
    ],
)
def test_a_wrong_member_is_malformed_and_named(name, value):
    with pytest.raises(Malformed, match=name):
        Everything.from_data({**everything().to_data(), name: value})


def test_an_instant_needs_a_time_zone():
    @dataclass(frozen=True, kw_only=True)
    class Timed(Fact):
        TYPE: ClassVar[str] = "no.innoflyt.intake.timed.v1"
        at: datetime

    with pytest.raises(ValueError, match="at has no time zone"):
        Timed(at=datetime(2023, 1, 1)).to_data()  # noqa: DTZ001 - the mistake under test


def test_a_type_has_one_form():
    with pytest.raises(TypeError, match=r"no\.innoflyt"):
        type("Wrong", (Fact,), {"TYPE": "intake.wrong.v1"})


def test_a_refusal_names_itself():
    class PotIsEmpty(Refused):
        """The pot is empty.

        More.
        """

    assert PotIsEmpty.title == "The pot is empty"
    assert PotIsEmpty.type_uri() == "https://innoflyt.test/problems/pot-is-empty"
    assert (PotIsEmpty.status, StepOutOfOrder.status, Invalid.status) == (409, 409, 422)
    assert PotIsEmpty("left: 0", left=0).members == {"left": 0}


WAITED_OUT = [
    InfrastructureDown(),
    TimeoutError(),
    ConnectionResetError(),
    socket.gaierror(),
    aiokafka.errors.KafkaConnectionError(),
    asyncpg.CannotConnectNowError("x"),
    asyncpg.AdminShutdownError("x"),
    asyncpg.ConnectionDoesNotExistError("x"),
    asyncpg.TooManyConnectionsError("x"),
    asyncpg.DiskFullError("x"),
    asyncpg.DeadlockDetectedError("x"),
    asyncpg.SerializationError("x"),
    asyncpg.LockNotAvailableError("x"),
    asyncpg.InterfaceError("cannot perform operation: connection is closed"),
]
NOT_WAITED_OUT = [
    ValueError(),
    KeyError(),
    FileNotFoundError(),
    PermissionError(),
    Refused(),
    asyncpg.UniqueViolationError("x"),
    asyncpg.CheckViolationError("x"),
    asyncpg.UndefinedTableError("x"),
    asyncpg.InsufficientPrivilegeError("x"),
    asyncpg.exceptions.DataError("invalid input for query argument $1: 'closed' (an integer is required)"),
    asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"),
]


@pytest.mark.parametrize("error", WAITED_OUT, ids=repr)
def test_what_passes_by_itself_is_waited_out(error):
    assert is_infrastructure(error)


@pytest.mark.parametrize("error", NOT_WAITED_OUT, ids=repr)
def test_what_does_not_pass_by_itself_is_not(error):
    assert not is_infrastructure(error)


CODE = """
from services.common.failpoints import failpoint
for number in range(5):
    failpoint("here")
    print(number, flush=True)
"""


@pytest.mark.parametrize(
    ("armed", "environment", "printed"),
    [
        ("here:kill", "development", 0),
        ("here:kill:3", "development", 2),
        ("there:kill", "development", 5),
        ("", "development", 5),
        ("here:kill", "production", 5),
    ],
)
def test_a_failpoint_kills_at_the_nth_hit_and_never_in_production(tmp_path, armed, environment, printed):
    log = tmp_path / "log"
    variables = {"FAILPOINT": armed, "FAILPOINT_LOG": str(log), "ENVIRONMENT": environment}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(n) for n in range(printed)]
    assert done.returncode == (0 if printed == 5 else -signal.SIGKILL)
    assert (log.read_text() if log.exists() else "") == ("" if printed == 5 else "here\n")


def test_a_failpoint_freezes_once_and_what_is_thawed_goes_on(tmp_path):
    log = tmp_path / "log"
    variables = {"FAILPOINT": "here:freeze:2", "FAILPOINT_LOG": str(log), "ENVIRONMENT": "development"}
    process = subprocess.Popen(
        [sys.executable, "-c", CODE], env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True
    )
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert log.read_text() == "here\n"
    process.send_signal(signal.SIGCONT)
    assert process.communicate()[0].split() == ["0", "1", "2", "3", "4"]


def test_a_failpoint_that_is_misspelt_stops_the_start():
    done = subprocess.run(
        [sys.executable, "-c", CODE], env={**os.environ, "FAILPOINT": "here:maim"}, capture_output=True
    )
    assert done.returncode == 1
    assert b"NAME:kill" in done.stderr


def test_the_bucket_refills(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("services.common.limits.time.monotonic", lambda: clock[0])
    limiter, anna, berit = Limiter(burst=3, per_second=2), uuid4(), uuid4()
    for _ in range(3):
        limiter.take(anna)
    with pytest.raises(TooManyRequests) as raised:
        limiter.take(anna)
    assert raised.value.headers == {"Retry-After": "1"}
    limiter.take(berit)
    clock[0] = 0.5
    limiter.take(anna)
    with pytest.raises(TooManyRequests):
        limiter.take(anna)
    clock[0] = 100.0
    for _ in range(3):
        limiter.take(anna)
    with pytest.raises(TooManyRequests):
        limiter.take(anna)


def test_migrations_are_named_and_numbered(tmp_path):
    for name in ("0002_b.sql", "0001_a.sql"):
        (tmp_path / name).touch()
    assert [path.name for path in files(tmp_path)] == ["0001_a.sql", "0002_b.sql"]
    (tmp_path / "0002_c.sql").touch()
    with pytest.raises(ValueError, match=r"0002_c.sql: 0002_b.sql has this number"):
        files(tmp_path)
    (tmp_path / "0002_c.sql").rename(tmp_path / "3-d.sql")
    with pytest.raises(ValueError, match=r"3-d.sql"):
        files(tmp_path)


async def test_eventually_says_what_was_missing():
    from tests.support import eventually

    def never():
        assert 1 == 2, "one is not two"

    with pytest.raises(AssertionError, match="one is not two"):
        await eventually(never, deadline=0.05)
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 / 0, deadline=5)
    assert await eventually(lambda: asyncio.sleep(0, "yes")) == "yes"
