"""Doctor compares what was sent with what arrived: an event that did not is named with its case."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from deploy.stack import deliveries
from deploy.stack.settings import Settings as StackSettings
from services.common.db import Connection
from services.common.settings import SCHEMAS, Settings
from tests.support.environment import STACK

_SENT = """insert into intake.outbox (id, key, topic, type, payload, published_at)
           values ($1, $2, $3, $4, '{}', clock_timestamp())"""


@pytest.fixture
def stack_settings(settings: Settings) -> StackSettings:
    """The stack's settings with this test's own database."""
    return StackSettings("test", {**STACK.values, "POSTGRES_DB": settings.postgres_db})


def _handled_by(consumer: str) -> str:
    return next(kind for kind in deliveries.handled_types(consumer) if ".intake." in kind)


async def test_nothing_sent_is_nothing_missing(stack_settings: StackSettings) -> None:
    assert deliveries.missing(stack_settings, patience=0) == []


@pytest.mark.parametrize("consumer", [schema for schema in SCHEMAS if schema != "intake"])
async def test_an_event_that_did_not_arrive_is_named(
    consumer: str, stack_settings: StackSettings, as_role: Callable[..., Awaitable[Connection]]
) -> None:
    case, event, kind = str(uuid4()), uuid4(), _handled_by(consumer)
    sender = await as_role("intake", "owner")
    await sender.execute(_SENT, event, case, "intake.events", kind)
    found = [line for line in deliveries.missing(stack_settings, patience=0) if line.endswith(f" {consumer}")]
    assert len(found) == 1
    assert case in found[0]
    assert kind in found[0]

    receiver = await as_role(consumer, "owner")
    await receiver.execute(
        "insert into inbox (consumer, event_id, key, type) values ($1, $2, $3, $4)",
        consumer,
        event,
        case,
        kind,
    )
    assert not [line for line in deliveries.missing(stack_settings, 0) if line.endswith(f" {consumer}")]


async def test_only_the_newest_contact_must_have_arrived(
    stack_settings: StackSettings, as_role: Callable[..., Awaitable[Connection]]
) -> None:
    sender = await as_role("intake", "owner")
    person, kind = str(uuid4()), next(k for k in deliveries.handled_types("notify") if "contact" in k)
    for _ in range(2):
        await sender.execute(_SENT, uuid4(), person, "intake.contacts", kind)
    found = [line for line in deliveries.missing(stack_settings, patience=0) if line.endswith(" notify")]
    assert len(found) == 1
