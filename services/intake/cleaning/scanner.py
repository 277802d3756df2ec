"""The virus scanner: clamd's INSTREAM, one connection per file."""

import asyncio
import struct
from pathlib import Path

from services.common.errors import InfrastructureDown

_CHUNK = 256 * 1024
_SECONDS = 60.0
_PING_SECONDS = 10.0


class CannotScan(Exception):
    """The scanner is there, but has no word on this file."""


class Scanner:
    """Asks clamd. Fails closed: without a clear answer the file stays in quarantine."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def ping(self) -> None:
        """InfrastructureDown when the scanner is away."""
        reader, writer = await self._connect()
        try:
            async with asyncio.timeout(_PING_SECONDS):
                writer.write(b"zPING\0")
                await writer.drain()
                answer = await reader.read(16)
        except (OSError, TimeoutError) as error:
            raise InfrastructureDown("the virus scanner does not answer") from error
        finally:
            writer.close()
        if not answer.startswith(b"PONG"):
            raise InfrastructureDown("the virus scanner is not ready")

    async def is_infected(self, path: Path) -> bool:
        """Whether the scanner knows something bad in the file. InfrastructureDown when it is away, CannotScan
        when it fails at this file: other files may fare better."""
        reader, writer = await self._connect()
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await _scan(path, reader, writer)
        except (OSError, TimeoutError) as error:
            raise CannotScan(str(error)) from error
        if answer.endswith("OK"):
            return False
        if answer.endswith("FOUND"):
            return True
        raise CannotScan(answer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(_SECONDS):
                return await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise InfrastructureDown("the virus scanner does not answer") from error


async def _scan(path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    try:
        writer.write(b"zINSTREAM\0")
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                writer.write(struct.pack(">I", len(chunk)) + chunk)
                await writer.drain()
        writer.write(struct.pack(">I", 0))
        await writer.drain()
        return (await reader.read(4096)).rstrip(b"\0\n").decode("ascii", "replace")
    finally:
        writer.close()
