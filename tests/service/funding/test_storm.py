"""Everything that moves money at once, in any order: every invariant that doctor knows still holds."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

import workflows.contracts.funding as contract
from services.common.db import Connection, now
from services.common.doctor import examine
from services.funding.checks import CHECKS
from services.funding.store import cases
from services.intake.events import ApplicationWithdrawn, WithdrawalUndone
from tests.service.funding.play import AT, Case, Play


async def _lose(play: Play, case: Case) -> int:
    await play.accepted(case, accepted=False)
    await play.run("propose_loss", contract.Loss(case.id, 1, "not_accepted", None))
    body = {"confirmed": True, "reason": "Takket nei"}
    return int((await play.api.post(play.adviser, f"{case.grant}/loss/decision", body)).status_code)


async def _withdraw(play: Play, case: Case) -> int:
    gone = ApplicationWithdrawn(
        application_id=case.id, call_id=play.call_id, withdrawn_by=case.holder.id, undo_until=AT
    )
    await play.fact(gone, case.id)
    return 201


async def _come_and_go(play: Play, case: Case) -> int:
    await _withdraw(play, case)
    back = WithdrawalUndone(application_id=case.id, call_id=play.call_id, undone_by=case.holder.id)
    await play.fact(back, case.id)
    return 201


async def _start(play: Play, case: Case) -> int:
    await play.started(case)
    return 201


async def _expire(play: Play, case: Case) -> int:
    async with play.database.transaction() as conn:
        await cases.set_reserve_until(conn, case.id, await now(conn))
    await play.run("expire_reserve", case.id)
    return 201


async def _complain(play: Play, case: Case) -> int:
    institution = play.person("institution", organisation=case.organisation)
    ground = {"ground": "Feil i saksbehandlingen"}
    made = await play.api.post(institution, f"{case.path}/complaints", ground)
    if made.status_code != 201:
        return int(made.status_code)
    answer = {"upheld": True, "stage": "decision", "reason": "Begrunnelsen manglet"}
    path = f"{case.path}/complaints/1/answer"
    return int((await play.api.post(play.second_adviser, path, answer)).status_code)


async def _move(play: Play, case: Case, confirmed: bool = True) -> int:
    body = {"confirmed": confirmed, "reason": "Gjennomgått"}
    moved = await play.api.post(play.adviser, f"{case.path}/reserve-move", body)
    if moved.status_code == 201 and confirmed:
        round_ = play.round(moved.json()["decision_round_id"], case)
        await play.run("open_decision_round", round_)
        await play.prepare(round_.decision_round_id)
        taken = await play.take(round_.decision_round_id)
        await play.run("send_letters", round_)
        return int(taken.status_code)
    return int(moved.status_code)


async def _let_wait(play: Play, case: Case) -> int:
    return await _move(play, case, confirmed=False)


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_breaks_whatever_races(
    seed: int, play: Play, as_role: Callable[..., Awaitable[Connection]]
) -> None:
    chance = random.Random(seed)
    await play.publish_call({"service": 3_000_000, "product": 1_000_000}, reserve_size=20)
    awards = [Case("HMR", 300_000, "awarded", rank) for rank in range(1, 11)]
    sizes = [chance.choice([100_000, 250_000, 400_000, 600_000]) for _ in range(8)]
    reserve = [Case("HNT", size, "reserve", rank) for rank, size in enumerate(sizes, start=11)]
    await play.recommended(*awards, *reserve)
    await play.decide()

    steps = [(chance.choice([_lose, _lose, _withdraw, _start]), case) for case in awards]
    for _ in range(3):
        steps += [
            (chance.choice([_move, _move, _let_wait, _expire, _complain, _come_and_go]), case)
            for case in reserve
        ]
    chance.shuffle(steps)
    busy = asyncio.Semaphore(8)

    async def take(step: Callable[[Play, Case], Awaitable[int]], case: Case) -> int:
        async with busy:
            return await step(play, case)

    answers = await asyncio.gather(*(take(step, case) for step, case in steps))
    # 409: the step was out of order by then, or another person must answer. Never a deadlock or a fault.
    assert set(answers) <= {201, 403, 409}, sorted(set(answers))
    assert answers.count(201) > len(awards), "hardly anything happened"
    amount, awarded, held = await play.pot()
    assert awarded + held <= amount
    owner = await as_role("funding", "owner")
    # The grace that doctor gives to letters on their way is over.
    await owner.execute("update letter set sent_at = sent_at - interval '1 hour'")
    await owner.execute("update decision_round set decided_at = decided_at - interval '1 hour'")
    findings = await examine(await as_role("funding", "inspector"), CHECKS)
    assert not findings, findings
