"""Topics know no order between each other: whatever comes first, a case reaches the same end."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from services.common.record import Fact as Event
from tests.support import eventually
from tests.workflow.events import CALL, Applicant, Decisions, PanelRound, fact
from tests.workflow.world import World

SOON = timedelta(days=20)
SEEDS = range(5)


@dataclass(frozen=True)
class Happening:
    """An event, and what the run must have asked for (so many times) before it can happen."""

    event: Event
    asked: str = ""
    times: int = 1

    def possible(self, world: World) -> bool:
        return not self.asked or len(world.of(self.asked)) >= self.times


Topics = dict[str, list[Happening]]


def happening(*events: Event, asked: str = "", times: int = 1) -> list[Happening]:
    return [Happening(event, asked, times) for event in events]


def moved_up_after_a_complaint(case: Applicant, now: datetime) -> Topics:
    """Returned, resubmitted, declined, assessed again, on the reserve, awarded: by topic, each in order."""
    again = PanelRound(f"{case.id}.r1", case.id)
    second, third = Decisions(f"{case.id}.d2", case.id), Decisions(f"{case.id}.d3", case.id)
    until = now + SOON
    decide, send = "funding.open_decision_round", "funding.send_letters"
    return {
        "intake": happening(case.passed(1), case.submitted(2, touches=("HP",)), case.passed(2)),
        "review": [
            *happening(
                case.prescreened("returned", 1),
                case.prescreened("recommended", 2),
                case.consulted("HP"),
                case.entered(),
                case.access_granted(),
                case.recommended(f"{CALL}.service_transfer", "declined_threshold"),
            ),
            *happening(
                again.stand_ins(),
                again.settled(quorum=False),
                again.stand_ins(),
                again.settled(),
                again.scored(),
                again.met(),
                case.recommended(again.id, "reserve"),
                again.signed(case.id),
                asked="review.open_reassessment",
            ),
        ],
        "funding": [
            *happening(
                case.decided("declined_threshold", 1),
                case.letter("declined_threshold", until),
                case.complained(1, 1),
                case.answered(True, "assessment", 1),
            ),
            *happening(
                second.prepared(uuid4()),
                second.sent_back(1),
                second.prepared(uuid4(), 2),
                second.taken(2),
                case.decided("reserve", 2),
                asked=decide,
            ),
            *happening(
                case.letter("reserve", until, until + SOON, version=2),
                case.offered(1),
                case.move_decided(True, third.id, 1),
                asked=send,
            ),
            *happening(
                third.prepared(uuid4()), third.taken(), case.decided("awarded", 3), asked=decide, times=2
            ),
            *happening(case.letter("awarded", until, version=3), asked=send, times=2),
        ],
    }


def withdrawn_for_good(case: Applicant, now: datetime) -> Topics:
    return {
        "intake": happening(
            case.rejection_proposed(1),
            case.rejected(now + SOON, 1),
            case.rejection_undone(1),
            case.withdrawn(now + SOON),
            case.withdrawal_undone(),
            case.withdrawn(now + SOON),
        ),
        "review": happening(
            case.prescreened("recommended", 1), case.consulted("HP"), case.entered(), case.access_granted()
        ),
    }


def decided_by_itself(case: Applicant, now: datetime) -> Topics:
    """Its panel signs while it is withdrawn; it comes back, is assessed, and the call was decided before."""
    alone, own = PanelRound(f"{case.id}.r0", case.id), Decisions(f"{case.id}.d1", case.id)
    return {
        "intake": happening(case.passed(1), case.withdrawn(now + SOON), case.withdrawal_undone()),
        "review": [
            *happening(
                case.prescreened("recommended", 1),
                case.consulted("HP"),
                case.entered(),
                case.access_granted(),
                case.unassessed(),
            ),
            *happening(
                alone.stand_ins(),
                alone.settled(),
                alone.scored(),
                alone.met(),
                case.recommended(alone.id, "reserve"),
                alone.signed(case.id),
                asked="review.open_reassessment",
            ),
        ],
        "funding": [
            *happening(case.left_out(own.id), asked="review.open_reassessment"),
            *happening(
                own.prepared(uuid4()),
                own.taken(),
                case.decided("reserve"),
                asked="funding.open_decision_round",
            ),
            *happening(
                case.letter("reserve", now + SOON, now + SOON),
                case.complained(),
                case.offered(),
                case.answered(upheld=False),
                case.move_decided(False, None),
                case.reserve_expired(),
                asked="funding.send_letters",
            ),
        ],
    }


async def play(world: World, case: Applicant, topics: Topics, seed: int) -> None:
    """Tell all of it in an order that is possible, some of it twice, with the run at work meanwhile."""
    chance = random.Random(seed)
    await world.happens(case.submitted(1, touches=("HP",)))
    while any(topics.values()):
        next_ones = await eventually(
            lambda: [left for left in topics.values() if left and left[0].possible(world)], deadline=60
        )
        event = chance.choice(next_ones).pop(0).event
        told = fact(event)
        await world.tell(event, told)
        if chance.random() < 0.3:
            await world.tell(event, told)
    await world.ends(case.submitted())


@pytest.mark.parametrize("seed", SEEDS)
async def test_case_is_awarded_in_the_end(world: World, seed: int) -> None:
    case, now = Applicant(), await world.now()
    await play(world, case, moved_up_after_a_complaint(case, now), seed)
    rounds = [each.argument.decision_round_id for each in world.of("funding.open_decision_round")]
    assert rounds == [f"{case.id}.d2", f"{case.id}.d3"]
    assert [each.argument.decision_round_id for each in world.of("funding.send_letters")] == rounds
    assert len(world.of("review.open_reassessment")) == 1
    assert len(world.of("workflows.note_end")) == 1
    assert now + SOON < world.of("workflows.note_end")[0].at < now + SOON + timedelta(hours=1)
    assert tasks_opened_twice(world) == []
    assert not world.of("workflows.note_late_fact")


@pytest.mark.parametrize("seed", SEEDS)
async def test_case_that_its_panel_went_on_without_is_decided_by_itself(world: World, seed: int) -> None:
    case, now = Applicant(), await world.now()
    await play(world, case, decided_by_itself(case, now), seed)
    assert len(world.of("review.open_reassessment")) == 1
    assert len(world.of("funding.open_decision_round")) == len(world.of("funding.send_letters")) == 1
    assert world.of("intake.enter_stage")[-1].argument.stage == "closed"
    assert tasks_opened_twice(world) == []
    assert not world.of("workflows.note_late_fact")


@pytest.mark.parametrize("seed", SEEDS)
async def test_case_is_withdrawn_in_the_end(world: World, seed: int) -> None:
    case, now = Applicant(), await world.now()
    await play(world, case, withdrawn_for_good(case, now), seed)
    assert world.of("intake.enter_stage")[-1].argument.stage == "withdrawn"
    assert world.of("workflows.note_end")[0].at > now + SOON
    assert not world.of("funding.open_decision_round")
    assert tasks_opened_twice(world) == []


def tasks_opened_twice(world: World) -> list[tuple[str, str, str]]:
    names = [
        (each.argument.subject, each.argument.kind, each.argument.n)
        for each in world.done
        if each.name == "review.open_task"
    ]
    return sorted({each for each in names if names.count(each) > 1})
