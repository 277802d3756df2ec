"""The virus scanner, clamd, with one signature of our own: the harmless EICAR test file.

Real signatures come from freshclam and are a matter of the operator: they are large, change daily and need
the network. What the stack proves is that an infected upload is refused; for that one signature is enough.
"""

from __future__ import annotations

import socket

from ..programs import Program
from ..settings import Settings

# Put together here, because a file that held it whole would itself be taken for a virus.
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!" + "$H+H*"


def prepare(settings: Settings) -> None:
    folder = settings.folder / "scanner"
    (folder / "signatures").mkdir(parents=True, exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    # A body signature, for a hash of the whole file would miss it inside a PDF.
    signature = f"Local.Eicar.Test:0:*:{EICAR.encode().hex()}\n"
    (folder / "signatures" / "local.ndb").write_text(signature, encoding="ascii")
    lines = {
        "DatabaseDirectory": f"{folder}/signatures",
        "TemporaryDirectory": f"{folder}/tmp",
        "TCPSocket": settings["CLAMD_PORT"],
        "TCPAddr": "127.0.0.1",
        "StreamMaxLength": "100M",
        "MaxThreads": "4",
        "SelfCheck": "60",
        "Foreground": "yes",
    }
    text = "".join(f"{name} {value}\n" for name, value in lines.items())
    (folder / "clamd.conf").write_text(text, encoding="utf-8")


def program(settings: Settings) -> Program:
    return Program(
        name="clamd",
        command=("/usr/sbin/clamd", f"--config-file={settings.folder}/scanner/clamd.conf"),
        ports=("CLAMD_PORT",),
    )


def ready(settings: Settings) -> None:
    address = (settings["CLAMD_HOST"], settings.port("CLAMD_PORT"))
    with socket.create_connection(address, timeout=2) as connection:
        connection.sendall(b"zPING\0")
        answer = connection.recv(16)
    if not answer.startswith(b"PONG"):
        raise ConnectionError(f"clamd answered {answer!r} instead of PONG")
