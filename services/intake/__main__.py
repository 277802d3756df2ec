"""`python -m services.intake api|worker|migrate|doctor|parked|retry|skip`: the composition root of intake."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter

from services.common.run import Service, main
from services.intake import activities, consumers
from services.intake.checks import CHECKS
from services.intake.cleaning.job import clean_attachments


def _routers() -> Sequence[APIRouter]:
    from services.intake import api  # only the API process needs it

    return api.routers()


SERVICE = Service(
    name="intake",
    title="Innoflyt intake",
    migrations=Path(__file__).parent / "migrations",
    routers=_routers,
    topics=consumers.TOPICS,
    handlers=consumers.HANDLERS,
    activities=activities.build,
    jobs=[clean_attachments],
    checks=CHECKS,
)

if __name__ == "__main__":
    main(SERVICE)
