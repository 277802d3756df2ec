"""The HTTP API of review."""

from fastapi import APIRouter

from services.review.api import cases, meetings, panels, questions, rounds, tasks


def routers() -> list[APIRouter]:
    return [
        tasks.router,
        cases.router,
        questions.router,
        panels.router,
        rounds.router,
        meetings.router,
    ]
