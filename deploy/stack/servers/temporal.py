"""Temporal, the whole server on Postgres, and its page for people."""

from __future__ import annotations

import asyncio
import subprocess
import urllib.request

import yaml
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    ListWorkflowExecutionsRequest,
    RegisterNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from ..install.parts import part
from ..programs import Program, base_environment
from ..settings import Settings
from . import postgres

DATABASES = {"temporal": "postgresql/v12/temporal", "temporal_visibility": "postgresql/v12/visibility"}
# For operators who look for a case; pages read SQL.
SEARCH_ATTRIBUTES = {
    "ApplicationId": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "CallId": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Stage": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Organisation": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "DueAt": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "EscalationLevel": IndexedValueType.INDEXED_VALUE_TYPE_INT,
}
_RETENTION_DAYS = 30
_PORTS = (
    "TEMPORAL_ADDRESS",
    "TEMPORAL_HTTP_PORT",
    *(f"TEMPORAL_{part}_PORT" for part in ("HISTORY", "MATCHING", "WORKER")),
    *(f"TEMPORAL_{part}_MEMBERSHIP_PORT" for part in ("FRONTEND", "HISTORY", "MATCHING", "WORKER")),
)


def prepare(settings: Settings) -> None:
    folder = settings.folder / "temporal"
    folder.mkdir(parents=True, exist_ok=True)
    address = settings["TEMPORAL_ADDRESS"]
    server = {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "defaultStore": "default",
            "visibilityStore": "visibility",
            "numHistoryShards": 4,
            "datastores": {
                "default": {"sql": _datastore(settings, "temporal", 10)},
                "visibility": {"sql": _datastore(settings, "temporal_visibility", 5)},
            },
        },
        "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"}},
        "services": {
            "frontend": _ports(settings, "TEMPORAL_ADDRESS", "FRONTEND")
            | {"rpc": _rpc(settings, "TEMPORAL_ADDRESS", "FRONTEND") | _http(settings)},
            "matching": _ports(settings, "TEMPORAL_MATCHING_PORT", "MATCHING"),
            "history": _ports(settings, "TEMPORAL_HISTORY_PORT", "HISTORY"),
            "worker": _ports(settings, "TEMPORAL_WORKER_PORT", "WORKER"),
        },
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {
                "active": {
                    "enabled": True,
                    "initialFailoverVersion": 1,
                    "rpcName": "frontend",
                    "rpcAddress": address,
                }
            },
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "publicClient": {"hostPort": address},
    }
    config = folder / "server.yaml"
    config.write_text(yaml.safe_dump(server, sort_keys=False), encoding="utf-8")
    config.chmod(0o600)  # it holds a password
    page = {
        "temporalGrpcAddress": address,
        "host": "127.0.0.1",
        "port": settings.port("TEMPORAL_UI_PORT"),
        "enableUi": True,
        "defaultNamespace": settings["TEMPORAL_NAMESPACE"],
    }
    (folder / "ui").mkdir(exist_ok=True)
    (folder / "ui" / "development.yaml").write_text(yaml.safe_dump(page), encoding="utf-8")


def program(settings: Settings) -> Program:
    return Program(
        name="temporal",
        command=(
            str(part("temporal") / "temporal-server"),
            *("--config-file", f"{settings.folder}/temporal/server.yaml", "--allow-no-auth", "start"),
        ),
        stop_seconds=15,
        ports=_PORTS,
    )


def page(settings: Settings) -> Program:
    folder = settings.folder / "temporal"
    return Program(
        name="temporal-ui",
        ports=("TEMPORAL_UI_PORT",),
        command=(
            str(part("temporal") / "temporal-ui"),
            *("--root", str(folder), "--config", "ui", "--env", "development", "start"),
        ),
    )


def create_databases(settings: Settings) -> None:
    """Temporal's two databases, still empty, and the role that owns them."""
    for database in DATABASES:
        postgres.create_owned_database(settings, database, "temporal", settings["TEMPORAL_DB_PASSWORD"])


