"""The clock of a task: reminders and escalations exactly when due, stopped, moved, and ended."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from services.common.record import Fact as Event
from services.review import events as review
from tests.workflow.events import CALL, fact
from tests.workflow.world import World
from workflows.contracts.facts import ROUTES
from workflows.contracts.tasks import CONSULT, task_id

DAY = timedelta(days=1)
AT_ONCE = timedelta(minutes=1)


class Task:
    """Makes the events of one task."""

    def __init__(self) -> None:
        self.application_id = uuid4()
        self.id = task_id(str(self.application_id), CONSULT, "HP")
        self._task: dict[str, Any] = {
            "task_id": self.id,
            "kind": CONSULT,
            "subject": str(self.application_id),
            "n": "HP",
            "call_id": CALL,
            "application_id": self.application_id,
        }

    def opened(self, due_at: datetime, *ladder: tuple[int, str, datetime]) -> Event:
        return review.TaskOpened(
            **self._task,
            audience=review.Audience(role="consultant", organisation="HP"),
            opened_at=due_at - 10 * DAY,
            due_at=due_at,
            ladder=steps(ladder),
            act_path="POST review /v1/cases",
        )

    def paused(self, at: datetime) -> Event:
        return review.TaskPaused(**self._task, paused_at=at)

    def moved(self, due_at: datetime, *ladder: tuple[int, str, datetime], cause: str = "resumed") -> Event:
        return review.TaskMoved(**self._task, due_at=due_at, ladder=steps(ladder), cause=cause)

    def handed_over(self) -> Event:
        audience = review.Audience(role="consultant", person_id=uuid4())
        return review.TaskHandedOver(**self._task, audience=audience)

    def closed(self) -> Event:
        return review.TaskClosed(
            **self._task, outcome="done", closed_at=datetime.fromisoformat("2026-01-01T00:00Z")
        )


def steps(ladder: tuple[tuple[int, str, datetime], ...]) -> list[review.Step]:
    return [review.Step(n=n, kind=kind, at=at) for n, kind, at in ladder]


def taken(world: World) -> list[tuple[int, datetime]]:
    return [(each.argument.n, each.argument.due_at) for each in world.of("review.take_ladder_step")]


async def due_in_ten_days(world: World) -> tuple[Task, datetime]:
    """Reminders three days and one day before it is due, escalations two and four days after."""
    task, due_at = Task(), await world.now() + 10 * DAY
    await world.happens(
        task.opened(
            due_at,
            (1, "reminder", due_at - 3 * DAY),
            (2, "reminder", due_at - 1 * DAY),
            (3, "escalation", due_at + 2 * DAY),
            (4, "escalation", due_at + 4 * DAY),
        )
    )
    return task, due_at


async def test_each_step_is_taken_at_its_instant_and_never_before(world: World) -> None:
    task, due_at = await due_in_ten_days(world)
    for after, count in ((-3 * DAY, 1), (-1 * DAY, 2), (2 * DAY, 3), (4 * DAY, 4)):
        await world.until(due_at + after - timedelta(seconds=30))
        assert len(taken(world)) == count - 1
        await world.until(due_at + after + timedelta(seconds=30))
        await world.comes("review.take_ladder_step", count)
    for each, after in zip(
        world.of("review.take_ladder_step"), (-3 * DAY, -DAY, 2 * DAY, 4 * DAY), strict=True
    ):
        assert due_at + after <= each.at < due_at + after + AT_ONCE
    assert taken(world) == [(n, due_at) for n in (1, 2, 3, 4)]
    await world.until(due_at + 100 * DAY)
    assert len(taken(world)) == 4
    await world.happens(task.closed())
    await world.ends(task.closed())


async def test_nothing_is_sent_any_more_when_the_task_is_closed(world: World) -> None:
    task, due_at = await due_in_ten_days(world)
    await world.until(due_at - 2 * DAY)
    assert taken(world) == [(1, due_at)]
    await world.happens(task.closed())
    await world.ends(task.closed())
    assert taken(world) == [(1, due_at)]
    assert len(world.of("workflows.note_end")) == 1


async def test_paused_clock_stands_still_until_it_gets_another(world: World) -> None:
    task, due_at = await due_in_ten_days(world)
    await world.until(due_at - 5 * DAY)
    await world.happens(task.paused(due_at - 5 * DAY))
    await world.until(due_at + 20 * DAY)
    assert taken(world) == []
    later = due_at + 25 * DAY
    await world.happens(
        task.moved(later, (1, "reminder", later - 3 * DAY), (3, "escalation", later + 2 * DAY))
    )
    await world.until(later - 3 * DAY - timedelta(seconds=2))
    assert taken(world) == []
    await world.until(later + 3 * DAY)
    await world.comes("review.take_ladder_step", 2)
    assert taken(world) == [(1, later), (3, later)]


async def test_moved_due_instant_begins_its_ladder_afresh(world: World) -> None:
    task, due_at = await due_in_ten_days(world)
    await world.until(due_at - 2 * DAY)
    later = due_at + 15 * DAY
    await world.happens(task.moved(later, (1, "reminder", later - 3 * DAY), cause="extended"))
    await world.until(due_at + 10 * DAY)
    assert taken(world) == [(1, due_at)]
    await world.until(later)
    await world.comes("review.take_ladder_step", 2)
    assert taken(world) == [(1, due_at), (1, later)]


async def test_escalation_already_past_is_taken_at_once(world: World) -> None:
    task, now = Task(), await world.now()
    await world.happens(task.opened(now - 5 * DAY, (1, "escalation", now - 3 * DAY)))
    await world.comes("review.take_ladder_step")
    assert world.of("review.take_ladder_step")[0].at < now + AT_ONCE


async def test_steps_are_taken_in_the_order_of_their_instants(world: World) -> None:
    task, now = Task(), await world.now()
    await world.happens(
        task.opened(now + 5 * DAY, (1, "escalation", now + 4 * DAY), (2, "reminder", now + 1 * DAY))
    )
    await world.until(now + 5 * DAY)
    await world.comes("review.take_ladder_step", 2)
    assert [n for n, _ in taken(world)] == [2, 1]


async def test_fact_that_is_told_twice_counts_once(world: World) -> None:
    task, due_at = await due_in_ten_days(world)
    pause = task.paused(due_at - 5 * DAY)
    once = fact(pause)
    await world.tell(pause, once)
    await world.happens(task.moved(due_at + DAY, (1, "reminder", due_at)))
    await world.tell(pause, once)  # would stop the clock again
    await world.until(due_at + DAY)
    await world.comes("review.take_ladder_step")
    assert taken(world) == [(1, due_at + DAY)]


def test_hand_over_is_no_matter_of_the_clock() -> None:
    assert Task().handed_over().TYPE not in ROUTES


async def test_run_says_which_task_and_which_instant_it_waits_for(world: World) -> None:
    task, due_at = await due_in_ten_days(world)
    await world.comes_to_rest(task.closed())
    person, instant = await world.waits_on(task.closed())
    assert (person.on, person.what, person.subject, person.n) == (
        "person",
        CONSULT,
        str(task.application_id),
        "HP",
    )
    assert person.task_id == task.id
    assert (instant.on, instant.at) == ("instant", due_at - 3 * DAY)


async def test_operators_find_the_run_by_its_attributes(world: World) -> None:
    task, due_at = await due_in_ten_days(world)
    await world.until(due_at + 3 * DAY)
    await world.comes("review.take_ladder_step", 3)
    attributes = await world.attributes(task.closed(), "EscalationLevel")
    assert attributes["ApplicationId"] == str(task.application_id)
    assert attributes["CallId"] == CALL
    assert attributes["Organisation"] == "HP"
    assert attributes["DueAt"] == due_at
    assert attributes["EscalationLevel"] == 1
