"""Every path of a grant, from the letter to the approved final report over three years."""
# Longer than 300 lines because each path of one procedure is one short test in one world.

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from services.common.record import Fact as Event
from tests.workflow.grant_events import DAY, YEAR, Grantee
from tests.workflow.world import World, sequence
from workflows.contracts.funding import ReportRequest
from workflows.contracts.review import OpenTask


async def awarded(world: World, *conditions: str, years: int = 3) -> Grantee:
    grant = Grantee(await world.now(), list(conditions), years=years)
    goes_well(world, grant)
    return grant


def goes_well(world: World, grant: Grantee) -> None:
    """The holder does everything at once, and everybody approves."""

    def request(asked: ReportRequest) -> list[Event]:
        at = max(each.at for each in world.of("funding.request_report"))
        return [grant.requested(asked.kind, asked.n, at)]

    def deliver(kind: str) -> Callable[[OpenTask], list[Event]]:
        def answer(task: OpenTask) -> list[Event]:
            n, attempt = map(int, task.n.split("."))
            return [grant.submitted(kind, n, attempt)]

        return answer

    def judge(task: OpenTask) -> list[Event]:
        kind, rest = task.n.split(":")
        n, attempt = map(int, rest.split("."))
        return [grant.judged(kind, n, "approved", attempt)]

    world.answers |= {
        "review.open_task:accept_award": lambda _task: [grant.answered()],
        "review.open_task:confirm_start": lambda _task: [grant.started()],
        "funding.request_report": request,
        "review.open_task:yearly_report": deliver("yearly"),
        "review.open_task:final_report": deliver("final"),
        "review.open_task:judge_report": judge,
        "review.open_task:register_invoices": lambda _task: [
            grant.invoiced(last=False),
            grant.invoiced(last=True),
        ],
    }


def stages(world: World) -> list[str]:
    return [each.argument.stage for each in world.of("intake.enter_stage")]


async def test_three_years_from_acceptance_to_the_final_report(world: World) -> None:
    grant = await awarded(world)
    await world.happens(grant.awarded())
    await world.ends(grant.awarded())
    reports = [(each.argument.kind, each.argument.n, each.at) for each in world.of("funding.request_report")]
    assert [(kind, n) for kind, n, _ in reports] == [
        ("yearly", 1),
        ("yearly", 2),
        ("yearly", 3),
        ("final", 1),
    ]
    first = grant.started_at + 300 * DAY
    for (_, n, at), due in zip(reports, [first, first + YEAR, first + 2 * YEAR, grant.ends_at], strict=True):
        assert due <= at < due + timedelta(minutes=5), n
    accept = world.of("review.open_task:accept_award")[0].argument
    assert (accept.role, accept.n, accept.due_at) == ("holder", "1", grant.accept_due_at)
    start = world.of("review.open_task:confirm_start")[0].argument
    assert (start.n, start.due_at) == ("1", grant.start_due_at)
    invoices = world.of("review.open_task:register_invoices")[0].argument
    assert (invoices.role, invoices.organisation, invoices.due_at) == (
        "institution",
        "STOLAV",
        grant.invoicing_due_at,
    )
    assert len(world.of("funding.close_grant")) == 1
    assert len(world.of("workflows.note_end")) == 1
    assert stages(world)[0] == "acceptance"
    assert stages(world)[-1] == "closed"
    # One run a year: each is short, and takes new code at its beginning.
    assert (await world.handle(grant.awarded()).describe()).history_length < 200


async def test_no_of_the_holder_is_confirmed_by_an_adviser(world: World) -> None:
    grant = await awarded(world)
    world.answers["review.open_task:accept_award"] = lambda _task: [grant.answered("refused")]
    world.answers["funding.propose_loss"] = lambda _loss: [grant.loss_proposed("not_accepted")]
    world.answers["review.open_task:confirm_loss"] = lambda _task: [grant.loss_decided(True, "not_accepted")]
    await world.happens(grant.awarded())
    await world.ends(grant.awarded())
    (loss,) = world.of("funding.propose_loss")
    assert (loss.argument.n, loss.argument.outcome, loss.argument.lapses_at) == (1, "not_accepted", None)
    assert loss.at < grant.accept_due_at
    assert world.of("review.open_task:confirm_loss")[0].argument.role == "rhf_adviser"
    assert not world.of("review.open_task:confirm_start")
    assert stages(world)[-1] == "closed"


