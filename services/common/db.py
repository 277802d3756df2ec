"""One pool per process on one schema, transactions that wake the relay, and dedicated connections.

The pool opens no connection before the first use: a process starts, and answers 503, while Postgres is away.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Literal, Protocol, Self, cast

import asyncpg
import structlog

from services.common.errors import InfrastructureDown
from services.common.outages import is_infrastructure
from services.common.settings import Settings

_log = structlog.get_logger()


class Connection(Protocol):
    """What we use of an asyncpg connection (which is untyped); `jsonb` is a dict or list on our side."""

    async def execute(self, query: str, *args: object) -> str: ...
    async def executemany(self, command: str, args: Iterable[Sequence[object]]) -> None: ...
    async def fetch(self, query: str, *args: object) -> list[Any]: ...
    async def fetchrow(self, query: str, *args: object) -> Any: ...
    async def fetchval(self, query: str, *args: object, column: int = 0) -> Any: ...
    async def add_listener(self, channel: str, callback: Callable[..., object]) -> None: ...
    async def close(self) -> None: ...
    def transaction(
        self, *, isolation: str | None = None, readonly: bool = False
    ) -> AbstractAsyncContextManager[object]:
        """A transaction, or a savepoint inside one."""
        ...

    def is_in_transaction(self) -> bool: ...
    def is_closed(self) -> bool: ...
    def terminate(self) -> None: ...


_CONNECT_SECONDS = 5.0
_STATEMENT_SECONDS = 15.0
_EXAMINATION_SECONDS = 300.0
_LOCK_SECONDS = 8
_FORSAKEN_SECONDS = 30  # longer than any pause of ours within a transaction


async def now(conn: Connection) -> datetime:
    """The database's clock, the only one that decides anything (not frozen at the transaction's start)."""
    return cast(datetime, await conn.fetchval("select clock_timestamp()"))


def outbox_channel(schema: str) -> str:
    """Name of the notification that says "there are unsent rows" in this schema."""
    return f"{schema}_outbox"


async def connect(
    settings: Settings, schema: str, role: Literal["app", "owner", "inspector"] = "app", *, purpose: str
) -> Connection:
    """A dedicated connection, outside the pool. InfrastructureDown when the server does not answer."""
    try:
        conn: Connection = await asyncpg.connect(**_arguments(settings, schema, role, purpose))
    except OSError as error:
        raise InfrastructureDown("Postgres does not answer") from error
    await _prepare(conn)
    return conn


def _arguments(settings: Settings, schema: str, role: str, purpose: str) -> dict[str, Any]:
    if role == "inspector":
        user, password = "inspector", settings.required_inspector_password()
    else:
        user = f"{schema}_{role}"
        password = settings.password(schema, cast(Literal["app", "owner"], role))
    return {
        "host": settings.postgres_host,
        "port": settings.postgres_port,
        "database": settings.postgres_db,
        "user": user,
        "password": password,
        "target_session_attrs": "any" if role == "inspector" else "read-write",
        "timeout": _CONNECT_SECONDS,
        "command_timeout": _EXAMINATION_SECONDS if role == "inspector" else _STATEMENT_SECONDS,
        "server_settings": {
            "search_path": schema,
            "timezone": "UTC",
            "application_name": f"{schema} {purpose}",
            "lock_timeout": f"{_LOCK_SECONDS}s",
            # A process that is frozen, or whose machine is gone, must not hold its locks for ever.
            "idle_in_transaction_session_timeout": f"{_FORSAKEN_SECONDS}s",
            "tcp_keepalives_idle": "15",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
        },
    }


async def _prepare(conn: Any) -> None:
    await conn.set_type_codec("jsonb", encoder=_to_json, decoder=json.loads, schema="pg_catalog")


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Database:
    """The pool of one process on the schema of its service, as role `<schema>_app`."""

    def __init__(self, pool: Any, settings: Settings, schema: str) -> None:
        self._pool = pool
        self.settings = settings
        self.schema = schema
        self._waker = _Waker(settings, schema)

    @classmethod
    async def open(cls, settings: Settings, schema: str, *, max_size: int) -> Self:
        """A pool of at most `max_size` connections, made when they are first needed."""
        pool = asyncpg.create_pool(
            **_arguments(settings, schema, "app", "pool"),
            init=_prepare,
            min_size=0,
            max_size=max_size,
            max_inactive_connection_lifetime=0,
        )
        await pool
        return cls(pool, settings, schema)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """begin .. commit; afterwards the relay is woken. An exception inside rolls everything back."""
        async with self._connection() as conn:
            async with conn.transaction():
                yield conn
        self._waker.wake()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A read-only transaction with one view of the data."""
        async with self._connection() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            yield conn

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            conn = await self._pool.acquire(timeout=_CONNECT_SECONDS)
        except OSError as error:
            raise InfrastructureDown("Postgres does not answer") from error
        try:
            yield cast(Connection, conn)
        except asyncpg.ReadOnlySQLTransactionError:
            conn.terminate()  # its server has become a standby: a new connection finds the one that writes
            raise
        finally:
            await self._pool.release(conn, timeout=_CONNECT_SECONDS)

    async def close(self) -> None:
        """Close every connection; those in use get a few seconds to finish."""
        await self._waker.close()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


class _Waker:
    """Sends one NOTIFY for any number of commits that happened since the last, on its own connection.

    Inside the transactions themselves a NOTIFY would take a global lock at each commit. A lost one costs
    nothing but time: the relay also polls.
    """

    def __init__(self, settings: Settings, schema: str) -> None:
        self._settings = settings
        self._schema = schema
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        self._wanted.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="outbox waker")

    async def _run(self) -> None:
        conn: Connection | None = None
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                try:
                    if conn is None or conn.is_closed():
                        conn = await connect(self._settings, self._schema, purpose="waker")
                    await conn.execute(f"notify {outbox_channel(self._schema)}")
                except Exception as error:
                    if not is_infrastructure(error):
                        _log.error("the relay cannot be woken; it polls", exc_info=error)
                    conn = None
                    await asyncio.sleep(1)
        finally:
            if conn is not None:
                conn.terminate()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
