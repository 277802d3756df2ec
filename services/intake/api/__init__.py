"""The HTTP API of intake: one module per resource. Each route parses, opens a transaction and calls one
command."""

from fastapi import APIRouter

from services.intake.api import (
    applications,
    attachments,
    calls,
    clarifications,
    endorsements,
    people,
    rejection,
    status,
    submission,
    withdrawal,
)


def routers() -> list[APIRouter]:
    """Every router of the service."""
    return [
        people.router,
        calls.router,
        applications.router,
        attachments.router,
        endorsements.router,
        clarifications.router,
        submission.router,
        status.router,
        withdrawal.router,
        rejection.router,
    ]