async def test_award_that_nobody_answers_lapses(world: World) -> None:
    grant = await awarded(world)
    del world.answers["review.open_task:accept_award"]
    world.answers["funding.propose_loss"] = lambda _loss: [grant.loss_proposed("not_accepted")]
    world.answers["review.open_task:confirm_loss"] = lambda _task: [grant.loss_decided(True, "not_accepted")]
    await world.happens(grant.awarded())
    await world.ends(grant.awarded())
    (loss,) = world.of("funding.propose_loss")
    assert loss.argument.lapses_at == grant.acceptance_lapses_at
    assert grant.acceptance_lapses_at <= loss.at < grant.acceptance_lapses_at + timedelta(minutes=5)


async def test_holder_whose_no_did_not_stand_is_asked_anew(world: World) -> None:
    grant = await awarded(world)
    world.answers["review.open_task:accept_award"] = sequence([grant.answered("refused")], [grant.answered()])
    world.answers["funding.propose_loss"] = lambda _loss: [grant.loss_proposed("not_accepted")]
    due = grant.accept_due_at + 20 * DAY
    world.answers["review.open_task:confirm_loss"] = lambda _task: [
        grant.loss_decided(False, "not_accepted", accept_due_at=due, acceptance_lapses_at=due + 5 * DAY)
    ]
    await world.happens(grant.awarded())
    await world.comes("review.open_task:confirm_start")
    asked = [each.argument for each in world.of("review.open_task:accept_award")]
    assert [(each.n, each.due_at) for each in asked] == [("1", grant.accept_due_at), ("1.2", due)]


async def ends_by_a_withdrawal_that_crossed(world: World, grant: Grantee) -> None:
    """Nobody proposed this loss, nor has to confirm it: the holder did both in one step."""
    await world.happens(grant.loss_decided(True, "not_accepted"))
    await world.comes("intake.enter_stage", stage="closed")
    assert [each for each in await world.waits_on(grant.awarded()) if each.on != "instant"] == []
    at = await world.now()
    await world.ends(grant.awarded())
    assert not world.of("review.open_task:confirm_loss")
    assert world.of("workflows.note_end")[0].at < at + timedelta(hours=1)


async def test_withdrawal_that_crossed_with_the_award_ends_the_wait_for_an_answer(world: World) -> None:
    grant = await awarded(world)
    del world.answers["review.open_task:accept_award"]
    await world.happens(grant.awarded())
    await world.comes("review.open_task:accept_award")
    await ends_by_a_withdrawal_that_crossed(world, grant)


async def test_withdrawal_that_crossed_with_the_lapse_is_not_confirmed_again(world: World) -> None:
    grant = await awarded(world)
    del world.answers["review.open_task:accept_award"]
    await world.happens(grant.awarded())
    await world.comes("review.open_task:accept_award")
    await world.until(grant.acceptance_lapses_at + 1 * DAY)
    await world.comes("funding.propose_loss")  # which found nothing to propose any more
    await ends_by_a_withdrawal_that_crossed(world, grant)


async def test_withdrawal_that_crossed_with_the_acceptance_ends_the_wait_for_the_start(world: World) -> None:
    grant = await awarded(world)
    del world.answers["review.open_task:confirm_start"]
    await world.happens(grant.awarded())
    await world.comes("review.open_task:confirm_start")
    await ends_by_a_withdrawal_that_crossed(world, grant)


async def test_withdrawal_that_crossed_with_a_wish_for_more_time_ends_the_wait_for_it(world: World) -> None:
    grant = await awarded(world)
    del world.answers["review.open_task:confirm_start"]
    await world.happens(grant.awarded())
    await world.comes("review.open_task:confirm_start")
    await world.happens(grant.extension_asked())
    await world.comes("review.open_task:decide_extension")
    await ends_by_a_withdrawal_that_crossed(world, grant)


async def test_confirmed_loss_ends_the_wait_for_plans_and_requests(world: World) -> None:
    """Their tasks are cancelled with the grant, so nobody is waited for, not even for a while."""
    grant = await awarded(world, "adjusted_plan_HP")
    del world.answers["review.open_task:confirm_start"]
    world.answers["funding.propose_loss"] = lambda loss: [grant.loss_proposed("lapsed", loss.n)]
    await world.happens(grant.awarded())
    await world.comes("review.open_task:deliver_plan")
    await world.happens(grant.change_asked("budget"))
    await world.comes("review.open_task:decide_change")
    await world.until(grant.start_lapses_at + 1 * DAY)
    await world.comes("review.open_task:confirm_loss")
    await world.happens(grant.loss_decided(True, "lapsed"))
    await world.comes("intake.enter_stage", stage="closed")
    assert [each for each in await world.waits_on(grant.awarded()) if each.on == "person"] == []
    await world.ends(grant.awarded())


