"""Zipkin keeps the traces of the running stack in memory and shows them."""

from __future__ import annotations

import urllib.request

from ..install.parts import part
from ..programs import Program
from ..settings import Settings


def program(settings: Settings) -> Program:
    return Program(
        name="zipkin",
        ports=("ZIPKIN_PORT",),
        command=(
            # Nobody waits for a trace: while everything starts, the others go first.
            *("nice", "-n", "10", "java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *("-jar", str(part("zipkin") / "lib" / "zipkin-server-3.6.1-exec.jar")),
            "--armeria.ports[0].ip=127.0.0.1",
            f"--armeria.ports[0].port={settings['ZIPKIN_PORT']}",
            "--armeria.ports[0].protocols[0]=http",
        ),
    )


def ready(settings: Settings) -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{settings['ZIPKIN_PORT']}/health", timeout=2).close()
