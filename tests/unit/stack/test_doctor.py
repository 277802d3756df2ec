"""Doctor of a stack that is down says so, and is neither a success nor a finding."""

import pytest

from deploy.stack import doctor
from deploy.stack.settings import Settings, load
from tests.support.broker import free_ports


def test_a_stack_that_is_down_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    (port,) = free_ports(1)
    settings = Settings("test", {**load("test").values, "POSTGRES_PORT": str(port)})
    assert doctor.examine(settings) == 2
    assert capsys.readouterr().out.splitlines() == [
        f"nothing can be examined: Postgres does not answer on port {port}"
    ]
