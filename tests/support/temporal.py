"""A Temporal server of the test's own, to be killed and frozen without disturbing anybody."""

import asyncio
import signal
import time
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from deploy.stack.install.parts import part
from tests.support.broker import free_ports
from tests.support.processes import Process

NAMESPACE = "innoflyt"
_SEARCH_ATTRIBUTES = {
    "ApplicationId": "Keyword",
    "CallId": "Keyword",
    "Stage": "Keyword",
    "Organisation": "Keyword",
    "DueAt": "Datetime",
    "EscalationLevel": "Int",
}


class TemporalServer:
    """The real server in one process on a file of its own, so that a restart finds what was there."""

    def __init__(self, folder: Path) -> None:
        port, metrics = free_ports(2)
        self.address = f"127.0.0.1:{port}"
        self._folder = folder
        self._command = [
            str(part("temporal") / "temporal"),
            *("server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"),
            *("--port", str(port), "--metrics-port", str(metrics), "--namespace", NAMESPACE),
            *("--db-filename", str(folder / "temporal.db")),
            *(f"--search-attribute={name}={kind}" for name, kind in _SEARCH_ATTRIBUTES.items()),
        ]
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it (again, with the same data) and wait until it answers."""
        self._process = Process(self._command, {"HOME": str(self._folder)}, self._folder / "temporal.log")
        deadline = time.monotonic() + 30
        while True:
            try:
                client = await self.client()
                await client.count_workflows()
                return
            except (RuntimeError, RPCError) as error:
                if time.monotonic() > deadline or not self._process.running():
                    raise AssertionError(
                        f"Temporal did not start: {error}\n{self._process.output()}"
                    ) from error
                await asyncio.sleep(0.1)

    async def client(self) -> Client:
        return await Client.connect(self.address, namespace=NAMESPACE, data_converter=pydantic_data_converter)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send(signal.SIGCONT)

    async def bring_back(self) -> None:
        """Make it run again, whatever a test did to it."""
        assert self._process is not None
        self.thaw()
        if not self._process.running():
            await self.start()
