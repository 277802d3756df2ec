"""The oracle of the fault tests is no yes-man: each thing it must notice is planted, and it does."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.stack.settings import Settings as StackSettings
from services.common.settings import Settings
from tests.support import oracle
from tests.support.environment import STACK

AsRole = Callable[..., Awaitable[Any]]
_EVENT = """insert into outbox (id, key, topic, type, payload, published_at)
            values ($1, 'CASE-1', 'intake.events', 't', '{}', clock_timestamp())"""
_TAKEN_IN = """insert into inbox (consumer, event_id, key, type, at)
               values ('review', $1, 'CASE-1', 't', clock_timestamp() + $2 * interval '1 second')"""
_RECEIPT = """insert into message (event_id, recipient, person_id, event_type, template, data, key,
                                   application_id, status)
              values ($1, 'somebody', $1, 't', 'receipt', '{}', 'CASE-1', $2, 'queued')"""


@pytest.fixture
def stack_settings(settings: Settings) -> StackSettings:
    """The stack's settings with this test's own database."""
    return StackSettings("test", {**STACK.values, "POSTGRES_DB": settings.postgres_db})


async def _sent_and_taken_in(as_role: AsRole, *seconds: int) -> None:
    """Events of one key in their order; each is taken in after so many seconds."""
    sender, receiver = await as_role("intake", "owner"), await as_role("review", "owner")
    for after in seconds:
        event = uuid4()
        await sender.execute(_EVENT, event)
        await receiver.execute(_TAKEN_IN, event, after)


async def test_events_in_order_are_well(stack_settings: StackSettings, as_role: AsRole) -> None:
    await _sent_and_taken_in(as_role, 1, 2, 3)
    oracle.events_in_order_once(stack_settings)


async def test_an_event_that_overtook_another_is_noticed(
    stack_settings: StackSettings, as_role: AsRole
) -> None:
    await _sent_and_taken_in(as_role, 1, 3, 2)
    with pytest.raises(AssertionError, match="review took in intake's events out of order"):
        oracle.events_in_order_once(stack_settings)


async def test_an_event_that_nobody_sent_is_noticed(stack_settings: StackSettings, as_role: AsRole) -> None:
    receiver = await as_role("review", "owner")
    await receiver.execute(_TAKEN_IN, uuid4(), 1)
    with pytest.raises(AssertionError, match="review took in events that nobody sent"):
        oracle.events_in_order_once(stack_settings)


@pytest.mark.parametrize("receipts", [0, 2])
async def test_any_number_of_receipts_but_one_is_noticed(
    stack_settings: StackSettings, as_role: AsRole, receipts: int
) -> None:
    case: UUID = uuid4()
    owner = await as_role("notify", "owner")
    for _ in range(receipts):
        await owner.execute(_RECEIPT, uuid4(), case)
    with pytest.raises(AssertionError, match="not one receipt each"):
        await oracle.one_receipt_each(stack_settings, [str(case)])
