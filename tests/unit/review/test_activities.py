"""Review implements every activity that the workflows' contract names, with its signature."""

from typing import Any, cast

from temporalio import activity

from services.common.run import Worker
from services.review.activities import build
from workflows.contracts import review as contract


def named(function: object) -> str | None:
    definition = activity._Definition.from_callable(cast(Any, function)) if callable(function) else None
    return definition.name if definition else None


def test_every_activity_of_the_contract_is_implemented_and_no_other() -> None:
    stubs = {name for name in map(named, vars(contract).values()) if name is not None}
    # build() itself raises TypeError where a signature differs; nothing is connected before an activity runs.
    implemented = [named(function) for function in build(cast(Worker, None))]
    assert set(implemented) == stubs
    assert len(implemented) == len(stubs)
