"""The mail sink, maildev: takes every mail, delivers none, and shows them on a page and as JSON."""

from __future__ import annotations

import urllib.request

from ..install.parts import part
from ..programs import Program
from ..settings import Settings


def prepare(settings: Settings) -> None:
    (settings.folder / "mail").mkdir(parents=True, exist_ok=True)


def program(settings: Settings) -> Program:
    return Program(
        name="maildev",
        ports=("SMTP_PORT", "MAIL_UI_PORT"),
        command=(
            *("node", str(part("maildev") / "node_modules" / "maildev" / "bin" / "maildev")),
            *("--ip", "127.0.0.1", "--smtp", settings["SMTP_PORT"]),
            *("--web-ip", "127.0.0.1", "--web", settings["MAIL_UI_PORT"]),
            *("--mail-directory", str(settings.folder / "mail"), "--silent"),
        ),
    )


def ready(settings: Settings) -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{settings['MAIL_UI_PORT']}/healthz", timeout=2).close()
