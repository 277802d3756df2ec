"""A task from its opening to its end: ladder, pause, close before open, end and undo of its case."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from services.common.record import verify_chain
from services.funding import events as funding
from services.intake import events as intake
from services.notify.events import MessageFailed
from services.review.commands import clock
from services.review.commands import tasks as commands
from services.review.commands.recording import record_facts
from tests.service.review.case_play import FAR, CasePlay, ladder_of
from tests.service.review.panel_play import AT, CALL, WORKFLOW
from tests.support.tokens import Person
from workflows.contracts import tasks as kinds
from workflows.contracts.review import LadderStep, OpenTask
from workflows.events import FactArrivedLate

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
SHORT = [
    ("reminder", "-PT1H", ["audience"]),
    ("reminder", "PT1H", ["audience"]),
    ("escalation", "PT2H", ["lead"]),
    ("escalation", "PT3H", ["rhf_adviser", "hf_adviser"]),
]


async def short_call(play: CasePlay, **changes: object) -> uuid.UUID:
    """A consultation due in ten hours, with two reminders and two escalations; the case to consult on."""
    await play.begin(tasks=ladder_of(kinds.CONSULT, due="PT10H", steps=SHORT), **changes)
    return await play.submit("a", category="service", touches=["HP"])


async def consult(play: CasePlay, application_id: uuid.UUID) -> uuid.UUID:
    return await play.open(kinds.CONSULT, application_id, "HP", role="consultant", organisation="HP")


async def test_opening_states_audience_due_ladder_and_where_to_act(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    (fact,) = await play.facts("task-opened")
    row = await play.row(task_id)
    assert row["due_at"] - row["opened_at"] == 10 * HOUR
    assert fact["task_id"] == str(task_id)
    assert fact["audience"] == {"role": "consultant", "organisation": "HP", "person_id": None}
    assert [step["kind"] for step in fact["ladder"]] == ["reminder", "reminder", "escalation", "escalation"]
    assert fact["act_path"] == f"POST review /v1/cases/{case}/consultations/HP"


async def test_opening_twice_opens_once(play: CasePlay) -> None:
    case = await short_call(play)
    await asyncio.gather(*(consult(play, case) for _ in range(5)))
    assert len(await play.facts("task-opened")) == 1
    async with play.database.read() as conn:
        assert await conn.fetchval("select count(*) from audit where action = 'task.opened'") == 1


async def test_roles_of_the_applicants_side_are_narrowed_to_their_trust_and_person(play: CasePlay) -> None:
    case = await short_call(play)
    adviser = await play.row(await play.open(kinds.PRESCREEN, case, role="hf_adviser"))
    invoices = await play.row(await play.open(kinds.REGISTER_INVOICES, case, role="institution"))
    holder = await play.row(await play.open(kinds.DELIVER_PLAN, case, "HP:1", role="holder"))
    assert adviser["audience_organisation"] == invoices["audience_organisation"] == "STOLAV"
    assert holder["audience_person"] == (await play.case(case))["holder_id"]


async def test_a_due_instant_from_the_workflow_goes_before_the_calls_rule(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.CONFIRM_START, case, role="holder", due_at=FAR)
    assert (await play.row(task_id))["due_at"] == FAR


async def test_a_close_before_the_open_leaves_a_tombstone(play: CasePlay) -> None:
    case = await short_call(play)
    await play.deliver(plan_judged(case), str(case))
    task_id = await play.open(kinds.CONFIRM_PLAN, case, "HP:1", role="consultant", organisation="HP")
    row = await play.row(task_id)
    assert (row["state"], row["opened_at"]) == ("done", None)
    assert await play.facts("task-opened") == []
    assert (await play.api.get(play.adviser, f"/v1/tasks/{task_id}")).status_code == 404
    assert await play.worklist(play.adviser, "all") == []


async def test_a_second_close_says_nothing(play: CasePlay) -> None:
    case = await short_call(play)
    await play.open(kinds.CONFIRM_PLAN, case, "HP:1", role="consultant", organisation="HP")
    await play.deliver(plan_judged(case), str(case))
    await play.deliver(plan_judged(case), str(case))
    (closed,) = await play.facts("task-closed")
    assert closed["outcome"] == "done"


def plan_judged(case: uuid.UUID) -> funding.PlanJudged:
    return funding.PlanJudged(application_id=case, call_id=CALL, organisation="HP", n=1, outcome="confirmed")


async def test_reminders_and_escalations_fire_once_and_name_whom(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    await play.pass_time(task_id, 14 * HOUR)
    for n in (1, 2, 3, 4, 4, 1):
        await play.step(task_id, n)
    reminded, escalated = await play.facts("task-reminded"), await play.facts("task-escalated")
    assert [fact["step"] for fact in reminded] == [1, 2]
    assert [(fact["step"], fact["level"]) for fact in escalated] == [(3, 1), (4, 2)]
    assert escalated[0]["to"] == [{"role": "lead", "organisation": "HP", "person_id": None}]
    assert escalated[1]["to"] == [
        {"role": "rhf_adviser", "organisation": None, "person_id": None},
        {"role": "hf_adviser", "organisation": "STOLAV", "person_id": None},
    ]


async def test_a_step_whose_instant_has_not_come_is_tried_again(play: CasePlay) -> None:
    task_id = await consult(play, await short_call(play))
    with pytest.raises(clock.StepNotDueYet) as early:
        await play.step(task_id, 1)
    assert 8 * HOUR < early.value.wait <= 9 * HOUR


async def test_a_reminder_reaches_who_claimed_the_task(play: CasePlay, person: Callable[..., Person]) -> None:
    task_id = await consult(play, await short_call(play))
    consultant = person("consultant", organisation="HP")
    assert (await play.api.post(consultant, f"/v1/tasks/{task_id}/claim")).status_code == 200
    await play.pass_time(task_id, 10 * HOUR)
    await play.step(task_id, 1)
    (reminded,) = await play.facts("task-reminded")
    assert reminded["to"] == [{"role": "consultant", "organisation": "HP", "person_id": str(consultant.id)}]


async def test_a_step_of_a_closed_paused_or_moved_task_does_nothing(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    consultant = person("consultant", organisation="HP")
    old_due = (await play.row(task_id))["due_at"]
    await play.ask(consultant, case, task_id)
    await play.pass_time(task_id, 20 * HOUR)
    assert await play.step(task_id, 3) == [], "it is paused"
    assert await play.step(task_id, 3, old_due) == [], "it is of an older clock"
    await play.prescreen(person("hf_adviser", organisation="STOLAV"), case)
    await play.api.post(
        consultant, f"/v1/cases/{case}/consultations/HP", {"outcome": "feasible", "reason": "Fine."}
    )
    assert (await play.row(task_id))["state"] == "done"
    assert await play.step(task_id, 3) == [], "it is closed"
    assert await play.facts("task-escalated") == []


async def test_a_step_racing_a_close_is_either_before_it_or_silent(play: CasePlay) -> None:
    for name in "bcdef":
        case = await short_call(play) if name == "b" else await play.submit(name, touches=["HP"])
        task_id = await play.open(kinds.CONFIRM_PLAN, case, "HP:1", role="consultant", due_at=FAR)
        await play.pass_time(task_id, FAR - (await play.row(task_id))["opened_at"] + 9 * DAY)
        await asyncio.gather(play.step(task_id, 3), play.deliver(plan_judged(case), str(case)))
    async with play.database.read() as conn:
        late = await conn.fetch(
            "select 1 from ladder_step s join task t on t.id = s.task_id where s.taken_at > t.closed_at"
        )
        order = await conn.fetch(
            "select key, array_agg(type order by seq) as types from outbox where type ~ 'task-' group by key"
        )
    assert late == []
    for row in order:
        assert row["types"][-1].endswith("task-closed.v1")


async def test_an_answered_question_moves_due_and_ladder_by_exactly_the_pause(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    consultant = person("consultant", organisation="HP")
    before, ladder = await play.row(task_id), await play.ladder(task_id)
    question_id = await play.ask(consultant, case, task_id)
    assert (await play.row(task_id))["state"] == "paused"
    await play.pass_time(task_id, 30 * HOUR)  # first reminder's and due instant pass meanwhile
    holder = await holder_of(play, case, person)
    await play.answer(holder, question_id)
    after = await play.row(task_id)
    async with play.database.read() as conn:
        pause = await conn.fetchrow("select * from pause where task_id = $1", task_id)
    assert after["state"] == "open"
    assert after["due_at"] == before["due_at"] - 30 * HOUR + (pause["resumed_at"] - pause["paused_at"])
    assert await play.ladder(task_id) == ladder
    (moved,) = await play.facts("task-moved")
    assert moved["cause"] == "resumed"
    assert len(moved["ladder"]) == 4
    assert await play.facts("task-reminded") == []


async def holder_of(play: CasePlay, case: uuid.UUID, person: Callable[..., Person]) -> Person:
    """Somebody who can sign in, made the holder of the case."""
    made = person()
    await play.owner.execute("update cases set holder_id = $2 where id = $1", case, made.id)
    await play.owner.execute(
        "update question set of_person = $2 where application_id = $1 and of_role = 'holder'", case, made.id
    )
    return made


async def test_the_case_shows_for_whom_it_waited(play: CasePlay, person: Callable[..., Person]) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    await play.pass_time(task_id, 2 * HOUR)
    question_id = await play.ask(person("consultant", organisation="HP"), case, task_id)
    await play.pass_time(task_id, 5 * HOUR)
    holder = await holder_of(play, case, person)
    await play.answer(holder, question_id)
    found = (await play.api.get(holder, f"/v1/cases/{case}")).json()
    (waited,) = [task["waited"] for task in found["tasks"] if task["id"] == str(task_id)]
    assert waited["unit"] == "seconds"
    assert waited["us"] == pytest.approx(2 * 3600, abs=60)
    assert waited["them"] == pytest.approx(5 * 3600, abs=60)


async def test_a_task_waits_for_the_last_of_its_questions(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    task_id = await consult(play, case)
    consultant = person("consultant", organisation="HP")
    first = await play.ask(consultant, case, task_id)
    second = await play.ask(consultant, case, task_id)
    holder = await holder_of(play, case, person)
    await play.answer(holder, first)
    assert (await play.row(task_id))["state"] == "paused"
    await play.answer(holder, second)
    assert (await play.row(task_id))["state"] == "open"
    assert len(await play.facts("task-paused")) == len(await play.facts("task-moved")) == 1


async def test_a_question_opens_a_task_for_who_is_asked_and_its_answer_closes_it(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    question_id = await play.ask(play.adviser, case)
    task_id = kinds.task_id(str(case), kinds.ANSWER_QUESTION, str(question_id))
    assert (await play.row(task_id))["audience_person"] == (await play.case(case))["holder_id"]
    await play.answer(await holder_of(play, case, person), question_id)
    assert (await play.row(task_id))["state"] == "done"
    asked = await play.api.get(play.adviser, f"/v1/cases/{case}/questions")
    assert [(q["text"], q["answer"]) for q in asked.json()["items"]] == [
        ("How long does it take?", "A week.")
    ]


async def test_the_asker_hears_when_an_answer_is_late(play: CasePlay) -> None:
    case = await short_call(play)
    question_id = await play.ask(play.adviser, case)
    task_id = kinds.task_id(str(case), kinds.ANSWER_QUESTION, str(question_id))
    await play.pass_time(task_id, 20 * DAY)
    await play.step(task_id, 3)
    (escalated,) = await play.facts("task-escalated")
    assert escalated["to"] == [{"role": "asker", "organisation": None, "person_id": str(play.adviser.id)}]


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


async def request_endorsement(play: CasePlay, n: int, endorser: uuid.UUID | None = None) -> uuid.UUID:
    draft = uuid.uuid5(uuid.NAMESPACE_DNS, f"draft-{n}.test")
    await play.deliver(
        intake.EndorsementRequested(
            application_id=draft,
            call_id=CALL,
            endorsement_id=uuid.uuid4(),
            n=n,
            position="clinic_head",
            organisation="HMR",
            person_id=endorser or uuid.uuid4(),
            holder_id=uuid.uuid4(),
            title=f"Draft {n}",
        ),
        str(draft),
    )
    return kinds.task_id(str(draft), kinds.ENDORSE_DRAFT, str(n))


async def test_an_endorsement_asked_for_too_late_escalates_at_once_and_reminds_nobody(play: CasePlay) -> None:
    await play.begin(deadline=AT)
    task_id = await request_endorsement(play, 1)
    assert [kind for _n, kind, _distance in await play.ladder(task_id)] == ["escalation"]
    await play.step(task_id, 3)
    (escalated,) = await play.facts("task-escalated")
    assert [each["role"] for each in escalated["to"]] == ["holder"]


@pytest.mark.parametrize(
    ("ended_as", "ending", "undo"),
    [
        ("withdrawn", "withdraw", "undo_withdrawal"),
        ("rejected", "reject", "undo_rejection"),
    ],
)
async def test_the_end_of_a_case_ends_its_waits_and_the_undo_brings_them_back(
    play: CasePlay, person: Callable[..., Person], ended_as: str, ending: str, undo: str
) -> None:
    case = await short_call(play)
    running = await consult(play, case)
    paused = await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    adviser = person("hf_adviser", organisation="STOLAV")
    question = await play.ask(adviser, case, paused)
    await play.deliver(FACTS[ending](case), str(case))
    assert (await play.case(case))["ended_as"] == ended_as
    assert await play.worklist(play.adviser, "all") == []
    assert {fact["outcome"] for fact in await play.facts("task-closed")} == {"cancelled"}
    await play.open(kinds.CONFIRM_MOVE, case)
    assert await play.worklist(play.adviser, "all") == [], "an ended case opens no task"

    for task_id in (running, paused):
        await play.pass_time(task_id, 100 * DAY)
    await play.deliver(FACTS[undo](case), str(case))
    assert (await play.case(case))["ended_as"] is None
    back = {item["kind"]: item for item in await play.worklist(play.adviser, "all")}
    assert back.keys() == {kinds.CONSULT, kinds.PRESCREEN, kinds.ANSWER_QUESTION, kinds.CONFIRM_MOVE}
    assert back[kinds.CONSULT]["id"] != str(running), "a new clock needs an id of its own"
    assert back[kinds.PRESCREEN]["state"] == "paused"
    consultation = await play.row(uuid.UUID(back[kinds.CONSULT]["id"]))
    assert 9 * HOUR < consultation["due_at"] - consultation["opened_at"] <= 10 * HOUR
    holder = await holder_of(play, case, person)
    await play.answer(holder, question)
    assert (await play.row(uuid.UUID(back[kinds.PRESCREEN]["id"])))["state"] == "open"
    await play.prescreen(adviser, case)
    open_kinds = {item["kind"] for item in await play.worklist(play.adviser, "all")}
    assert open_kinds == {kinds.CONSULT, kinds.CONFIRM_MOVE}


def _fact(of: type, **more: object) -> Callable[[uuid.UUID], object]:
    return lambda case: of(application_id=case, call_id=CALL, **more)


FACTS: dict[str, Callable[[uuid.UUID], object]] = {
    "withdraw": _fact(intake.ApplicationWithdrawn, withdrawn_by=uuid.uuid4(), undo_until=FAR),
    "undo_withdrawal": _fact(intake.WithdrawalUndone, undone_by=uuid.uuid4()),
    "reject": _fact(
        intake.ApplicationRejected, version=1, rules=["X08"], decided_by=uuid.uuid4(), undo_until=FAR
    ),
    "undo_rejection": _fact(intake.RejectionUndone, version=1, decided_by=uuid.uuid4()),
    "expire": _fact(intake.ApplicationExpired),
}


async def test_a_second_ending_and_a_foreign_undo_change_nothing(play: CasePlay) -> None:
    case = await short_call(play)
    await play.deliver(FACTS["reject"](case), str(case))
    await play.deliver(FACTS["withdraw"](case), str(case))
    await play.deliver(FACTS["undo_withdrawal"](case), str(case))
    assert (await play.case(case))["ended_as"] == "rejected"


async def test_what_waited_behind_a_confirmed_rejection_is_done_and_not_reopened(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.CONFIRM_REJECTION, case)
    await play.deliver(FACTS["reject"](case), str(case))
    assert (await play.row(task_id))["state"] == "done"
    await play.deliver(FACTS["undo_rejection"](case), str(case))
    assert await play.worklist(play.adviser, "all") == []


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


async def test_a_new_project_leader_takes_over_what_waited_for_the_old(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.YEARLY_REPORT, case, "1.1", role="holder", due_at=FAR)
    leader = person()
    changed = funding.ChangeDecided(
        application_id=case,
        call_id=CALL,
        n=1,
        kind="leader",
        granted=True,
        holder_id=leader.id,
        ends_at=None,
        final_report_due_at=None,
        invoicing_due_at=None,
    )
    await play.deliver(changed, str(case))
    assert (await play.row(task_id))["audience_person"] == leader.id
    assert [item["id"] for item in await play.worklist(leader)] == [str(task_id)]
    (handed,) = await play.facts("task-handed-over")
    assert handed["audience"]["person_id"] == str(leader.id)


async def test_a_task_waits_for_its_call_and_case_to_be_known(play: CasePlay) -> None:
    with pytest.raises(commands.CaseNotKnownYet):
        await play.open(kinds.PRESCREEN, uuid.uuid4(), role="hf_adviser")
    async with play.database.transaction() as conn:
        with pytest.raises(commands.CallNotKnownYet):
            await commands.open_task(
                conn, OpenTask("nocall.d1", kinds.PREPARE_DECISION, "1", "nocall", None, "rhf_adviser")
            )


async def test_a_mail_that_came_back_asks_an_adviser_also_about_a_draft_or_a_case_that_ended(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    case = await short_call(play)
    await play.deliver(FACTS["withdraw"](case), str(case))
    for application_id, call_id in (case, CALL), (uuid.uuid4(), CALL), (None, CALL), (None, None):
        failed = MessageFailed(
            message_id=uuid.uuid4(),
            application_id=application_id,
            call_id=call_id,
            template="receipt",
            person_id=uuid.uuid4(),
        )
        await play.deliver(failed, str(application_id or call_id or failed.person_id))
    waiting = await play.worklist(play.adviser)
    assert [item["kind"] for item in waiting] == [kinds.REACH_RECIPIENT] * 4
    done = await play.api.post(
        play.adviser, f"/v1/tasks/{waiting[0]['id']}/handled", {"note": "Called them."}
    )
    assert done.status_code == 200
    assert done.json()["state"] == "done"
    assert len(await play.worklist(play.adviser)) == 3


async def test_a_facts_many_tasks_fit_into_one_record(play: CasePlay) -> None:
    first = await short_call(play)
    second = await play.submit("b")
    async with play.database.transaction() as conn:
        facts = []
        for case in (first, second):
            order = OpenTask(str(case), kinds.CONFIRM_MOVE, "1", CALL, case, "rhf_adviser")
            facts += await commands.open_task(conn, order)
            facts += await commands.close_task(
                conn, str(case), kinds.CONFIRM_MOVE, "1", by=WORKFLOW, call_id=CALL, application_id=case
            )
        await record_facts(conn, WORKFLOW, "both", {}, facts)
    async with play.database.read() as conn:
        keys = await conn.fetch("select key from audit where action = 'both'")
        assert await verify_chain(conn) == []
    assert {row["key"] for row in keys} == {str(first), str(second)}
    assert len(await play.facts("task-closed")) == 2


async def test_a_step_of_an_unknown_task_does_nothing(play: CasePlay) -> None:
    await short_call(play)
    async with play.database.transaction() as conn:
        assert await clock.take_ladder_step(conn, LadderStep(uuid.uuid4(), 1, FAR)) == []


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


def extension_decided(case: uuid.UUID, start_due_at: datetime, *, granted: bool = True) -> object:
    return funding.ExtensionDecided(
        application_id=case,
        call_id=CALL,
        n=1,
        version=1,
        granted=granted,
        start_due_at=start_due_at,
        start_lapses_at=start_due_at + 10 * DAY,
        holder_id=uuid.uuid4(),
    )


async def test_a_holder_who_is_asked_anew_answers_that_task_too(play: CasePlay) -> None:
    case = await short_call(play)
    for n in ("1", "1.2"):
        await play.open(kinds.ACCEPT_AWARD, case, n, role="holder", due_at=FAR)
        answered = funding.AwardAnswered(
            application_id=case, call_id=CALL, version=1, outcome="accepted", answered_by=uuid.uuid4()
        )
        await play.deliver(answered, str(case))
    assert await play.worklist(play.adviser, "all") == []


async def test_a_closed_task_keeps_who_closed_it(
    play: CasePlay, known: Callable[..., Awaitable[Person]]
) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.PRESCREEN, case, role="hf_adviser")
    adviser = await known("hf_adviser", organisation="STOLAV")
    await play.prescreen(adviser, case)
    row = await play.row(task_id)
    assert (row["closed_by"], row["closed_because"]) == (str(adviser.id), "done")


async def test_a_fact_that_came_too_late_for_its_run_asks_an_adviser(play: CasePlay) -> None:
    case = await short_call(play)
    for application_id in (case, None):
        late = FactArrivedLate(
            application_id=application_id, call_id=CALL, event_id=uuid.uuid4(), type="no.innoflyt.x.y.v1"
        )
        await play.deliver(late, str(application_id or CALL))
    waiting = await play.worklist(play.adviser)
    assert [item["kind"] for item in waiting] == [kinds.HANDLE_LATE_FACT] * 2
    assert {item["subject"] for item in waiting} == {str(case), CALL}


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


async def test_whichever_comes_first_of_opening_and_closing_nobody_waits_in_the_end(play: CasePlay) -> None:
    cases = [await short_call(play), *[await play.submit(name) for name in "bcdef"]]
    for case in cases:
        await asyncio.gather(
            play.open(kinds.CONFIRM_PLAN, case, "HP:1", role="consultant", due_at=FAR),
            play.deliver(plan_judged(case), str(case)),
        )
    assert await play.worklist(play.adviser, "all") == []
    opened, closed = await play.facts("task-opened"), await play.facts("task-closed")
    assert [fact["task_id"] for fact in opened] == [fact["task_id"] for fact in closed]


async def test_whichever_comes_first_of_pausing_and_reminding_no_step_falls_into_the_pause(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    await short_call(play)
    consultant = person("consultant", organisation="HP")
    for name in "bcdef":
        case = await play.submit(name, touches=["HP"])
        task_id = await consult(play, case)
        await play.pass_time(task_id, 10 * HOUR)
        await asyncio.gather(play.step(task_id, 1), play.ask(consultant, case, task_id))
        assert (await play.row(task_id))["state"] == "paused"
    async with play.database.read() as conn:
        during = await conn.fetchval(
            "select count(*) from ladder_step s join pause p using (task_id) where s.taken_at > p.paused_at"
        )
    assert during == 0


async def test_whichever_comes_first_of_a_decision_and_the_end_the_case_ends_once(
    play: CasePlay, person: Callable[..., Person]
) -> None:
    await short_call(play)
    adviser = person("hf_adviser", organisation="STOLAV")
    body = {"version": 1, "outcome": "not_recommended", "reason": "No."}
    for name in "bcdef":
        case = await play.submit(name)
        await play.open(kinds.PRESCREEN, case, role="hf_adviser")
        answer, _none = await asyncio.gather(
            play.api.post(adviser, f"/v1/cases/{case}/prescreening", body),
            play.deliver(FACTS["withdraw"](case), str(case)),
        )
        assert answer.status_code in (201, 409)
        ended_as = (await play.case(case))["ended_as"]
        assert ended_as == ("not_recommended" if answer.status_code == 201 else "withdrawn")
    assert await play.worklist(play.adviser, "all") == []


async def test_a_place_on_the_reserve_list_that_ends_ends_the_wait_for_its_move(play: CasePlay) -> None:
    case = await short_call(play)
    task_id = await play.open(kinds.CONFIRM_MOVE, case)
    other = await play.open(kinds.ANSWER_COMPLAINT, case)
    await play.deliver(funding.ReserveExpired(application_id=case, call_id=CALL), str(case))
    assert (await play.row(task_id))["state"] == "cancelled"
    assert (await play.row(other))["state"] == "open"
