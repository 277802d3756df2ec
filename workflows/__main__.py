"""Composition root: `python -m workflows starter|worker|migrate|doctor|parked|retry|skip`."""

import sys
from pathlib import Path

from services.common import run
from services.common.settings import Settings
from workflows import checks, starter

SERVICE = run.Service(
    name="workflows",
    title="Innoflyt: workflows",
    migrations=Path(__file__).parent / "migrations",
    topics=starter.TOPICS,
    handlers=lambda worker: starter.handlers(worker.temporal),
    checks=checks.CHECKS,
)


async def _worker(service: run.Service, settings: Settings) -> None:
    from workflows import worker  # the starter needs no workflow code

    await worker.run(service, settings)


if __name__ == "__main__":
    if sys.argv[1:2] == ["doctor"]:
        from workflows import doctor

        doctor.main(SERVICE)
    run.main(SERVICE, roles={"starter": run.worker, "worker": _worker})
