"""The supervisor: its configuration, its start and stop, and the few orders we give it over its socket."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import Faults, SupervisorTransport

from .programs import MARK, Program, base_environment
from .settings import ROOT, SCHEMAS, Settings

_ENDED = ("STOPPED", "EXITED", "FATAL")
_SOCKET_PATH_LIMIT = 100  # the system's is 107 bytes, and the supervisor adds a suffix while it binds


def socket_path(settings: Settings) -> Path:
    """Within the stack's folder, unless the clone lies so deep that the system would refuse the path."""
    path = settings.folder / "supervisor.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
        return path
    return Path("/var/tmp") / f"innoflyt-{hashlib.sha256(os.fsencode(settings.folder)).hexdigest()[:16]}.sock"


def log_path(settings: Settings, program: str) -> Path:
    return settings.folder / "logs" / f"{program}.log"


def write_config(settings: Settings, programs: Iterable[Program]) -> Path:
    """Write supervisord's configuration. Nothing starts by itself: `start.py` decides the order."""
    (settings.folder / "logs").mkdir(parents=True, exist_ok=True)
    text = [
        "[supervisord]",
        "nodaemon=false",
        "silent=true",
        "minfds=1024",
        f"logfile={settings.folder}/logs/supervisord.log",
        "logfile_maxbytes=5MB",
        "logfile_backups=1",
        f"pidfile={settings.folder}/supervisord.pid",
        f"directory={ROOT}",
        "[unix_http_server]",
        f"file={socket_path(settings)}",
        "chmod=0700",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for program in programs:
        environment = ",".join(f"{name}='{value}'" for name, value in program.environment.items())
        text += [
            f"[program:{program.name}]",
            "command=" + " ".join(f'"{part}"' for part in program.command).replace("%", "%%"),
            "environment=" + environment.replace("%", "%%"),
            f"directory={ROOT}",
            "autostart=false",
            "autorestart=true",
            # A dependency that is down is waited for, however long that takes: never give a program up.
            "startretries=1000000000",
            "startsecs=1",
            f"stopsignal={program.stop_signal}",
            f"stopwaitsecs={program.stop_seconds}",
            f"stopasgroup={str(program.stop_group).lower()}",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={log_path(settings, program.name)}",
            "stdout_logfile_maxbytes=50MB",
            "stdout_logfile_backups=1",
        ]
    path = settings.folder / "supervisord.conf"
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    path.chmod(0o600)  # it holds the passwords
    return path


def running(settings: Settings) -> bool:
    try:
        _rpc(settings).getState()
    except (OSError, xmlrpc.client.Error):
        return False
    return True


def launch(settings: Settings, config: Path) -> None:
    """Start the supervisor, or hand a running one the new configuration (running programs go on)."""
    if running(settings):
        rpc = _rpc(settings)
        added, changed, removed = rpc.reloadConfig()[0]
        for name in [*removed, *changed]:
            rpc.stopProcessGroup(name)
            rpc.removeProcessGroup(name)
        for name in [*added, *changed]:
            rpc.addProcessGroup(name)
        return
    end_strays(settings)
    socket_path(settings).unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
        env=base_environment(settings),
        cwd=ROOT,
        check=True,
    )
    deadline = time.monotonic() + 15
    while not running(settings):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the supervisor does not answer; see {settings.folder}/logs/supervisord.log")
        time.sleep(0.05)


def states(settings: Settings) -> dict[str, dict[str, Any]]:
    """What the supervisor knows of each program: statename, pid, start (epoch seconds), description."""
    infos = cast(list[dict[str, Any]], _rpc(settings).getAllProcessInfo())
    return {info["name"]: info for info in infos}


def keeps_ending(settings: Settings, program: str) -> bool:
    """Whether the supervisor waits before it starts this program yet again."""
    info = states(settings).get(program)
    return info is not None and info["statename"] == "BACKOFF"


def start(settings: Settings, program: str) -> None:
    """Start a program and return at once; one that runs already is left alone."""
    _order(_rpc(settings).startProcess, program, unless=Faults.ALREADY_STARTED)


def stop(settings: Settings, program: str) -> None:
    """Stop a program and wait until it has ended; one that is stopped already is left alone."""
    stop_together(settings, [program])


def give_up(settings: Settings, program: str) -> None:
    """Tell a program to stop, and do not bring it back however it ends; returns at once."""
    _order(_rpc(settings).stopProcess, program, unless=Faults.NOT_RUNNING)


def stop_together(settings: Settings, programs: Iterable[str]) -> None:
    """Tell these programs to stop, all at once, and wait until the last has ended."""
    names = set(programs)
    for name in names & states(settings).keys():
        give_up(settings, name)
    while any(info["statename"] not in _ENDED for name, info in states(settings).items() if name in names):
        time.sleep(0.05)  # the supervisor kills what does not end in its time, so this ends too


def shutdown(settings: Settings) -> None:
    """Stop every program and the supervisor, and return when none of them is left.

    First our own processes, then what they stand on, and the database last. (The supervisor would do it one
    program after the other.)
    """
    if running(settings):
        names = set(states(settings))
        services = {name for name in names if name.partition("-")[0] in SCHEMAS}
        for together in (services, names - services - {"postgres"}, names & {"postgres"}):
            stop_together(settings, together)
        own = _rpc(settings).getPID()
        _rpc(settings).shutdown()
        deadline = time.monotonic() + 45
        # What is on its way out has no environment any more, so the supervisor is watched by its number too.
        while (_lives(own) or marked_processes(settings)) and time.monotonic() < deadline:
            time.sleep(0.05)
    end_strays(settings)
    socket_path(settings).unlink(missing_ok=True)


def marked_processes(settings: Settings) -> list[int]:
    """The living processes that carry this stack's mark in their environment, whoever their parent is now."""
    mark = os.fsencode(f"{MARK}={settings.folder}")
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or belongs to another user and so is none of ours
            continue
        if mark in environment.split(b"\0"):
            found.append(int(entry.name))
    return found


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def end_strays(settings: Settings) -> None:
    """Kill what a killed supervisor left behind, for it would hold our ports and our data."""
    deadline = time.monotonic() + 10
    while strays := marked_processes(settings):
        if time.monotonic() > deadline:
            raise TimeoutError(f"these processes do not end: {strays}")
        for pid in strays:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def _order(call: Callable[[str, bool], object], program: str, *, unless: int) -> None:
    """Give an order without waiting for its end. That it is fulfilled already (`unless`) is no error."""
    try:
        call(program, False)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != unless:
            raise


def _rpc(settings: Settings) -> Any:
    transport = SupervisorTransport(None, None, f"unix://{socket_path(settings)}")  # type: ignore[no-untyped-call]
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor
