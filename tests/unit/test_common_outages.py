"""Endings: a part whose library lets its own cancellation out goes on, one that is told to stop stops."""

import asyncio
from contextlib import suppress

import pytest

from services.common.outages import StrayCancellation, attempt, closed_within, seen_through
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


async def test_a_library_that_cancels_our_own_task_does_not_end_the_part():
    """As Temporal's worker does at a fatal error, which it then raises."""
    runs = []

    async def part():
        runs.append(1)
        if len(runs) == 1:
            asyncio.current_task().cancel()
            raise RuntimeError("fatal")
        if len(runs) == 2:
            await _let_a_cancellation_out()
        await asyncio.Event().wait()

    task = asyncio.create_task(keep("part", part))
    await eventually(lambda: len(runs) == 3)
    await _cancel(task)


async def _makes_an_outage_of_it():
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise TimeoutError from None


async def _overhears_it():
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


@pytest.mark.parametrize("work", [asyncio.Event().wait, _makes_an_outage_of_it, _overhears_it])
async def test_whoever_is_told_to_stop_stops_whatever_a_library_makes_of_it(work):
    task = asyncio.create_task(attempt(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await _cancel(task)


async def test_a_cancellation_nobody_asked_for_is_a_failure():
    with pytest.raises(StrayCancellation):
        await attempt(_let_a_cancellation_out())


async def test_what_must_not_be_left_half_done_is_seen_through():
    goes_on, done = asyncio.Event(), []

    async def work():
        await goes_on.wait()
        done.append(1)

    task = asyncio.create_task(seen_through(work(), 10))
    await asyncio.sleep(0)
    task.cancel()
    asyncio.get_running_loop().call_later(0.01, goes_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [1]
    endless = asyncio.create_task(seen_through(asyncio.Event().wait(), 0.01))
    await asyncio.sleep(0)
    await _cancel(endless)


@pytest.mark.parametrize("error", [ConnectionError, RuntimeError])
async def test_a_client_closes_in_order_or_not_and_raises_nothing(error):
    async def fails():
        raise error

    assert await closed_within(1, asyncio.sleep(0))
    assert not await closed_within(1, fails())
    assert not await closed_within(1, _let_a_cancellation_out())
    assert not await closed_within(0.01, asyncio.Event().wait())
