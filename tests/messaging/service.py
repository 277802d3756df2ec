"""A service of the kernel alone, to be run as real processes: it audits each event that it takes in.

`python -m tests.messaging.service worker` and all other roles, on schema `review`. The topics it reads come
from TEST_TOPICS (comma-separated), so that each test has its own.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from services.common.consumer import Incoming
from services.common.db import Connection
from services.common.errors import InfrastructureDown, Refused
from services.common.failpoints import failpoint
from services.common.migrate import KERNEL
from services.common.record import Actor, Fact, record
from services.common.run import Service, main

REVIEW = Actor("service", "review")


@dataclass(frozen=True, kw_only=True)
class Counted(Fact):
    """The n-th thing happened to a key. `trouble` says what the handler is to do about it."""

    TYPE: ClassVar[str] = "no.innoflyt.intake.counted.v1"
    number: int
    trouble: str = ""


def on_topic(topic: str, **fields: object) -> Counted:
    """A `Counted` that goes to this topic instead of intake.events."""
    kind = type("Counted", (Counted,), {"TOPIC": topic})
    fact: Counted = kind(**fields)
    return fact


async def take_in(conn: Connection, event: Incoming) -> None:
    """Audit the event; or fail in the way it asks for."""
    fact = Counted.from_data(event.data)
    match fact.trouble:
        case "refuse":
            raise Refused("this one cannot be")
        case "bug":
            raise ZeroDivisionError("a name that must not get anywhere")
        case "away":
            raise InfrastructureDown
        case "freeze":
            freeze_once()
    await record(conn, key=event.key, actor=REVIEW, action="counted", body={"number": fact.number})
    failpoint("test.in_handler")


def freeze_once() -> None:
    """The first process that comes here stops, and says so by a file; the next one goes on."""
    said = Path(os.environ["TEST_FROZEN"])
    if not said.exists():
        said.touch()
        os.kill(os.getpid(), signal.SIGSTOP)


HANDLERS = {Counted.TYPE: take_in}

SERVICE = Service(
    name="review",
    title="The kernel under test",
    migrations=Path(KERNEL / "none"),
    topics=tuple(filter(None, os.environ.get("TEST_TOPICS", "").split(","))),
    handlers=HANDLERS,
)

if __name__ == "__main__":
    main(SERVICE)