async def test_project_that_never_starts_lapses(world: World) -> None:
    grant = await awarded(world)
    del world.answers["review.open_task:confirm_start"]
    world.answers["funding.propose_loss"] = lambda loss: [grant.loss_proposed("lapsed", loss.n)]
    later = grant.start_lapses_at + 30 * DAY
    world.answers["review.open_task:confirm_loss"] = sequence(
        [grant.loss_decided(False, "lapsed", 1, start_lapses_at=later)],
        [grant.loss_decided(True, "lapsed", 2)],
    )
    await world.happens(grant.awarded())
    await world.ends(grant.awarded())
    losses = world.of("funding.propose_loss")
    assert [(each.argument.n, each.argument.lapses_at) for each in losses] == [
        (1, grant.start_lapses_at),
        (2, later),
    ]
    assert losses[1].at >= later
    assert not world.of("funding.request_report")


async def test_start_in_the_last_moment_overtakes_the_lapse(world: World) -> None:
    grant = await awarded(world)
    del world.answers["review.open_task:confirm_start"]
    world.answers["funding.propose_loss"] = lambda _loss: [grant.started(late=True)]
    await world.happens(grant.awarded())
    await world.ends(grant.awarded())
    assert not world.of("review.open_task:confirm_loss")
    assert len(world.of("funding.close_grant")) == 1


async def test_extension_stops_the_clock_and_moves_the_lapse(world: World) -> None:
    grant = await awarded(world)
    del world.answers["review.open_task:confirm_start"]
    await world.happens(grant.awarded())
    await world.comes("review.open_task:confirm_start")
    await world.until(grant.start_due_at - 2 * DAY)
    await world.happens(grant.extension_asked())
    task = await world.comes("review.open_task:decide_extension")
    assert (task.n, task.role) == ("1", "rhf_adviser")
    await world.until(grant.start_lapses_at + 10 * DAY)
    assert not world.of("funding.propose_loss")
    await world.happens(grant.extension_decided(True, 40 * DAY))
    await world.until(grant.start_lapses_at + 30 * DAY)
    assert not world.of("funding.propose_loss")
    await world.happens(grant.started(late=True))
    await world.ends(grant.awarded())
    assert not world.of("funding.propose_loss")


async def test_refused_extension_lets_the_award_lapse(world: World) -> None:
    grant = await awarded(world)
    del world.answers["review.open_task:confirm_start"]
    world.answers |= {
        "review.open_task:decide_extension": lambda _task: [grant.extension_decided(False, 1 * DAY)],
        "funding.propose_loss": lambda loss: [grant.loss_proposed("lapsed", loss.n)],
        "review.open_task:confirm_loss": lambda _task: [grant.loss_decided(True, "lapsed")],
    }
    await world.happens(grant.awarded())
    await world.comes("review.open_task:confirm_start")
    await world.happens(grant.extension_asked())
    await world.ends(grant.awarded())
    assert world.of("funding.propose_loss")[0].argument.lapses_at == grant.start_lapses_at + 1 * DAY


async def test_adjusted_plan_is_delivered_until_the_organisation_confirms_it(world: World) -> None:
    grant = await awarded(world, "adjusted_plan_HP")
    del world.answers["review.open_task:confirm_start"]
    world.answers |= {
        "review.open_task:deliver_plan": sequence(
            [grant.plan_delivered("HP", 1)], [grant.plan_delivered("HP", 2)]
        ),
        "review.open_task:confirm_plan": sequence(
            [grant.plan_judged("HP", "returned", 1)],
            [grant.plan_judged("HP", "confirmed", 2), grant.started()],
        ),
    }
    await world.happens(grant.awarded())
    await world.comes("intake.enter_stage", stage="project")
    assert [each.argument.n for each in world.of("review.open_task:deliver_plan")] == ["HP:1", "HP:2"]
    judges = [each.argument for each in world.of("review.open_task:confirm_plan")]
    assert [(each.n, each.role, each.organisation) for each in judges] == [
        ("HP:1", "consultant", "HP"),
        ("HP:2", "consultant", "HP"),
    ]
    assert "plan" in stages(world)


