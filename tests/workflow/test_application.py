"""Every path of an application, from submission to the end of its windows."""
# Longer than 300 lines because each path of one procedure is one short test in one world.

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from services.common.record import Fact as Event
from tests.support import eventually
from tests.workflow.events import CALL, Applicant, Decisions, PanelRound
from tests.workflow.world import Answer, Refusal, World, sequence
from workflows.contracts.ids import decision_round_id, reassessment_round_id

WEEKS_3 = timedelta(days=21)
MONTHS_6 = timedelta(days=180)
UNDO = timedelta(days=7)


def always(*events: Event) -> Answer:
    return lambda _argument: events


def goes_well(world: World, case: Applicant, *, consulted: Sequence[str] = ()) -> None:
    """Everybody says yes up to the round; the round itself is carried by the call."""
    world.answers |= {
        "intake.run_formal_check": lambda check: [case.passed(check.version)],
        "review.open_task:prescreen": lambda task: [case.prescreened("recommended", int(task.n))],
        "review.open_task:consult": lambda task: [case.consulted(task.organisation)],
        "review.enter_round": always(case.entered()),
    }


def decided_again(world: World, case: Applicant, round_id: str, letter: Event) -> None:
    """The decision round of this one case is prepared, taken, and the letter sent."""
    decisions = Decisions(round_id, case.id)
    world.answers |= {
        "review.open_task:prepare_decision": lambda task: [decisions.prepared(uuid4(), int(task.n))],
        "review.open_task:take_decision": lambda task: [decisions.taken(int(task.n))],
        "funding.send_letters": always(letter),
    }


def assessed_alone(world: World, case: Applicant, n: int, outcome: str) -> PanelRound:
    """The panel round of this one case runs to its signature."""
    round_ = PanelRound(reassessment_round_id(case.id, n), case.id)
    world.answers |= {
        "review.open_reassessment": always(round_.stand_ins()),
        "review.open_conflicts": always(round_.settled()),
        "review.assign": always(case.access_granted(), round_.scored()),
        "review.open_meeting": always(round_.met()),
        "review.open_signing": always(case.recommended(round_.id, outcome), round_.signed(case.id)),
    }
    return round_


async def in_the_round(world: World, case: Applicant) -> None:
    goes_well(world, case)
    await world.happens(case.submitted())
    await world.comes("review.enter_round")


def stages(world: World) -> list[str]:
    return [each.argument.stage for each in world.of("intake.enter_stage")]


