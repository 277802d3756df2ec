"""Composition root of notify: `python -m services.notify api|worker|migrate|doctor|parked|retry|skip`."""

from pathlib import Path

from services.common.run import Service, main
from services.notify.api import router
from services.notify.checks import CHECKS
from services.notify.consumers import HANDLERS, TOPICS
from services.notify.delivery import deliver
from services.notify.gauges import GAUGES

SERVICE = Service(
    name="notify",
    title="Innoflyt notify: who is told what",
    migrations=Path(__file__).parent / "migrations",
    routers=lambda: [router],
    topics=TOPICS,
    handlers=HANDLERS,
    jobs=(deliver,),
    checks=CHECKS,
    gauges=GAUGES,
)

if __name__ == "__main__":
    main(SERVICE)