async def test_late_report_is_waited_for_and_a_returned_one_is_mended(world: World) -> None:
    grant = await awarded(world, years=1)
    mend = grant.started_at + 350 * DAY
    del world.answers["review.open_task:yearly_report"]
    world.answers["review.open_task:judge_report"] = sequence(
        [grant.judged("yearly", 1, "returned", 1, mend)],
        [grant.judged("yearly", 1, "approved", 2)],
        [grant.judged("final", 1)],
    )
    await world.happens(grant.awarded())
    await world.comes("intake.enter_stage", stage="project")
    await world.until(grant.started_at + 345 * DAY)
    first = await world.comes("review.open_task:yearly_report")
    assert first.n == "1.1"
    asked = world.of("funding.request_report")[0].at
    assert first.due_at == asked + 30 * DAY
    assert first.due_at < await world.now()
    await world.happens(grant.submitted("yearly", 1, 1, late=True))
    second = await world.comes("review.open_task:yearly_report", 2)
    assert (second.n, second.due_at) == ("1.2", mend)
    shown = await world.comes("intake.enter_stage", stage="report", expected_at=mend)
    assert shown.owner == "holder"
    await world.happens(grant.submitted("yearly", 1, 2))
    await world.ends(grant.awarded())
    judges = [each.argument.n for each in world.of("review.open_task:judge_report")]
    assert judges == ["yearly:1.1", "yearly:1.2", "final:1.1"]


async def test_late_yearly_report_holds_up_no_invoice(world: World) -> None:
    grant = await awarded(world, years=1)
    del world.answers["review.open_task:yearly_report"]
    del world.answers["review.open_task:register_invoices"]
    await world.happens(grant.awarded())
    await world.comes("intake.enter_stage", stage="project")
    await world.until(grant.started_at + 310 * DAY)
    await world.comes("review.open_task:yearly_report")
    await world.until(grant.ends_at + 1 * DAY)
    await world.comes("review.open_task:register_invoices")
    assert grant.ends_at <= world.of("review.open_task:register_invoices")[0].at < grant.ends_at + 1 * DAY
    assert [each.argument.kind for each in world.of("funding.request_report")] == ["yearly"]
    await world.happens(grant.invoiced(last=True), grant.submitted("yearly", 1, late=True))
    await world.ends(grant.awarded())
    assert [each.argument.kind for each in world.of("funding.request_report")] == ["yearly", "final"]


async def test_final_report_waits_until_it_is_known_when_the_project_ends(world: World) -> None:
    grant = await awarded(world, years=1)
    await world.happens(grant.awarded())
    await world.comes("intake.enter_stage", stage="project")
    await world.until(grant.ends_at - 1 * DAY)
    await world.happens(grant.change_asked("end_date"))
    await world.comes("review.open_task:decide_change")
    await world.until(grant.ends_at + 20 * DAY)
    assert [each.argument.kind for each in world.of("funding.request_report")] == ["yearly"]
    assert ("process", "end_change") in [(e.on, e.what) for e in await world.waits_on(grant.awarded())]
    moved = grant.ends_at + 100 * DAY
    await world.happens(grant.change_decided(True, ends_at=moved))
    await world.ends(grant.awarded())
    final = world.of("funding.request_report")[-1]
    assert (final.argument.kind, final.argument.ends_at) == ("final", moved)
    assert final.at >= moved


async def test_wish_for_another_end_that_funding_hears_of_first_is_answered_first(world: World) -> None:
    """Funding asks for no report then, and the run asks it again once the end is known."""
    grant = await awarded(world, years=1)
    ordinary = world.answers["funding.request_report"]
    refused = grant.change_decided(False, "end_date")

    def request(asked: ReportRequest) -> list[Event]:
        if asked.kind == "final" and len(world.of("funding.request_report")) == 2:
            return [grant.change_asked("end_date"), refused]
        return list(ordinary(asked))

    world.answers["funding.request_report"] = request
    await world.happens(grant.awarded())
    await world.ends(grant.awarded())
    asked = [each.argument.kind for each in world.of("funding.request_report")]
    assert asked == ["yearly", "final", "final"]


