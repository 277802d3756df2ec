"""The institution's signer, who complains over the procedure in A17."""

from __future__ import annotations

from deploy.demo.world import World

_REF = "A17"


async def complain(world: World) -> None:
    """As soon as the letter that declines A17 is out."""
    signer = world.as_(f"institution-{world.cast.applications[_REF].organisation.lower()}")
    await world.flag(f"{_REF} declined_threshold").wait()
    path = f"/v1/cases/{world.ids[_REF]}/complaints"
    ground = "Ett av medlemmene hadde ikke fått med seg vedlegget som beskriver utprøvingen."
    await signer.post("funding", path, {"ground": ground})
    world.doing[_REF] = "has complained"
    world.tell(_REF, f"{signer.person.name}: complaint over the procedure")
