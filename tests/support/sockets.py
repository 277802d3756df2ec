"""Which sockets a process has, read from the system itself rather than from what we believe we configured."""

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_LISTEN = "0A"


def listening(pids: Iterable[int]) -> set[tuple[str, int]]:
    """(address, port) of every TCP socket on which these processes listen."""
    return {(address, port) for address, port, state in _tcp(set(pids)) if state == _LISTEN}


def local_ports(pids: Iterable[int]) -> set[int]:
    """The local port of every TCP socket of these processes."""
    return {port for _, port, _ in _tcp(set(pids))}


def _sockets(pids: set[int]) -> set[str]:
    """The inodes of the sockets these processes have open."""
    found = set()
    for pid in pids:
        with suppress(OSError):  # it ended meanwhile
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):  # closed meanwhile
                    target = os.readlink(descriptor)
                    if target.startswith("socket:["):
                        found.add(target[8:-1])
    return found


def _tcp(pids: set[int]) -> list[tuple[str, int, str]]:
    """(local address, local port, state) of each socket; an IPv4 address in IPv6 dress is shown undressed."""
    inodes = _sockets(pids)
    found = []
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] not in inodes:
                continue
            raw, port = fields[1].split(":")
            packed = b"".join(bytes.fromhex(raw[i : i + 8])[::-1] for i in range(0, len(raw), 8))
            address = socket.inet_ntop(family, packed).removeprefix("::ffff:")
            found.append((address, int(port, 16), fields[3]))
    return found
