"""Every path of a call, from its publication to the published list of recipients."""

from datetime import datetime, timedelta
from uuid import uuid4

from services.common.record import Fact as Event
from services.intake import events as intake
from services.review import events as review
from tests.workflow.events import CALL, Decisions, PanelRound, call_published
from tests.workflow.world import Refusal, World, sequence

DAY = timedelta(days=1)
AT_ONCE = timedelta(minutes=1)
PANELS = ["product", "service_transfer"]
CASE = uuid4()


class Published:
    """A call that closes in thirty days, with drafts warned a week and a day before."""

    def __init__(self, now: datetime) -> None:
        self.closes_at = now + 30 * DAY
        self.straggler_at = now + 60 * DAY
        self.warnings = [self.closes_at - 7 * DAY, self.closes_at - 1 * DAY]
        self.event = call_published(now, self.closes_at, self.warnings, self.straggler_at, PANELS)

    def moved(self, by: timedelta) -> Event:
        return intake.DeadlineMoved(
            call_id=CALL,
            deadline=self.closes_at + by,
            closes_at=self.closes_at + by,
            draft_warnings=[each + by for each in self.warnings],
            straggler_at=self.straggler_at + by,
            holder_ids=[uuid4()],
        )


def complete() -> Event:
    return review.RoundComplete(call_id=CALL, straggler_ids=[])


def rounds() -> dict[str, PanelRound]:
    return {f"{CALL}.{panel}": PanelRound(f"{CALL}.{panel}") for panel in PANELS}


def goes_well(world: World) -> None:
    """All cases are in when the call closes; both panels work through; the leader agrees at once."""
    of = rounds()
    decisions = Decisions(f"{CALL}.d1")
    world.answers |= {
        "intake.close_call": lambda _call: [complete()],
        "review.open_conflicts": lambda round_: [of[round_.round_id].settled()],
        "review.assign": lambda round_: [of[round_.round_id].scored()],
        "review.open_meeting": lambda round_: [of[round_.round_id].met()],
        "review.open_signing": lambda round_: [of[round_.round_id].signed(CASE)],
        "review.open_task:prepare_decision": lambda task: [decisions.prepared(uuid4(), int(task.n))],
        "review.open_task:take_decision": lambda task: [decisions.taken(int(task.n))],
    }


def instants(world: World, key: str) -> list[datetime]:
    return [each.at for each in world.of(key)]


async def test_whole_call_in_order(world: World) -> None:
    goes_well(world)
    call = Published(await world.now())
    await world.happens(call.event)
    await world.ends(call.event)
    warned, closed = instants(world, "intake.warn_drafts"), instants(world, "intake.close_call")
    assert [each.argument.n for each in world.of("intake.warn_drafts")] == [1, 2]
    for at, due in zip([*warned, *closed], [*call.warnings, call.closes_at], strict=True):
        assert due <= at < due + AT_ONCE
    assert {each.argument.round_id for each in world.of("review.assign")} == set(rounds())
    keys = world.keys()
    after = [
        "funding.open_decision_round",
        "review.open_task:prepare_decision",
        "review.open_task:take_decision",
    ]
    assert [each for each in keys if each in after] == after
    assert keys[-4:] == [
        "funding.present_awards",
        "funding.send_letters",
        "funding.publish_round",
        "workflows.note_end",
    ]
    assert not world.of("review.pass_straggler_instant")
    assert world.of("funding.open_decision_round")[0].argument.decision_round_id == f"{CALL}.d1"


async def test_moved_deadline_moves_every_instant(world: World) -> None:
    goes_well(world)
    call = Published(await world.now())
    await world.happens(call.event)
    await world.until(call.warnings[0] + 1 * DAY)
    await world.happens(call.moved(10 * DAY))
    await world.ends(call.event)
    (closed,) = instants(world, "intake.close_call")
    assert call.closes_at + 10 * DAY <= closed < call.closes_at + 10 * DAY + AT_ONCE
    # Those who began a draft since the first warning get theirs too; intake warns nobody twice.
    assert [each.argument.n for each in world.of("intake.warn_drafts")] == [1, 1, 2]


