"""The routes of funding, one module per resource."""

from collections.abc import Sequence

from fastapi import APIRouter


def routers() -> Sequence[APIRouter]:
    """Every router, in the order of the OpenAPI document."""
    from services.funding.api import cases, complaints, grants, public, reports, requests, rounds

    return (
        rounds.router,
        cases.router,
        grants.router,
        requests.router,
        reports.router,
        complaints.router,
        public.router,
    )
