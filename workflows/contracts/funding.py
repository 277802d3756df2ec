"""Activities of funding, as workflows call them (task queue `funding`)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from temporalio import activity


@dataclass(frozen=True)
class DecisionRound:
    decision_round_id: str
    call_id: str
    application_id: UUID | None = None


@dataclass(frozen=True)
class Loss:
    application_id: UUID
    n: int
    outcome: str
    """lapsed | not_accepted"""
    lapses_at: datetime | None
    """the instant that passed; an older one does nothing. None: the holder said no"""


@dataclass(frozen=True)
class ReportRequest:
    application_id: UUID
    kind: str
    n: int
    ends_at: datetime | None = None
    """of the final report: the project's end that has come; where another one counts by now, or is asked for,
    nothing is done"""


@dataclass(frozen=True)
class Invoicing:
    application_id: UUID
    due_at: datetime
    """the deadline that passed; where another one counts by now nothing is done"""


@activity.defn(name="funding.open_decision_round")
async def open_decision_round(round_: DecisionRound) -> None:
    """Lay out the recommendations for an adviser to prepare. Retried until all that it waits for are here
    (`RecommendationsMissing`). Once per round."""
    ...


@activity.defn(name="funding.send_letters")
async def send_letters(round_: DecisionRound) -> None:
    """Issue the letter of every decided case of the round; awards begin their grants. Once per decision."""
    ...


@activity.defn(name="funding.present_awards")
async def present_awards(round_: DecisionRound) -> None:
    """Make the presentation for the leader meeting (X26). Once per round."""
    ...


@activity.defn(name="funding.publish_round")
async def publish_round(call_id: str) -> None:
    """Publish the list of recipients and plan the kick-off seminar (X27). Once per call."""
    ...


@activity.defn(name="funding.propose_loss")
async def propose_loss(loss: Loss) -> None:
    """Propose that the award is lost, if the holder has still not acted. Once per (application, n)."""
    ...


@activity.defn(name="funding.expire_reserve")
async def expire_reserve(application_id: UUID) -> None:
    """End a place on the reserve list whose time is over. Does nothing where it moved up."""
    ...


@activity.defn(name="funding.request_report")
async def request_report(request: ReportRequest) -> None:
    """Ask the holder for a report: emits report-requested with its due instant. Once per (kind, n)."""
    ...


@activity.defn(name="funding.close_grant")
async def close_grant(application_id: UUID) -> None:
    """Nothing is owed any more. Once per grant."""
    ...


@activity.defn(name="funding.expire_invoicing")
async def expire_invoicing(invoicing: Invoicing) -> None:
    """The time for invoices is over: emits invoicing-expired, unless the trust said itself that no more come.
    Once per grant."""
    ...