async def test_intake_that_knows_of_a_later_deadline_refuses_to_close(world: World) -> None:
    goes_well(world)
    world.refusals["intake.close_call"] = [Refusal("NotYetClosing"), Refusal("NotYetClosing")]
    call = Published(await world.now())
    await world.happens(call.event)
    await world.ends(call.event)
    (closed,) = instants(world, "intake.close_call")
    assert call.closes_at < closed < call.closes_at + AT_ONCE
    assert not world.refusals["intake.close_call"]


async def test_call_that_is_closed_when_it_is_published_closes_at_once(world: World) -> None:
    goes_well(world)
    of = rounds()
    world.answers["review.open_conflicts"] = lambda round_: [of[round_.round_id].signed()]
    now = await world.now()
    call = Published(now - 400 * DAY)
    await world.happens(call.event)
    await world.ends(call.event)
    assert not world.of("intake.warn_drafts")
    # Nothing was recommended, so nobody is asked to decide.
    assert not world.of("funding.open_decision_round")
    assert not world.of("review.assign")


async def test_round_waits_for_its_cases_until_the_straggler_instant(world: World) -> None:
    goes_well(world)
    del world.answers["intake.close_call"]
    call = Published(await world.now())
    await world.happens(call.event)
    await world.until(call.straggler_at - timedelta(seconds=2))
    assert not world.of("review.pass_straggler_instant")
    await world.until(call.straggler_at + 5 * DAY)  # the call's policy may be to wait on
    assert len(world.of("review.pass_straggler_instant")) == 1
    assert not world.of("review.open_conflicts")
    await world.happens(complete())
    await world.ends(call.event)
    assert len(world.of("review.open_conflicts")) == 2


async def test_panel_without_quorum_goes_on_with_stand_ins(world: World) -> None:
    goes_well(world)
    of = rounds()
    first = world.answers["review.open_conflicts"]
    lost = {f"{CALL}.product": [of[f"{CALL}.product"].settled(quorum=False)]}
    world.answers["review.open_conflicts"] = lambda round_: lost.pop(round_.round_id, None) or first(round_)
    world.answers["review.ask_standins"] = lambda round_: [of[round_.round_id].stand_ins()]
    call = Published(await world.now())
    await world.happens(call.event)
    await world.ends(call.event)
    assert [each.argument.panel for each in world.of("review.ask_standins")] == ["product"]
    assert sorted(each.argument.panel for each in world.of("review.open_conflicts")) == ["product", *PANELS]
    assert sorted(each.argument.panel for each in world.of("review.assign")) == PANELS


async def test_conflict_declared_after_the_scores_lets_the_panel_meet_again(world: World) -> None:
    goes_well(world)
    of = rounds()
    once = {f"{CALL}.product"}

    def meeting(round_: review.PanelFact) -> list[Event]:
        facts = of[round_.round_id]
        if round_.round_id in once:
            once.remove(round_.round_id)
            return [facts.settled(quorum=False), facts.stand_ins()]
        return [facts.met()]

    world.answers["review.open_meeting"] = meeting
    call = Published(await world.now())
    await world.happens(call.event)
    await world.ends(call.event)
    product = [each.name for each in world.done if getattr(each.argument, "panel", "") == "product"]
    assert product == [
        "review.open_conflicts",
        "review.assign",
        "review.open_meeting",
        "review.ask_standins",
        "review.open_conflicts",
        "review.assign",
        "review.open_meeting",
        "review.open_signing",
    ]


async def test_leader_who_sends_the_round_back_gets_it_prepared_again(world: World) -> None:
    goes_well(world)
    decisions = Decisions(f"{CALL}.d1")
    world.answers["review.open_task:take_decision"] = sequence([decisions.sent_back(1)], [decisions.taken(2)])
    call = Published(await world.now())
    await world.happens(call.event)
    await world.ends(call.event)
    assert [each.argument.n for each in world.of("review.open_task:prepare_decision")] == ["1", "2"]
    assert len(world.of("funding.send_letters")) == 1


async def test_run_says_that_the_panels_are_waited_for(world: World) -> None:
    goes_well(world)
    del world.answers["review.assign"]
    call = Published(await world.now())
    await world.happens(call.event)
    await world.until(call.closes_at + 1 * DAY)
    await world.comes("review.assign", 2)
    waits = [each for each in await world.waits_on(call.event) if each.on == "person"]
    assert {(each.what, each.subject, each.n) for each in waits} == {
        ("judge_applications", f"{CALL}.product", None),
        ("judge_applications", f"{CALL}.service_transfer", None),
    }
