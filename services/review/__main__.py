"""Composition root of review: `python -m services.review api|worker|migrate|doctor|parked|retry|skip`."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter

from services.common.run import Service, main
from services.review import activities, checks, consumers, panel_checks
from services.review.gauges import GAUGES


def _routers() -> Sequence[APIRouter]:
    from services.review import api  # not needed by the worker

    return api.routers()


SERVICE = Service(
    name="review",
    title="Innoflyt: review",
    migrations=Path(__file__).parent / "migrations",
    routers=_routers,
    topics=consumers.TOPICS,
    handlers=consumers.HANDLERS,
    activities=activities.build,
    gauges=GAUGES,
    checks=(*checks.CHECKS, *panel_checks.PANEL_CHECKS),
)

if __name__ == "__main__":
    main(SERVICE)
