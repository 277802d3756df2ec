"""People of the trusts: leaders who endorse drafts, innovation advisers who pre-screen applications."""

from __future__ import annotations

from deploy.demo.client import Session
from deploy.demo.worklist import Act, Task, follow
from deploy.demo.world import World


def endorser_acts(world: World) -> dict[str, Act]:
    async def endorse(session: Session, task: Task) -> bool:
        endorsement = await follow(session, task, {"endorsed": True})
        world.flag(f"{endorsement['id']} is endorsed").set()
        return True

    return {"endorse_draft": endorse}


def trust_acts(world: World) -> dict[str, Act]:
    async def prescreen(session: Session, task: Task) -> bool:
        version = int(task["n"])
        outcome, reason = "recommended", "Godt forankret og klart for regionen."
        match world.ref(task["application_id"]), version:
            case "A11", _:
                outcome, reason = "not_recommended", "Treningsrommet er alt vedtatt i klinikkens egen plan."
            case "A12", 1:
                outcome, reason = "returned", "Skriv hvem av ungdommene som deltar i prosjektgruppen."
        await follow(session, task, {"version": version, "outcome": outcome, "reason": reason})
        return True

    return {"prescreen": prescreen}
