"""Every activity of the contracts has exactly one implementation, named and typed as its stub."""

import importlib
from collections import Counter

import pytest
from temporalio import activity

from services.common.run import Worker
from services.common.settings import Settings
from tests.support.environment import stack_settings

PACKAGES = {
    "intake": "services.intake",
    "review": "services.review",
    "funding": "services.funding",
    "workflows": "workflows",
}


def stubs(service: str) -> list[str]:
    module = importlib.import_module(f"workflows.contracts.{service}")
    found = (activity._Definition.from_callable(each) for each in vars(module).values() if callable(each))
    return sorted(str(each.name) for each in found if each is not None)


@pytest.mark.parametrize("service", PACKAGES)
def test_each_stub_is_implemented_once(service: str) -> None:
    settings: Settings = stack_settings()
    # Building binds functions to what the worker has; nothing is opened.
    worker = Worker(settings=settings, database=None, storage=None, temporal=None)  # type: ignore[arg-type]
    build = importlib.import_module(f"{PACKAGES[service]}.activities").build
    built = Counter(activity._Definition.must_from_callable(each).name for each in build(worker))
    assert sorted(built) == stubs(service)
    assert set(built.values()) == {1}


@pytest.mark.parametrize("service", PACKAGES)
def test_names_say_whose_they_are(service: str) -> None:
    assert stubs(service)
    assert all(name.startswith(f"{service}.") for name in stubs(service))
