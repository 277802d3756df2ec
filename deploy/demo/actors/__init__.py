"""Who acts in the demo, by role; each function is what one person does about one kind of task."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.demo.actors.committee import committee_acts
from deploy.demo.actors.consultants import consultant_acts
from deploy.demo.actors.funder import adviser_acts, leader_acts, second_adviser_acts
from deploy.demo.actors.grants import holder_acts
from deploy.demo.actors.trust import endorser_acts, trust_acts
from deploy.demo.worklist import Act
from deploy.demo.world import World


def acts_of_everybody(world: World) -> dict[str, Mapping[str, Act]]:
    """Person id -> task kind -> act. Who is not here, or lacks a kind, does not act on it."""
    found: dict[str, Mapping[str, Act]] = {
        "rhf-1": adviser_acts(world),
        "rhf-2": second_adviser_acts(world),
        "leader": leader_acts(world),
    }
    for role in world.cast.applications.values():
        found[role.holder] = holder_acts(world, role)
    for person in world.cast.with_role("hf_adviser"):
        found[person.id] = trust_acts(world)
    for person in world.cast.with_role("endorser"):
        found[person.id] = endorser_acts(world)
    for person in world.cast.with_role("consultant"):
        found[person.id] = consultant_acts(world)
    for panel in world.cast.panels.values():
        for member in panel.everyone:
            found[member] = committee_acts(world)
    return found
