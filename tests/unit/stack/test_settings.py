"""Wrong settings stop the start-up with field and remedy; the test stack shares nothing with `.env`."""

import re
from pathlib import Path

import pytest

from deploy.stack.settings import ROOT, WrongSettings, load


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the example settings and no `.env` yet."""
    (tmp_path / ".env.example").write_text(
        (ROOT / ".env.example").read_text(encoding="utf-8"), encoding="utf-8"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("POSTGRES_PORT=70000", "POSTGRES_PORT=70000: write a port number"),
        ("POSTGRES_PORT=", "POSTGRES_PORT: is empty"),
        ("POSTGRES_PROT=5432", "POSTGRES_PROT: no such setting: did you mean POSTGRES_PORT?"),
        ("KAFKA_BOOTSTRAP=127.0.0.1", "KAFKA_BOOTSTRAP=127.0.0.1: write host:port"),
        (
            "KAFKA_BOOTSTRAP=127.0.0.1:5440",
            "KAFKA_BOOTSTRAP=127.0.0.1:5440: POSTGRES_PORT has this port already",
        ),
        ("ENVIRONMENT=prod", "ENVIRONMENT=prod: write one of: development, production"),
        ("OIDC_ISSUERS={}", "OIDC_ISSUERS={}: write a JSON list"),
        ('OIDC_ISSUERS=[{"issuer":"x"}]', "OIDC_ISSUERS="),
        ('CORS_ORIGINS=["portal"]', 'CORS_ORIGINS=["portal"]: write a JSON list of origins'),
        ("S3_SECURE=yes", "S3_SECURE=yes: write one of: true, false"),
        ("SMTP_TLS=ssl", "SMTP_TLS=ssl: write one of: none, starttls, tls"),
        ("FAILPOINT=relay", "FAILPOINT=relay: write NAME:kill"),
        ("INTAKE_APP_PASSWORD=it's", "INTAKE_APP_PASSWORD"),
        ("just words", ".env, line 1: 'just words': write NAME=value"),
        ("SMTP_USER=a\nSMTP_USER=b", ".env, line 2: SMTP_USER stands there twice"),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(clone: Path, line: str, named: str) -> None:
    (clone / ".env").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(WrongSettings, match=re.escape(named)):
        load("run", root=clone)


def test_all_wrong_values_are_named_at_once(clone: Path) -> None:
    (clone / ".env").write_text("POSTGRES_PORT=x\nSMTP_TLS=x\n", encoding="utf-8")
    with pytest.raises(WrongSettings, match=r"(?s)POSTGRES_PORT.*SMTP_TLS"):
        load("run", root=clone)


def test_own_settings_win_over_the_example(clone: Path) -> None:
    (clone / ".env").write_text("# mine\nPOSTGRES_PORT=6000\n", encoding="utf-8")
    assert load("run", root=clone)["POSTGRES_PORT"] == "6000"


def test_the_test_stack_moves_every_port_and_nothing_else(clone: Path) -> None:
    run, test = load("run", root=clone), load("test", root=clone)
    offset = int(run["TEST_PORT_OFFSET"])
    for name in run.values:
        if re.fullmatch(r".*_PORT|KAFKA_BOOTSTRAP|TEMPORAL_ADDRESS|S3_ENDPOINT", name):
            assert test.port(name) == run.port(name) + offset, name
    assert f":{run.port('OIDC_PORT') + offset}/innoflyt" in test["OIDC_ISSUERS"]
    assert test["INTAKE_APP_PASSWORD"] == run["INTAKE_APP_PASSWORD"]
    assert test.folder != run.folder


def test_the_test_stack_never_uses_a_server_of_somebody_else(clone: Path) -> None:
    (clone / ".env").write_text("POSTGRES_HOST=db.hospital.test\n", encoding="utf-8")
    assert not load("run", root=clone).ours("POSTGRES_HOST")
    assert load("test", root=clone).ours("POSTGRES_HOST")
