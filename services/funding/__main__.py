"""Funding's command line: api, worker, migrate, doctor, parked, retry, skip."""

from pathlib import Path

from services.common.run import Service, main
from services.funding import activities, api, checks, consumers

SERVICE = Service(
    name="funding",
    title="Innoflyt funding: decisions, letters, grants, reports, complaints",
    migrations=Path(__file__).parent / "migrations",
    routers=lambda: api.routers(),
    topics=consumers.TOPICS,
    handlers=consumers.HANDLERS,
    activities=activities.build,
    checks=checks.CHECKS,
)

if __name__ == "__main__":
    main(SERVICE)
