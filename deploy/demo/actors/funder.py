"""The funder: one adviser prepares and confirms, the other answers the complaint, the leader decides."""

from __future__ import annotations

from deploy.demo.cast import Panel
from deploy.demo.client import Session
from deploy.demo.worklist import Act, Task, follow, path_of
from deploy.demo.world import World


def adviser_acts(world: World) -> dict[str, Act]:
    async def reject(session: Session, task: Task) -> bool:
        reason = "Søknaden oppfyller ikke kravene i utlysningen, og de kan ikke rettes etter fristen."
        check = await session.get("intake", path_of(task)[2])
        await follow(session, task, {"version": check["version"], "confirmed": True, "reason": reason})
        return True

    async def name_standins(session: Session, task: Task) -> bool:
        round_id = path_of(task)[2].split("/")[3]
        ref = next(ref for ref in world.cast.stand_ins if round_id.startswith(world.ids[ref]))
        panel = world.cast.stand_ins[ref]
        await follow(session, task, {"members": members(world, panel)})
        return True

    async def prepare(session: Session, task: Task) -> bool:
        await follow(session, task, {"deviations": []})
        return True

    async def grant_extension(session: Session, task: Task) -> bool:
        await follow(session, task, {"granted": True, "reason": "Nøkkelpersonen er tilbake om kort tid."})
        return True

    async def confirm(session: Session, task: Task) -> bool:
        await follow(session, task, {"confirmed": True, "reason": "Gjennomgått og bekreftet."})
        return True

    async def approve_report(session: Session, task: Task) -> bool:
        await follow(session, task, {"approved": True, "reason": "God og klar rapport."})
        ref = world.ref(task["application_id"])
        assert ref is not None
        world.saw(ref, "report_approved")
        world.doing[ref] = "the report is approved"
        return True

    return {
        "confirm_rejection": reject,
        "name_standins": name_standins,
        "prepare_decision": prepare,
        "decide_extension": grant_extension,
        "confirm_loss": confirm,
        "confirm_move": confirm,
        "judge_report": approve_report,
    }


def second_adviser_acts(world: World) -> dict[str, Act]:
    async def answer_complaint(session: Session, task: Task) -> bool:
        reason = "Ett av medlemmene hadde ikke lest vedlegget. Saken vurderes på nytt av andre."
        await follow(session, task, {"upheld": True, "stage": "assessment", "reason": reason})
        ref = world.ref(task["application_id"])
        assert ref is not None
        world.saw(ref, "complaint_upheld")
        return True

    return {"answer_complaint": answer_complaint}


def leader_acts(world: World) -> dict[str, Act]:
    async def decide(session: Session, task: Task) -> bool:
        await follow(session, task, {"approved": True})
        return True

    return {"take_decision": decide}


def members(world: World, panel: Panel) -> list[dict[str, object]]:
    """A panel as the API takes it."""
    return [
        {
            "person_id": world.as_(person).id,
            "chair": person == panel.chair,
            "user_representative": person in panel.user_representatives,
        }
        for person in panel.everyone
    ]
