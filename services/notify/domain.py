"""What a message is, who it may go to, and when it is tried again. Pure: no database, no clock, no
network."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.common.errors import StepOutOfOrder

LANGUAGES = ("nb", "nn", "en")


class State(StrEnum):
    """Where a message stands."""

    UNADDRESSED = "unaddressed"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"


class Action(StrEnum):
    """What can happen to a message."""

    ADDRESS = "address"
    CLAIM = "claim"
    WITHHOLD = "withhold"
    DELIVER = "deliver"
    RETRY = "retry"
    SWEEP = "sweep"
    FAIL = "fail"


TRANSITIONS: Mapping[State, Mapping[Action, State]] = {
    State.UNADDRESSED: {
        Action.ADDRESS: State.QUEUED,
        Action.WITHHOLD: State.WITHHELD,
        Action.FAIL: State.FAILED,
    },
    State.QUEUED: {
        Action.CLAIM: State.SENDING,
        Action.WITHHOLD: State.WITHHELD,
        Action.FAIL: State.FAILED,
        Action.RETRY: State.QUEUED,
    },
    State.SENDING: {
        Action.DELIVER: State.SENT,
        Action.RETRY: State.QUEUED,
        Action.SWEEP: State.QUEUED,
        Action.FAIL: State.FAILED,
    },
    State.SENT: {},
    State.FAILED: {},
    State.WITHHELD: {},
}


def move(state: State, action: Action) -> State:
    """The state after the action. StepOutOfOrder where the state machine has no such step."""
    try:
        return TRANSITIONS[state][action]
    except KeyError:
        raise StepOutOfOrder(f"a message that is {state} cannot {action}") from None


# An unwell relay gets about three hours; then a person must find another way.
MOST_ATTEMPTS = 17
_LONGEST_PAUSE = timedelta(minutes=30)
RELAY_DOWN_PAUSE = timedelta(seconds=5)
# More mails than this to one person within an hour are a fault of ours, not news.
MOST_PER_HOUR = 1000
CAP_PAUSE = timedelta(minutes=10)
# A process that died while sending leaves its row behind; twice (same Message-ID) is better than never.
# A sender renews its hold on the message; one that was killed does not.
SENDING_IS_LOST_AFTER = timedelta(seconds=20)
UNADDRESSED_IS_OVERDUE_AFTER = timedelta(minutes=5)


def pause_before(attempt: int) -> timedelta:
    """How long to wait before the attempt with this number (2 is the first retry): 1 s, 2 s, 4 s … 30 min."""
    return min(timedelta(seconds=2 ** max(attempt - 2, 0)), _LONGEST_PAUSE)


def withheld_because(address: str, environment: str) -> str | None:
    """Outside production only addresses under `.test` get mail; the reason where this one does not."""
    if environment == "production" or address.lower().endswith(".test"):
        return None
    return "not_a_test_address"


TASK_CLOSED = "task_closed"
"""Why a mail about a task that is done is withheld."""


@dataclass(frozen=True)
class Audience:
    """One recipient or several: a person, or everybody with a role (of one organisation, if named)."""

    role: str
    organisation: str | None = None
    person_id: UUID | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Audience":
        """From a fact's `{role, organisation, person_id}`."""
        person = data.get("person_id")
        return cls(str(data["role"]), data.get("organisation"), UUID(str(person)) if person else None)

    @property
    def waits_as(self) -> str:
        """How a message row names the role for which nobody is in the address book yet."""
        return f"role:{self.role}:{self.organisation or ''}"

    @classmethod
    def waiting(cls, recipient: str) -> "Audience":
        """The audience of a row whose recipient is `waits_as`."""
        _, role, organisation = recipient.split(":", 2)
        return cls(role, organisation or None)


@dataclass(frozen=True)
class CaseFile:
    """What notify knows of a case."""

    application_id: UUID
    call_id: str
    holder_id: UUID
    editor_ids: tuple[UUID, ...]
    organisation: str | None
    title: str | None
    case_number: str | None

    @property
    def applicants(self) -> tuple[UUID, ...]:
        return (self.holder_id, *self.editor_ids)


@dataclass(frozen=True)
class Contact:
    """Somebody who can be written to."""

    person_id: UUID
    name: str
    email: str
    language: str
    deputy_id: UUID | None = None
    invitation_token: str | None = None
