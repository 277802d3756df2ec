"""Endings: a part whose library lets its own cancellation out goes on, one that is told to stop stops."""

import asyncio

import pytest

from services.common.outages import StrayCancellation, closed_within, strays_are_failures
from services.common.run import every, keep
from tests.support import eventually


async def _let_a_cancellation_out():
    """As a client does that cancels a task of its own and then awaits it."""
    own = asyncio.create_task(asyncio.sleep(60))
    own.cancel()
    await own


async def _cancel(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_part_ended_by_a_library_is_run_again_and_one_told_to_stop_stops():
    runs = []

    async def part():
        runs.append(1)
        if len(runs) == 1:
            await _let_a_cancellation_out()
        await asyncio.Event().wait()

    task = asyncio.create_task(keep("part", part))
    await eventually(lambda: len(runs) == 2)
    await _cancel(task)
    assert len(runs) == 2


async def test_a_job_ended_by_a_library_is_run_again():
    runs = []

    async def job(_worker):
        runs.append(1)
        await _let_a_cancellation_out()

    task = asyncio.create_task(every(0.01, None, job))
    await eventually(lambda: len(runs) >= 2)
    await _cancel(task)


async def test_only_a_cancellation_of_our_own_passes():
    with pytest.raises(StrayCancellation), strays_are_failures():
        await _let_a_cancellation_out()

    async def told():
        with strays_are_failures():
            await asyncio.Event().wait()

    task = asyncio.create_task(told())
    await asyncio.sleep(0)
    await _cancel(task)


@pytest.mark.parametrize("error", [ConnectionError, RuntimeError])
async def test_a_client_closes_in_order_or_not_and_raises_nothing(error):
    async def fails():
        raise error

    assert await closed_within(1, asyncio.sleep(0))
    assert not await closed_within(1, fails())
    assert not await closed_within(1, _let_a_cancellation_out())
    assert not await closed_within(0.01, asyncio.Event().wait())
