"""Doctor asks exactly what is proven to be noticed: every check of a process has its planted fault."""

import importlib

import pytest

from deploy.stack.settings import SCHEMAS

# Where the faults are planted, each under the name of its check.
PLANTED = {
    "intake": ("tests.service.intake.test_checks",),
    "review": ("tests.service.review.test_checks", "tests.service.review.test_panel_checks"),
    "funding": ("tests.service.funding.test_checks",),
    "notify": ("tests.service.notify.test_checks",),
    "workflows": ("tests.messaging.test_starter_checks",),
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_check_that_is_run_has_its_planted_fault(schema: str) -> None:
    package = "workflows" if schema == "workflows" else f"services.{schema}"
    checks = importlib.import_module(f"{package}.__main__").SERVICE.checks
    faults = [name for module in PLANTED[schema] for name in importlib.import_module(module).FAULTS]
    assert sorted(check.name for check in checks) == sorted(faults)