async def test_declined_case_is_closed_when_its_complaint_window_is_over(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    await world.happens(case.submitted(touches=("HP", "HEMIT")))
    await world.comes("review.enter_round")
    assert world.of("review.enter_round")[0].argument.flags == []
    await world.happens(case.access_granted(), case.recommended(f"{CALL}.p", "declined_threshold"))
    complaint_until = await world.now() + WEEKS_3
    await world.happens(
        case.decided("declined_threshold"), case.letter("declined_threshold", complaint_until)
    )
    await world.ends(case.submitted())
    tasks = [each.argument for each in world.done if each.name == "review.open_task"]
    first, *consultations = [(each.kind, each.n, each.role, each.organisation) for each in tasks]
    assert first == ("prescreen", "1", "hf_adviser", "STOLAV")
    assert set(consultations) == {
        ("consult", "HP", "consultant", "HP"),
        ("consult", "HEMIT", "consultant", "HEMIT"),
    }
    assert stages(world)[0] == "prescreening"
    assert stages(world)[-2:] == ["decided", "closed"]
    (end,) = world.of("workflows.note_end")
    assert complaint_until < end.at < complaint_until + timedelta(hours=1)
    assert not world.of("workflows.note_late_fact")


async def test_awarded_case_leaves_its_status_to_the_grant(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    await world.happens(case.letter("awarded", await world.now() + WEEKS_3))
    await world.ends(case.submitted())
    assert "decided" not in stages(world)
    assert "closed" not in stages(world)


async def test_referred_case_ends_like_a_declined_one(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    await world.happens(case.letter("referred", await world.now() + WEEKS_3))
    await world.ends(case.submitted())
    assert stages(world)[-1] == "closed"


async def test_returned_case_is_judged_anew_and_goes_on(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    world.answers["review.open_task:prescreen"] = sequence(
        [case.prescreened("returned", 1)], [case.prescreened("recommended", 2)]
    )
    await world.happens(case.submitted(1))
    await world.comes("intake.enter_stage", stage="returned")
    await world.happens(case.submitted(2))
    await world.comes("review.enter_round")
    assert [each.argument.version for each in world.of("intake.run_formal_check")] == [1, 2]
    assert [each.argument.n for each in world.of("review.open_task:prescreen")] == ["1", "2"]


async def test_case_that_intake_hands_back_during_consultation_is_judged_anew(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    del world.answers["review.open_task:consult"]
    await world.happens(case.submitted(1, touches=("HP",)))
    await world.comes("review.open_task:consult")
    await world.happens(case.returned(1))
    await world.comes("intake.enter_stage", stage="returned")
    await world.happens(case.submitted(2, touches=("HP",)))
    await world.comes("review.open_task:consult", 2)
    await world.happens(case.consulted("HP"))
    await world.comes("review.enter_round")


async def test_returned_case_that_is_not_resubmitted_expires(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    world.answers["review.open_task:prescreen"] = always(case.prescreened("returned", 1))
    await world.happens(case.submitted())
    await world.comes("intake.enter_stage", stage="returned")
    await world.happens(case.expired())
    await world.ends(case.submitted())
    assert stages(world)[-1] == "expired"
    assert not world.of("review.enter_round")


async def test_not_recommended_case_goes_no_further(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    world.answers["review.open_task:prescreen"] = always(case.prescreened("not_recommended"))
    await world.happens(case.submitted(touches=("HP",)))
    await world.ends(case.submitted())
    assert stages(world)[-1] == "not_recommended"
    assert not world.of("review.open_task:consult")
    assert not world.of("review.enter_round")


async def test_no_that_crosses_with_a_return_by_intake_ends_nothing(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    world.answers["review.open_task:prescreen"] = sequence(
        [case.prescreened("not_recommended", 1)], [case.prescreened("recommended", 2)]
    )
    await world.happens(case.submitted(1))
    await world.comes("intake.enter_stage", stage="not_recommended")
    await world.happens(case.returned(1))
    await world.comes("intake.enter_stage", stage="returned")
    await world.happens(case.submitted(2))
    await world.comes("review.enter_round")


async def test_return_that_crosses_with_a_withdrawal_waits_for_the_next_version_after_the_undo(
    world: World,
) -> None:
    case = Applicant()
    goes_well(world, case)
    world.answers["review.open_task:prescreen"] = sequence(
        [case.withdrawn(await world.now() + UNDO), case.prescreened("returned", 1)],
        [case.prescreened("recommended", 2)],
    )
    await world.happens(case.submitted(1))
    await world.comes("intake.enter_stage", stage="withdrawn")
    await world.happens(case.withdrawal_undone())
    await world.comes("intake.enter_stage", stage="returned")
    await world.happens(case.submitted(2))
    await world.comes("review.enter_round")


async def test_rejection_is_confirmed_by_a_person_and_ends_the_case_after_the_undo_window(
    world: World,
) -> None:
    case = Applicant()
    world.answers["intake.run_formal_check"] = always(case.rejection_proposed())
    await world.happens(case.submitted())
    task = await world.comes("review.open_task:confirm_rejection")
    assert (task.n, task.role) == ("1", "rhf_adviser")
    undo_until = await world.now() + UNDO
    await world.happens(case.rejected(undo_until))
    await world.ends(case.submitted())
    assert stages(world)[-1] == "rejected"
    assert world.of("workflows.note_end")[0].at > undo_until


async def test_rejection_that_is_undone_goes_on_where_it_was(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    world.answers["intake.run_formal_check"] = always(case.rejection_proposed())
    del world.answers["review.open_task:prescreen"]
    await world.happens(case.submitted())
    await world.comes("review.open_task:confirm_rejection")
    await world.comes("review.open_task:prescreen")
    await world.happens(case.rejected(await world.now() + UNDO))
    await world.comes("intake.enter_stage", stage="rejected")
    await world.until(await world.now() + UNDO / 2)
    await world.happens(case.rejection_undone())
    await world.comes("intake.enter_stage", 2, stage="prescreening")
    await world.happens(case.prescreened())
    await world.comes("review.enter_round")


async def test_adviser_who_finds_the_rejection_wrong_lets_the_case_pass(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    world.answers["intake.run_formal_check"] = always(case.rejection_proposed())
    world.answers["review.open_task:confirm_rejection"] = always(case.passed())
    await world.happens(case.submitted())
    await world.comes("review.enter_round")


async def test_withdrawn_case_ends_when_nobody_undoes_it(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    del world.answers["review.open_task:consult"]
    await world.happens(case.submitted(touches=("HP",)))
    await world.comes("review.open_task:consult")
    undo_until = await world.now() + UNDO
    await world.happens(case.withdrawn(undo_until))
    await world.ends(case.submitted())
    assert stages(world)[-1] == "withdrawn"
    assert not world.of("review.enter_round")
    assert world.of("workflows.note_end")[0].at > undo_until


async def test_withdrawal_that_is_undone_goes_on_where_it_was(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    del world.answers["review.open_task:consult"]
    await world.happens(case.submitted(touches=("HP",)))
    await world.comes("review.open_task:consult")
    await world.happens(case.withdrawn(await world.now() + UNDO))
    await world.comes("intake.enter_stage", stage="withdrawn")
    await world.happens(case.withdrawal_undone())
    await world.comes("intake.enter_stage", 2, stage="consultation")
    await world.happens(case.withdrawn(await world.now() + UNDO))
    await world.happens(case.withdrawal_undone())
    await world.happens(case.consulted("HP"))
    await world.comes("review.enter_round")


async def test_service_that_hears_of_the_end_first_may_refuse(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    withdrawn = case.withdrawn(await world.now() + UNDO)
    world.refusals["review.enter_round"] = [Refusal("StepOutOfOrder", [withdrawn])]
    await world.happens(case.submitted())
    await world.comes("intake.enter_stage", stage="withdrawn")
    await world.happens(case.withdrawal_undone())
    await world.comes("review.enter_round")


async def test_refused_step_is_asked_again_where_the_end_was_undone_meanwhile(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    meanwhile = [case.withdrawn(await world.now() + UNDO), case.withdrawal_undone()]
    world.refusals["review.enter_round"] = [Refusal("StepOutOfOrder", meanwhile)]
    await world.happens(case.submitted())
    await world.comes("review.enter_round")


async def test_refused_step_is_named_and_asked_again_seldom(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    world.refusals["review.enter_round"] = [Refusal("Mistake")] * 12
    await world.happens(case.submitted())

    async def named() -> list[str]:
        return [each.what for each in await world.waits_on(case.submitted()) if each.on == "refused"]

    assert await eventually(named, deadline=60) == ["review.enter_round: Mistake"]
    refused_for = timedelta(minutes=2**10)
    await world.until(await world.now() + refused_for)
    assert not world.of("review.enter_round")
    await world.until(await world.now() + timedelta(days=2))
    await world.comes("review.enter_round")
    assert [each for each in await world.waits_on(case.submitted()) if each.on == "refused"] == []


async def test_case_that_was_kept_out_while_it_was_withdrawn_enters_when_it_is_back(world: World) -> None:
    """Review and intake, which know of the withdrawal first, do nothing then; the run must ask them again."""
    case = Applicant()
    goes_well(world, case)
    world.answers["intake.run_formal_check"] = sequence([], [case.passed()])
    world.answers["review.enter_round"] = sequence([], [case.entered()])
    await world.happens(case.submitted())
    await world.comes("intake.run_formal_check")
    await world.happens(case.withdrawn(await world.now() + UNDO))
    await world.comes("intake.enter_stage", stage="withdrawn")
    await world.happens(case.withdrawal_undone())
    await world.comes("review.enter_round")
    await world.happens(case.withdrawn(await world.now() + UNDO))
    await world.comes("intake.enter_stage", 2, stage="withdrawn")
    await world.happens(case.withdrawal_undone())
    await world.comes("review.enter_round", 2)
    assert len(world.of("intake.run_formal_check")) == 2


async def test_clarification_from_the_draft_counts_as_the_consultation(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    await world.happens(case.submitted(touches=("HP", "TTO")))
    world.answers["review.open_task:prescreen"] = always(case.clarified("HP"), case.prescreened())
    await world.comes("review.enter_round")
    assert [each.argument.organisation for each in world.of("review.open_task:consult")] == ["TTO"]


async def test_straggler_goes_on_flagged_and_is_still_judged(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    world.answers["intake.run_formal_check"] = always(case.rejection_proposed())
    await world.happens(case.submitted())
    await world.comes("review.open_task:confirm_rejection")
    await world.happens(case.entered(flags=("formal_check",)))
    await world.comes("intake.enter_stage", stage="round")
    assert not world.of("review.enter_round")
    await world.happens(case.rejected(await world.now() + UNDO))
    await world.ends(case.submitted())
    assert stages(world)[-1] == "rejected"


async def test_clarification_answered_when_consulted_counts_as_the_answer(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    world.answers["review.open_task:consult"] = always(case.clarified("HP"))
    await world.happens(case.submitted(touches=("HP",)))
    await world.comes("review.enter_round")


async def test_case_goes_on_without_an_answer_that_is_waived(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    world.answers["review.open_task:consult"] = always(case.waived("HP"))
    await world.happens(case.submitted(touches=("HP",)))
    await world.comes("review.enter_round")


async def test_nothing_more_is_asked_of_a_straggler_when_it_is_decided(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    del world.answers["review.open_task:prescreen"]
    world.answers["intake.run_formal_check"] = always(case.rejection_proposed())
    await world.happens(case.submitted(touches=("HP",)))
    await world.comes("review.open_task:prescreen")
    await world.comes("review.open_task:confirm_rejection")
    await world.happens(case.entered(flags=("prescreening",)))
    await world.happens(case.decided("declined_ranking"))
    await eventually(lambda: _nobody_is_waited_for(world, case), deadline=60)
    await world.happens(case.letter("declined_ranking", await world.now() + WEEKS_3), case.prescreened())
    await world.ends(case.submitted())
    assert not world.of("review.open_task:consult")


async def _nobody_is_waited_for(world: World, case: Applicant) -> bool:
    return all(each.on != "person" for each in await world.waits_on(case.submitted()))


async def test_complaint_that_is_dismissed_changes_nothing(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    world.answers["review.open_task:answer_complaint"] = always(case.answered(upheld=False))
    await world.happens(case.letter("declined_ranking", await world.now() + WEEKS_3))
    await world.happens(case.complained())
    task = await world.comes("review.open_task:answer_complaint")
    assert (task.n, task.role) == ("1", "rhf_adviser")
    await world.ends(case.submitted())
    assert not world.of("funding.open_decision_round")
    assert stages(world)[-1] == "closed"


async def test_upheld_complaint_is_assessed_again_by_others_and_decided_anew(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    until = await world.now() + WEEKS_3
    assessed_alone(world, case, 1, "reserve")
    world.answers |= {
        "review.open_task:answer_complaint": always(case.answered(True, "assessment")),
        "funding.expire_reserve": always(case.reserve_expired()),
    }
    letter = case.letter("reserve", until + WEEKS_3, until + MONTHS_6, version=2)
    decided_again(world, case, decision_round_id(case.id, 2), letter)
    await world.happens(case.letter("declined_threshold", until), case.complained())
    await world.ends(case.submitted())
    (opened,) = world.of("review.open_reassessment")
    assert opened.argument.round_id == f"{case.id}.r1"
    assert opened.argument.panel == "service_transfer"
    assert world.of("funding.open_decision_round")[0].argument.decision_round_id == f"{case.id}.d2"
    assert stages(world)[-5:] == ["complaint", "reassessment", "decision", "reserve", "closed"]
    assert world.of("funding.expire_reserve")[0].at >= until + MONTHS_6


async def test_complaint_that_was_answered_before_we_could_ask_is_followed_up(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    until = await world.now() + WEEKS_3
    decided_again(world, case, f"{case.id}.d2", case.letter("awarded", until, version=2))
    await world.happens(
        case.complained(), case.answered(True, "decision"), case.letter("declined_ranking", until)
    )
    await world.ends(case.submitted())
    assert not world.of("review.open_task:answer_complaint")
    assert world.of("funding.send_letters")[0].argument.decision_round_id == f"{case.id}.d2"


async def test_complaint_about_a_later_decision_is_followed_up_though_the_first_had_none(
    world: World,
) -> None:
    case = Applicant()
    await in_the_round(world, case)
    now = await world.now()
    decided_again(world, case, f"{case.id}.d2", case.letter("referred", now + WEEKS_3, version=2))
    world.answers |= {
        "review.open_task:confirm_move": always(case.move_decided(True, f"{case.id}.d2")),
        "review.open_task:answer_complaint": always(case.answered(upheld=False, n=2)),
    }
    await world.happens(case.letter("reserve", now + WEEKS_3, now + MONTHS_6), case.offered())
    await world.comes("funding.send_letters")
    await world.happens(case.complained(n=2, version=2))
    assert (await world.comes("review.open_task:answer_complaint")).n == "2"
    await world.ends(case.submitted())


async def test_case_that_was_withdrawn_while_its_round_was_decided_is_decided_by_itself(world: World) -> None:
    """And once more, where that round too was decided while it was away."""
    case = Applicant()
    await in_the_round(world, case)
    first, second = decision_round_id(case.id, 1), f"{decision_round_id(case.id, 1)}.2"
    rounds = [Decisions(first, case.id), Decisions(second, case.id)]
    letter = case.letter("reserve", await world.now() + WEEKS_3, await world.now() + MONTHS_6)
    world.answers |= {
        "review.open_task:prepare_decision": lambda task: [
            each.prepared(uuid4()) for each in rounds if each.id == task.subject
        ],
        "review.open_task:take_decision": lambda task: [
            each.taken() for each in rounds if each.id == task.subject
        ],
        "funding.send_letters": sequence([case.left_out(second)], [letter]),
        "funding.expire_reserve": always(case.reserve_expired()),
    }
    await world.happens(case.recommended(f"{CALL}.p"), case.withdrawn(await world.now() + UNDO))
    await world.comes("intake.enter_stage", stage="withdrawn")
    await world.happens(case.withdrawal_undone(), case.left_out(first))
    await world.ends(case.submitted())
    laid_out = [each.argument.decision_round_id for each in world.of("funding.open_decision_round")]
    assert laid_out == [first, second]


async def test_case_that_was_away_while_its_panel_signed_is_assessed_and_decided_by_itself(
    world: World,
) -> None:
    case = Applicant()
    await in_the_round(world, case)
    until = await world.now() + WEEKS_3
    round_ = assessed_alone(world, case, 0, "declined_threshold")
    own = decision_round_id(case.id, 1)
    decided_again(world, case, own, case.letter("declined_threshold", until))
    await world.happens(case.access_granted(), case.withdrawn(await world.now() + UNDO))
    await world.comes("intake.enter_stage", stage="withdrawn")
    await world.happens(case.withdrawal_undone(), case.unassessed(), case.unassessed())
    await world.comes("review.open_signing")
    assert not world.of("funding.open_decision_round"), "its call is decided first"
    await world.happens(case.left_out(own))
    await world.ends(case.submitted())
    (opened,) = world.of("review.open_reassessment")
    assert (opened.argument.round_id, opened.argument.application_id) == (round_.id, case.id)
    assert [each.argument.decision_round_id for each in world.of("funding.open_decision_round")] == [own]


async def test_case_that_came_too_late_for_its_panel_is_assessed_by_itself(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    assessed_alone(world, case, 0, "declined_threshold")
    own = decision_round_id(case.id, 1)
    decided_again(world, case, own, case.letter("declined_threshold", await world.now() + WEEKS_3))
    # The call may have been decided before: funding tells of it when it has the recommendation.
    world.answers["review.enter_round"] = always(case.entered(), case.unassessed(), case.left_out(own))
    await world.happens(case.submitted())
    await world.ends(case.submitted())
    assert len(world.of("review.open_reassessment")) == 1
    assert [each.argument.decision_round_id for each in world.of("funding.send_letters")] == [own]
    assert stages(world)[-5:] == ["round", "assessment", "decision", "decided", "closed"]


async def test_complaint_upheld_for_the_decision_is_only_decided_again(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    until = await world.now() + WEEKS_3
    world.answers["review.open_task:answer_complaint"] = always(case.answered(True, "decision"))
    decided_again(world, case, f"{case.id}.d2", case.letter("awarded", until + WEEKS_3, version=2))
    await world.happens(case.letter("declined_ranking", until), case.complained())
    await world.ends(case.submitted())
    assert not world.of("review.open_reassessment")
    assert world.of("funding.send_letters")[0].argument.decision_round_id == f"{case.id}.d2"


async def test_reserve_place_moves_up_when_an_adviser_confirms(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    now = await world.now()
    await world.happens(case.letter("reserve", now + WEEKS_3, now + MONTHS_6))
    await world.comes("intake.enter_stage", stage="reserve")
    await world.until(now + timedelta(days=60))
    decided_again(world, case, f"{case.id}.d2", case.letter("awarded", now + MONTHS_6, version=2))
    world.answers["review.open_task:confirm_move"] = sequence(
        [case.move_decided(False, None, n=1), case.offered(n=2)],
        [case.move_decided(True, f"{case.id}.d2", n=2)],
    )
    await world.happens(case.offered(n=1))
    await world.ends(case.submitted())
    assert [each.argument.n for each in world.of("review.open_task:confirm_move")] == ["1", "2"]
    assert not world.of("funding.expire_reserve")
    take = world.of("review.open_task:take_decision")[0].argument
    assert take.not_person_id is not None
    assert take.role == "leader"


async def test_reserve_place_expires_when_no_money_comes_free(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    now = await world.now()
    world.answers["funding.expire_reserve"] = always(case.reserve_expired())
    await world.happens(case.letter("reserve", now + WEEKS_3, now + MONTHS_6))
    await world.ends(case.submitted())
    assert world.of("funding.expire_reserve")[0].at >= now + MONTHS_6
    assert stages(world)[-2:] == ["reserve", "closed"]


async def test_place_that_is_offered_in_the_last_moment_does_not_expire(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    now = await world.now()
    world.answers |= {
        "funding.expire_reserve": sequence([case.offered()], [case.reserve_expired()]),
        "review.open_task:confirm_move": always(case.move_decided(False, None)),
    }
    await world.happens(case.letter("reserve", now + WEEKS_3, now + MONTHS_6))
    await world.ends(case.submitted())
    assert len(world.of("funding.expire_reserve")) == 2


async def test_offer_that_is_let_wait_when_its_place_is_over_ends_it(world: World) -> None:
    """Funding ends the place with the same decision, so that it is not asked to."""
    case = Applicant()
    await in_the_round(world, case)
    now = await world.now()
    let_wait = [case.offered(), case.move_decided(False, None), case.reserve_expired()]
    await world.happens(*let_wait, case.letter("reserve", now + WEEKS_3, now))
    await world.ends(case.submitted())
    assert not world.of("funding.expire_reserve")


async def test_offer_is_followed_up_while_a_complaint_is_open(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    now = await world.now()
    await world.happens(case.letter("reserve", now + WEEKS_3, now + MONTHS_6), case.complained())
    await world.comes("review.open_task:answer_complaint")
    decided_again(world, case, f"{case.id}.d2", case.letter("awarded", now + MONTHS_6, version=2))
    world.answers["review.open_task:confirm_move"] = always(case.move_decided(True, f"{case.id}.d2"))
    await world.happens(case.offered())
    await world.comes("funding.send_letters")
    await world.happens(case.answered(upheld=False))
    await world.ends(case.submitted())
    assert len(world.of("funding.open_decision_round")) == 1


async def test_complaint_is_followed_up_while_an_offer_is_open(world: World) -> None:
    """Upheld, it takes the offer with it."""
    case = Applicant()
    await in_the_round(world, case)
    now = await world.now()
    await world.happens(case.letter("reserve", now + WEEKS_3, now + MONTHS_6), case.offered())
    await world.comes("review.open_task:confirm_move")
    decided_again(world, case, f"{case.id}.d2", case.letter("referred", now + MONTHS_6, version=2))
    world.answers["review.open_task:answer_complaint"] = always(
        case.answered(True, "decision"), case.move_decided(False, None)
    )
    await world.happens(case.complained())
    await world.ends(case.submitted())
    assert [each.argument.decision_round_id for each in world.of("funding.send_letters")] == [f"{case.id}.d2"]


async def test_leader_sends_the_decisions_back_to_be_prepared_again(world: World) -> None:
    case = Applicant()
    await in_the_round(world, case)
    until = await world.now() + WEEKS_3
    decisions = Decisions(f"{case.id}.d2", case.id)
    first, second = uuid4(), uuid4()
    world.answers |= {
        "review.open_task:answer_complaint": always(case.answered(True, "decision")),
        "review.open_task:prepare_decision": sequence(
            [decisions.prepared(first, 1)], [decisions.prepared(second, 2)]
        ),
        "review.open_task:take_decision": sequence([decisions.sent_back(1)], [decisions.taken(2)]),
        "funding.send_letters": always(case.letter("declined_ranking", until, version=2)),
    }
    await world.happens(case.letter("declined_ranking", until), case.complained())
    await world.ends(case.submitted())
    takes = [each.argument for each in world.of("review.open_task:take_decision")]
    assert [(each.n, each.not_person_id) for each in takes] == [("1", first), ("2", second)]


async def test_run_says_which_person_or_instant_it_waits_for(world: World) -> None:
    case = Applicant()
    goes_well(world, case)
    del world.answers["review.open_task:consult"]
    await world.happens(case.submitted(touches=("HP",)))
    await world.comes("review.open_task:consult")
    (wait,) = [each for each in await world.waits_on(case.submitted()) if each.on == "person"]
    assert (wait.what, wait.subject, wait.n) == ("consult", str(case.id), "HP")
    undo_until = await world.now() + UNDO
    await world.happens(case.withdrawn(undo_until))
    instants = [each for each in await world.waits_on(case.submitted()) if each.on == "instant"]
    assert [each.what for each in instants] == ["undo_until"]