async def test_change_moves_the_end_and_names_a_new_leader(world: World) -> None:
    grant = await awarded(world, years=1)
    del world.answers["review.open_task:final_report"]
    new_end, leader = grant.ends_at + 100 * DAY, uuid4()
    world.answers["review.open_task:decide_change"] = sequence(
        [grant.change_decided(True, "end_date", 1, ends_at=new_end)],
        [grant.change_decided(True, "leader", 2, holder=leader)],
    )
    await world.happens(grant.awarded())
    await world.comes("intake.enter_stage", stage="project")
    await world.until(grant.started_at + 340 * DAY)  # the first run has handed over to the second
    await world.happens(grant.change_asked("end_date", 1))
    await world.comes("review.open_task:decide_change", n="1")
    await world.happens(grant.change_asked("leader", 2))
    await world.comes("review.open_task:decide_change", n="2")
    await world.until(grant.ends_at + 50 * DAY)
    assert not [each for each in world.of("funding.request_report") if each.argument.kind == "final"]
    await world.until(new_end + 1 * DAY)
    final = await world.comes("review.open_task:final_report")
    assert (final.role, final.person_id) == ("holder", None), "review knows who leads the project by now"
    assert world.of("review.open_task:register_invoices")[0].argument.due_at == new_end + 60 * DAY
    await world.happens(grant.submitted("final", 1))
    await world.ends(grant.awarded())


async def test_change_that_adds_years_brings_their_reports(world: World) -> None:
    """The last report was asked for while no other was to come."""
    grant = await awarded(world, years=1)
    await world.happens(grant.awarded())
    await world.comes("intake.enter_stage", stage="project")
    await world.until(grant.ends_at - 10 * DAY)
    world.answers["review.open_task:decide_change"] = lambda _task: [
        grant.change_decided(True, ends_at=grant.ends_at + 2 * YEAR)
    ]
    await world.happens(grant.change_asked())
    await world.ends(grant.awarded())
    reports = [(each.argument.kind, each.argument.n, each.at) for each in world.of("funding.request_report")]
    assert [(kind, n) for kind, n, _ in reports] == [
        ("yearly", 1),
        ("yearly", 2),
        ("yearly", 3),
        ("final", 1),
    ]
    assert reports[1][2] - reports[0][2] >= YEAR
    assert reports[3][2] >= grant.ends_at + 2 * YEAR


async def test_change_that_brings_the_end_forward_ends_the_yearly_reports(world: World) -> None:
    grant = await awarded(world)
    await world.happens(grant.awarded())
    await world.comes("intake.enter_stage", stage="project")
    new_end = grant.started_at + 200 * DAY
    world.answers["review.open_task:decide_change"] = lambda _task: [
        grant.change_decided(True, ends_at=new_end)
    ]
    await world.happens(grant.change_asked())
    await world.ends(grant.awarded())
    (final,) = world.of("funding.request_report")
    assert final.argument.kind == "final"
    assert final.at >= new_end


async def test_refused_change_changes_nothing_and_grant_waits_for_an_open_one(world: World) -> None:
    grant = await awarded(world, years=1)
    await world.happens(grant.awarded())
    await world.comes("intake.enter_stage", stage="project")
    await world.happens(grant.change_asked("budget"))
    await world.comes("review.open_task:decide_change")
    await world.until(grant.ends_at + 100 * DAY)
    assert not world.of("workflows.note_end")
    await world.happens(grant.change_decided(False, "budget"))
    await world.ends(grant.awarded())


async def test_last_invoice_may_come_before_the_end(world: World) -> None:
    grant = await awarded(world, years=1)
    await world.happens(grant.awarded())
    await world.comes("intake.enter_stage", stage="project")
    await world.happens(grant.invoiced(last=True))
    await world.ends(grant.awarded())
    assert not world.of("review.open_task:register_invoices")


async def test_trust_that_never_invoices_is_waited_for_until_its_deadline(world: World) -> None:
    grant = await awarded(world, years=1)
    del world.answers["review.open_task:register_invoices"]
    world.answers["funding.expire_invoicing"] = lambda _invoicing: [grant.invoicing_expired()]
    await world.happens(grant.awarded())
    await world.ends(grant.awarded())
    (closing,) = world.of("funding.expire_invoicing")
    assert closing.argument.due_at == grant.invoicing_due_at
    assert grant.invoicing_due_at < closing.at < grant.invoicing_due_at + timedelta(hours=1)
    assert world.of("workflows.note_end")[0].at >= closing.at


async def test_run_says_whom_it_waits_for_also_after_it_handed_over(world: World) -> None:
    grant = await awarded(world)
    await world.happens(grant.awarded())
    await world.comes("intake.enter_stage", stage="project")
    await world.happens(grant.change_asked("plan"))
    await world.comes("review.open_task:decide_change")
    await world.until(grant.started_at + 320 * DAY)
    await world.comes(
        "review.open_task:decide_change", 2
    )  # the next run opens it again, which changes nothing
    waits = await world.waits_on(grant.awarded())
    assert ("person", "decide_change") in [(each.on, each.what) for each in waits]
    assert ("instant", "ask_for_report") in [(each.on, each.what) for each in waits]
