"""What happens elsewhere moves, closes or hands over a task: extensions, deadlines, losses, new leaders."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from services.funding import events as funding
from services.intake import events as intake
from tests.service.review.case_play import FAR, CasePlay
from tests.service.review.panel_play import AT, CALL, case_id
from tests.service.review.task_play import DAY, extension_decided, request_endorsement, short_call
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds


async def test_an_extension_stops_the_starts_clock_and_moves_it(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.CONFIRM_START, case, "1", role="holder", due_at=FAR)
    asked = funding.ExtensionAsked(application_id=case, call_id=CALL, n=1, version=1, until=FAR + 30 * DAY)
    await play.deliver(asked, str(case))
    assert (await play.row(task_id))["state"] == "paused"
    await play.deliver(extension_decided(case, FAR + 30 * DAY), str(case))
    row = await play.row(task_id)
    assert (row["state"], row["due_at"]) == ("open", FAR + 30 * DAY)
    (moved,) = await play.facts("task-moved")
    assert moved["cause"] == "extended"
    assert len(moved["ladder"]) == 5
    extension = await play.row(kinds.task_id(str(case), kinds.DECIDE_EXTENSION, "1"))
    assert extension["state"] == "done", "a tombstone, since its task was never opened"


async def test_a_refused_extension_repeats_no_reminder_that_was_sent(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.CONFIRM_START, case, "1", role="holder", due_at=FAR)
    await play.pass_time(task_id, FAR - (await play.row(task_id))["opened_at"] - 20 * DAY)
    due_at = (await play.row(task_id))["due_at"]
    await play.step(task_id, 1)  # 30 days before
    asked = funding.ExtensionAsked(application_id=case, call_id=CALL, n=1, version=1, until=due_at + DAY)
    await play.deliver(asked, str(case))
    await play.deliver(extension_decided(case, due_at, granted=False), str(case))
    (moved,) = await play.facts("task-moved")
    assert [step["n"] for step in moved["ladder"]] == [2, 3, 4, 5]
    assert await play.step(task_id, 1, due_at) == []


async def test_a_moved_deadline_moves_every_open_endorsement(play: CasePlay) -> None:
    await play.begin()
    task_ids = [await request_endorsement(play, n) for n in (1, 2)]
    assert [(await play.row(task_id))["due_at"] for task_id in task_ids] == [FAR - DAY] * 2
    await play.deliver(
        intake.DeadlineMoved(
            call_id=CALL,
            deadline=FAR + 7 * DAY,
            closes_at=FAR + 7 * DAY,
            draft_warnings=[],
            straggler_at=FAR + 20 * DAY,
            holder_ids=[],
        ),
        CALL,
    )
    assert [(await play.row(task_id))["due_at"] for task_id in task_ids] == [FAR + 6 * DAY] * 2
    assert [fact["cause"] for fact in await play.facts("task-moved")] == ["deadline_moved"] * 2


async def test_an_endorsement_asked_for_too_late_escalates_at_once_and_reminds_nobody(play: CasePlay) -> None:
    await play.begin(deadline=AT)
    task_id = await request_endorsement(play, 1)
    assert [kind for _n, kind, _distance in await play.ladder(task_id)] == ["escalation"]
    await play.step(task_id, 3)
    (escalated,) = await play.facts("task-escalated")
    assert [each["role"] for each in escalated["to"]] == ["holder"]


async def test_a_confirmed_loss_ends_the_waits_of_the_grant_and_a_kept_award_does_not(play: CasePlay) -> None:
    case = await short_call(play)
    start = await play.open(kinds.CONFIRM_START, case, "1", role="holder", due_at=FAR)
    for n, confirmed in (1, False), (2, True):
        await play.open(kinds.CONFIRM_LOSS, case, str(n))
        lost = funding.LossDecided(
            application_id=case,
            call_id=CALL,
            n=n,
            outcome="lapsed",
            confirmed=confirmed,
            decided_by=uuid.uuid4(),
            holder_id=uuid.uuid4(),
        )
        await play.deliver(lost, str(case))
        assert (await play.row(start))["state"] == ("cancelled" if confirmed else "open")
    assert await play.worklist(play.adviser, "all") == []


@pytest.mark.parametrize("kind", [kinds.ACCEPT_AWARD, kinds.CONFIRM_START, kinds.DELIVER_PLAN])
async def test_what_the_grant_waits_for_is_not_asked_for_after_its_loss(play: CasePlay, kind: str) -> None:
    case = await short_call(play)
    lost = funding.LossDecided(
        application_id=case,
        call_id=CALL,
        n=1,
        outcome="not_accepted",
        confirmed=True,
        decided_by=uuid.uuid4(),
        holder_id=uuid.uuid4(),
    )
    await play.deliver(lost, str(case))
    task_id = await play.open(kind, case, "1", role="holder", due_at=FAR)
    assert (await play.row(task_id))["closed_because"] == "not_accepted"
    other = await play.open(kinds.CONFIRM_MOVE, case)
    assert [item["id"] for item in await play.worklist(play.adviser, "all")] == [str(other)]


async def test_a_kept_award_gives_the_holder_new_time(play: CasePlay) -> None:
    case = await short_call(play)
    accept = await play.open(kinds.ACCEPT_AWARD, case, "1", role="holder", due_at=AT)
    start = await play.open(kinds.CONFIRM_START, case, "1", role="holder", due_at=AT)
    for n, new_time in enumerate(({"accept_due_at": FAR}, {"start_due_at": FAR + 9 * DAY}), start=1):
        kept = funding.LossDecided(
            application_id=case,
            call_id=CALL,
            n=n,
            outcome="lapsed",
            confirmed=False,
            decided_by=uuid.uuid4(),
            holder_id=uuid.uuid4(),
            **new_time,
        )
        await play.deliver(kept, str(case))
    assert [(await play.row(each))["due_at"] for each in (accept, start)] == [FAR, FAR + 9 * DAY]
    assert [fact["cause"] for fact in await play.facts("task-moved")] == ["kept", "kept"]


async def test_the_end_of_the_time_for_invoices_ends_the_wait_for_them(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.REGISTER_INVOICES, case, "1", role="institution", due_at=AT)
    await play.deliver(funding.InvoicingExpired(application_id=case, call_id=CALL), str(case))
    assert (await play.row(task_id))["state"] == "done"


async def test_a_new_project_leader_takes_over_what_waited_for_the_old(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.YEARLY_REPORT, case, "1.1", role="holder", due_at=FAR)
    leader = person()
    await play.deliver(_change_granted(case, holder_id=leader.id), str(case))
    assert (await play.row(task_id))["audience_person"] == leader.id
    assert [item["id"] for item in await play.worklist(leader)] == [str(task_id)]
    (handed,) = await play.facts("task-handed-over")
    assert handed["audience"]["person_id"] == str(leader.id)
    late = await play.open(kinds.CONFIRM_START, case, role="holder", person_id=uuid.uuid4())
    assert (await play.row(late))["audience_person"] == leader.id, "ordered before the change was heard of"


async def test_another_end_of_the_project_moves_the_time_for_invoices(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.REGISTER_INVOICES, case, "1", role="institution", due_at=FAR)
    await play.deliver(_change_granted(case, invoicing_due_at=FAR + 90 * DAY), str(case))
    assert (await play.row(task_id))["due_at"] == FAR + 90 * DAY
    assert [fact["cause"] for fact in await play.facts("task-moved")] == ["end_moved"]


def _change_granted(case: uuid.UUID, **given: Any) -> funding.ChangeDecided:
    fields: dict[str, Any] = {
        "application_id": case,
        "call_id": CALL,
        "n": 1,
        "kind": "leader" if "holder_id" in given else "end_date",
        "granted": True,
        "asked_by": uuid.uuid4(),
        "holder_id": case_id("holder-a"),
        "ends_at": None,
        "final_report_due_at": None,
        "invoicing_due_at": None,
    }
    return funding.ChangeDecided(**fields | given)


@pytest.mark.parametrize("decided", [False, True])
async def test_an_extension_asked_before_the_start_is_waited_for_is_not_lost(
    play: CasePlay, decided: bool
) -> None:
    case = await short_call(play)
    asked = funding.ExtensionAsked(application_id=case, call_id=CALL, n=1, version=1, until=FAR)
    await play.deliver(asked, str(case))
    if decided:
        await play.deliver(extension_decided(case, FAR + 30 * DAY), str(case))
    task_id = await play.open(kinds.CONFIRM_START, case, "1", role="holder", due_at=FAR)
    row = await play.row(task_id)
    if decided:
        assert (row["state"], row["due_at"]) == ("open", FAR + 30 * DAY)
    else:
        assert (row["state"], row["due_at"]) == ("paused", FAR)
        await play.deliver(extension_decided(case, FAR + 30 * DAY), str(case))
        row = await play.row(task_id)
        assert (row["state"], row["due_at"]) == ("open", FAR + 30 * DAY)
    assert len(await play.facts("task-paused")) == int(not decided)


async def test_a_holder_who_is_asked_anew_answers_that_task_too(play: CasePlay) -> None:
    case = await short_call(play)
    for n in ("1", "1.2"):
        await play.open(kinds.ACCEPT_AWARD, case, n, role="holder", due_at=FAR)
        answered = funding.AwardAnswered(
            application_id=case, call_id=CALL, version=1, outcome="accepted", answered_by=uuid.uuid4()
        )
        await play.deliver(answered, str(case))
    assert await play.worklist(play.adviser, "all") == []


async def test_when_the_call_closes_nobody_is_asked_about_drafts_any_more(play: CasePlay) -> None:
    await play.begin()
    case = await play.submit("a")
    prescreen = await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    endorsements = [await request_endorsement(play, n) for n in (1, 2)]
    draft, submitted_since = uuid.uuid4(), uuid.uuid4()
    for application_id in (draft, submitted_since):
        asked = intake.ClarificationAsked(
            application_id=application_id,
            call_id=CALL,
            clarification_id=uuid.uuid4(),
            n=1,
            organisation="HP",
            holder_id=uuid.uuid4(),
            title="A draft",
        )
        await play.deliver(asked, str(application_id))
    await play.close_call(case, submitted_since)
    endorsements.append(await request_endorsement(play, 3))
    kept = {str(prescreen), str(kinds.task_id(str(submitted_since), kinds.ANSWER_CLARIFICATION, "1"))}
    assert {item["id"] for item in await play.worklist(play.adviser, "all")} == kept
    assert [(await play.row(each))["state"] for each in endorsements[:2]] == ["cancelled"] * 2


async def test_a_place_on_the_reserve_list_that_ends_ends_the_wait_for_its_move(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.CONFIRM_MOVE, case)
    other = await play.open(kinds.ANSWER_COMPLAINT, case)
    await play.deliver(funding.ReserveExpired(application_id=case, call_id=CALL), str(case))
    assert (await play.row(task_id))["state"] == "cancelled"
    assert (await play.row(other))["state"] == "open"