def create_schema(settings: Settings) -> None:
    """Give Temporal its two databases, and bring their tables to what this version of the server needs."""
    create_databases(settings)
    for database, schema in DATABASES.items():
        with postgres.connect(settings, database) as conn:
            fresh = conn.execute("select to_regclass('schema_version')").fetchone() == (None,)
        if fresh:
            _sql_tool(settings, database, "setup-schema", "-v", "0.0")
        _sql_tool(settings, database, "update-schema", "--schema-name", schema)


def ready(settings: Settings) -> None:
    asyncio.run(_ready(settings))


def page_ready(settings: Settings) -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{settings['TEMPORAL_UI_PORT']}/healthz", timeout=2).close()


def provision(settings: Settings) -> None:
    """Register the namespace and the search attributes; wait until every part of the server knows them."""
    asyncio.run(_provision(settings))


async def _ready(settings: Settings) -> None:
    client = await Client.connect(settings["TEMPORAL_ADDRESS"])
    await client.service_client.check_health()


async def _provision(settings: Settings) -> None:
    namespace = settings["TEMPORAL_NAMESPACE"]
    client = await Client.connect(settings["TEMPORAL_ADDRESS"], namespace=namespace)
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        retention = Duration(seconds=_RETENTION_DAYS * 86_400)
        request = RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=retention)
        await client.workflow_service.register_namespace(request)
    async with asyncio.timeout(60):
        settled = await _settled(client, namespace)
        while not settled:
            await asyncio.sleep(0.2)
            settled = await _settled(client, namespace)


async def _settled(client: Client, namespace: str) -> bool:
    """A fresh namespace takes some seconds to be seen everywhere; until then requests are refused."""
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=namespace)
        )
        missing = {n: t for n, t in SEARCH_ATTRIBUTES.items() if n not in known.custom_attributes}
        if missing:
            add = AddSearchAttributesRequest(namespace=namespace, search_attributes=missing)
            await client.operator_service.add_search_attributes(add)
            return False
        query = " and ".join(f"{name} is null" for name in SEARCH_ATTRIBUTES)
        listing = ListWorkflowExecutionsRequest(namespace=namespace, query=query, page_size=1)
        await client.workflow_service.list_workflow_executions(listing)
    except RPCError as error:
        unsettled = (
            RPCStatusCode.NOT_FOUND,
            RPCStatusCode.UNAVAILABLE,
            RPCStatusCode.INVALID_ARGUMENT,
            RPCStatusCode.ALREADY_EXISTS,
            RPCStatusCode.DEADLINE_EXCEEDED,
        )
        if error.status not in unsettled:
            raise
        return False
    return True


def _sql_tool(settings: Settings, database: str, *command: str) -> None:
    tool = [str(part("temporal") / "temporal-sql-tool"), "--plugin", "postgres12"]
    tool += ["--ep", settings["POSTGRES_HOST"], "-p", settings["POSTGRES_PORT"]]
    tool += ["-u", "temporal", "--db", database, *command]
    environment = base_environment(settings) | {"SQL_PASSWORD": settings["TEMPORAL_DB_PASSWORD"]}
    done = subprocess.run(tool, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Temporal's schema in {database} failed:\n{done.stdout}{done.stderr}")


def _datastore(settings: Settings, database: str, connections: int) -> dict[str, object]:
    return {
        "pluginName": "postgres12",
        "databaseName": database,
        "connectAddr": f"{settings['POSTGRES_HOST']}:{settings['POSTGRES_PORT']}",
        "connectProtocol": "tcp",
        "user": "temporal",
        "password": settings["TEMPORAL_DB_PASSWORD"],
        "maxConns": connections,
        "maxIdleConns": connections,
        "maxConnLifetime": "1h",
    }


def _rpc(settings: Settings, name: str, role: str) -> dict[str, object]:
    return {
        "grpcPort": settings.port(name),
        "membershipPort": settings.port(f"TEMPORAL_{role}_MEMBERSHIP_PORT"),
        "bindOnLocalHost": True,
    }


def _http(settings: Settings) -> dict[str, object]:
    return {"httpPort": settings.port("TEMPORAL_HTTP_PORT")}


def _ports(settings: Settings, name: str, role: str) -> dict[str, object]:
    return {"rpc": _rpc(settings, name, role)}
