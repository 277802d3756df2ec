"""Holders after the letter: acceptance, plan, start, report; and questions on the case. Each with its own
story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from deploy.demo.cast import Role
from deploy.demo.client import Session
from deploy.demo.mail_log import messages_about
from deploy.demo.worklist import Act, Task, follow, path_of
from deploy.demo.world import World, instant

_A_MOMENT = timedelta(seconds=0.5)
_LATER_SECONDS = 15


def holder_acts(world: World, role: Role) -> dict[str, Act]:
    """What this application's holder does; A04 never starts."""

    async def answer_question(session: Session, task: Task) -> bool:
        """A13 answers only when reminder and due instant of the consultation would long have passed."""
        if datetime.now(UTC) < instant(world.first_due) + _A_MOMENT:
            return False
        await _no_mail_while_paused(world, role)
        await follow(session, task, {"text": "Bare fra legemiddellisten, og bare for å vise den."})
        return True

    async def accept(session: Session, task: Task) -> bool:
        if role.ref == "A05":
            body = {"accepted": False, "reason": "Nøkkelpersonen har sluttet, og ingen kan ta over nå."}
        else:
            body = {"accepted": True}
        await follow(session, task, body)
        world.doing[role.ref] = "has answered the award"
        return True

    async def deliver_plan(session: Session, task: Task) -> bool:
        organisation = task["n"].partition(":")[0]
        body = {"organisation": organisation, "statement": "Aktivitetene følger nå leveranseplanen."}
        await follow(session, task, body)
        world.saw(role.ref, "condition")
        return True

    async def start(session: Session, task: Task) -> bool:
        if role.ref == "A04":
            world.doing[role.ref] = "lets the start pass"
            return True
        if role.ref == "A03" and not await _late_start(world, role, session, task):
            return False
        if "condition" in role.seen and not await _plans_are_confirmed(session, task):
            return False
        await follow(session, task, {})
        if role.ref == "A03":
            world.saw(role.ref, "started_late")
        world.doing[role.ref] = "has started"
        return True

    async def report(session: Session, task: Task) -> bool:
        if task["n"].partition(".")[0] != "1":
            return True  # in the first days of January the next year's is asked for as well
        if role.ref == "A02" and not await _escalation_in_the_log(world, role, task):
            return False
        body = {"summary": "Utprøvingen er i gang, og de første erfaringene er gode.", "spent": 120_000}
        await follow(session, task, body)
        world.doing[role.ref] = "has delivered the report"
        return True

    return {
        "answer_question": answer_question,
        "accept_award": accept,
        "deliver_plan": deliver_plan,
        "confirm_start": start,
        "yearly_report": report,
    }


async def _no_mail_while_paused(world: World, role: Role) -> None:
    task_id = world.listed[role.ref]
    about = [each for each in await messages_about(world, role.ref) if each["task_id"] == task_id]
    said = sorted({each["template"] for each in about})
    world.require(
        said == ["task-opened"], role.ref, f"mails about the consultation while its clock stood still: {said}"
    )


async def _plans_are_confirmed(session: Session, task: Task) -> bool:
    """Only then can the start be confirmed."""
    grant = await session.get("funding", f"/v1/grants/{task['application_id']}")
    return all(plan["state"] == "confirmed" for plan in grant["plans"])


async def _late_start(world: World, role: Role, session: Session, task: Task) -> bool:
    """A03: asks for a later start, gets it, and starts after the first due instant and before the new one."""
    _, _, path = path_of(task)
    if role.ref not in world.listed:
        world.listed[role.ref] = task["due_at"]
        until = instant(task["due_at"]) + timedelta(seconds=_LATER_SECONDS)
        body = {"reason": "Nøkkelpersonen er i permisjon litt til.", "until": until.isoformat()}
        await session.post("funding", path.removesuffix("/start") + "/extension", body)
        world.doing[role.ref] = "has asked for a later start"
        return False
    first, now = instant(world.listed[role.ref]), datetime.now(UTC)
    if instant(task["due_at"]) > first:
        world.saw(role.ref, "extension")
        world.doing[role.ref] = "starts late, within the extension"
    if now < first + _A_MOMENT:
        return False
    world.require(now < instant(task["due_at"]), role.ref, "the new due instant passed too")
    return True


async def _escalation_in_the_log(world: World, role: Role, task: Task) -> bool:
    """A02: silent until the escalation stands in the mail log as sent."""
    world.doing[role.ref] = "is silent about the report until it escalates"
    about = [each for each in await messages_about(world, role.ref) if each["task_id"] == task["id"]]
    escalated = [each for each in about if each["template"] == "task-escalated" and each["status"] == "sent"]
    if not escalated:
        return False
    due = instant(task["due_at"])
    for each in about:
        if each["template"] in ("task-reminded", "task-escalated"):
            early = instant(each["created_at"]) < due
            world.require(not early, role.ref, f"{each['template']} was written before the report was due")
    reminded = [each for each in about if each["template"] == "task-reminded"]
    world.require(len(reminded) == 1, role.ref, f"{len(reminded)} reminders of the report, expected one")
    world.saw(role.ref, "report_escalated")
    return True
