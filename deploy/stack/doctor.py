"""Is anything wrong with any case? Asks every service and the workflows, and compares them with each other.

Each service examines its own schema; what lies between them, the events and what they made of a case, is
compared here, as the read-only role `inspector`.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg

from . import agreement, deliveries
from .programs import base_environment, module, service_environment
from .servers import postgres
from .settings import ROOT, SCHEMAS, Settings


def examine(settings: Settings) -> int:
    """Print every finding; 0 when there is none, 2 when the database cannot be asked."""
    try:
        postgres.ready(settings)
    except psycopg.OperationalError:
        print(f"nothing can be examined: Postgres does not answer on port {settings['POSTGRES_PORT']}")
        return 2
    with ThreadPoolExecutor() as pool:
        asked = [(schema, pool.submit(_ask, settings, schema)) for schema in SCHEMAS]
        compared = pool.submit(deliveries.missing, settings)
        agreed = pool.submit(agreement.disagreements, settings)
        worst = 0
        for schema, answer in asked:
            done = answer.result()
            print(done.stdout.rstrip())
            if done.returncode:
                print(done.stderr.rstrip() or f"{schema}: doctor ended with {done.returncode}")
                worst = 1
        lost, disputed = compared.result(), agreed.result()
    for finding in lost + disputed:
        print(finding)
    print("events: " + (f"{len(lost)} did not arrive" if lost else "all arrived"))
    print("cases: " + (f"{len(disputed)} are in dispute" if disputed else "the services agree"))
    return 1 if lost or disputed or worst else 0


def _ask(settings: Settings, schema: str) -> subprocess.CompletedProcess[str]:
    environment = base_environment(settings) | service_environment(settings, schema, "app")
    environment |= {"INSPECTOR_PASSWORD": settings["INSPECTOR_PASSWORD"], "OTEL_TRACES_EXPORTER": "none"}
    command = [sys.executable, "-m", module(schema), "doctor"]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
