"""The clock of a task and the facts of a grant, folded from what was told."""

from datetime import UTC, datetime, timedelta

from tests.workflow.events import fact
from tests.workflow.grant_events import DAY, Grantee
from tests.workflow.test_human_task import Task
from workflows.contracts.tasks import KINDS, task_id
from workflows.procedure.clock import clock_of
from workflows.procedure.holding import Holding
from workflows.procedure.known import Known
from workflows.procedure.stage import Standing

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_clock_follows_its_facts() -> None:
    task = Task()
    opened = fact(task.opened(NOW, (2, "escalation", NOW + DAY), (1, "reminder", NOW - DAY)))
    clock = clock_of([opened])
    assert clock is not None
    assert [step.n for step in clock.steps] == [1, 2]
    paused = clock_of([opened, fact(task.paused(NOW))])
    assert paused is not None
    assert (paused.paused, paused.steps, paused.due_at) == (True, (), NOW)
    moved = clock_of([opened, fact(task.paused(NOW)), fact(task.moved(NOW + DAY))])
    assert moved is not None
    assert (moved.paused, moved.due_at) == (False, NOW + DAY)
    closed = clock_of([opened, fact(task.closed()), fact(task.moved(NOW + DAY))])
    assert closed is not None
    assert closed.closed
    assert clock_of([]) is None


def test_instants_of_an_award_move_only_to_later_ones() -> None:
    grant = Grantee(NOW)
    told = Known([fact(grant.awarded())])
    holding = Holding(told)
    assert holding.start_lapses_at() == grant.start_lapses_at
    told.add(fact(grant.extension_asked()))
    assert holding.extension_asked()
    told.add(fact(grant.extension_decided(True, 30 * DAY)))
    assert not holding.extension_asked()
    assert holding.start_lapses_at() == grant.start_lapses_at + 30 * DAY
    told.add(fact(grant.loss_decided(False, "lapsed", start_lapses_at=grant.start_lapses_at + 10 * DAY)))
    assert holding.start_lapses_at() == grant.start_lapses_at + 30 * DAY
    assert not holding.lost()


def test_last_granted_change_that_names_an_end_counts() -> None:
    grant = Grantee(NOW)
    sooner, later = grant.ends_at - 50 * DAY, grant.ends_at + 50 * DAY
    told = Known([fact(grant.awarded()), fact(grant.started())])
    holding = Holding(told)
    assert holding.ends_at() == grant.ends_at
    told.add(fact(grant.change_decided(True, n=1, ends_at=later)))
    told.add(fact(grant.change_decided(False, n=2, ends_at=None)))
    assert holding.ends_at() == later
    told.add(fact(grant.change_decided(True, n=3, ends_at=sooner)))
    told.add(fact(grant.change_decided(True, "budget", n=4)))
    assert holding.ends_at() == sooner


def test_standing_of_a_grant() -> None:
    grant = Grantee(NOW, ["adjusted_plan_HP", "other"])
    told = Known([fact(grant.awarded())])
    holding = Holding(told)
    mend = NOW + timedelta(days=400)
    steps = [
        (grant.answered(), ("plan", "holder")),
        (grant.plan_delivered("HP"), ("plan", "HP")),
        (grant.plan_judged("HP", "returned"), ("plan", "holder")),
        (grant.plan_delivered("HP", 2), ("plan", "HP")),
        (grant.plan_judged("HP", "confirmed", 2), ("start", "holder")),
        (grant.extension_asked(), ("start", "rhf")),
        (grant.started(), ("project", "nobody")),
        (grant.requested("yearly", 1, NOW), ("report", "holder")),
        (grant.submitted("yearly", 1), ("report", "rhf")),
        (grant.judged("yearly", 1, "returned", mend=mend), ("report", "holder")),
        (grant.submitted("yearly", 1, 2), ("report", "rhf")),
        (grant.judged("yearly", 1, "approved", 2), ("project", "nobody")),
    ]
    assert holding.standing() == Standing("acceptance", "holder", grant.acceptance_lapses_at)
    for event, expected in steps:
        told.add(fact(event))
        assert (holding.standing().stage, holding.standing().owner) == expected, event.TYPE
        if event.to_data().get("outcome") == "returned" and expected[0] == "report":
            assert holding.standing().expected_at == mend


def test_a_no_waits_for_an_adviser() -> None:
    grant = Grantee(NOW)
    holding = Holding(Known([fact(grant.awarded()), fact(grant.answered("refused"))]))
    assert holding.standing().owner == "rhf"
    assert not holding.accepted()


def test_ids_of_tasks_never_change() -> None:
    """They stand in databases and histories: another id would be another task."""
    assert str(task_id("a", "consult", "HP")) == "4f733ddf-1e02-5fb2-80ef-8eb659f88657"
    assert len({task_id("a", kind, "1") for kind in KINDS}) == len(KINDS)
