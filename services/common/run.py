"""Command line and composition root of every service: api, worker, migrate, doctor, parked, retry, skip."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from fastapi import APIRouter
from temporalio.client import Client

from services.common.db import Database
from services.common.parking import Handler
from services.common.settings import Settings
from services.common.storage import Storage


@dataclass(frozen=True)
class Worker:
    """What activities, jobs and handlers get. `temporal` connects at its first call; storage needs S3 settings."""

    settings: Settings
    database: Database
    storage: Storage
    temporal: Client


@dataclass(frozen=True)
class Check:
    """An invariant: SQL that must return no rows, its first column `key` naming the case; runs as `inspector`."""

    name: str
    sql: str
    explain: str


Job: TypeAlias = Callable[[Worker], Awaitable[None]]
Handlers: TypeAlias = Mapping[str, Handler]


@dataclass(frozen=True)
class Service:
    """One service as its `__main__` composes it. Handlers may be a function when they need the worker's parts."""

    name: str
    title: str
    migrations: Path
    routers: Callable[[], Sequence[APIRouter]] = tuple
    topics: Sequence[str] = ()
    handlers: Handlers | Callable[[Worker], Handlers] = field(default_factory=dict)
    activities: Callable[[Worker], Sequence[Callable[..., Any]]] | None = None
    jobs: Sequence[Job] = ()
    checks: Sequence[Check] = ()


Role: TypeAlias = Callable[[Service, Settings], Awaitable[None]]


def main(
    service: Service, argv: Sequence[str] | None = None, *, roles: Mapping[str, Role] | None = None
) -> None:
    """Run one role: api | worker | migrate | doctor | parked | retry KEY | skip EVENT --reason R.

    `roles` adds further ones or replaces `worker`.
    """
    raise NotImplementedError
