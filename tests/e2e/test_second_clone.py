"""A clone in a folder that nobody else may enter: up beside a running stack, its supervisor killed, down."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack.settings import ROOT
from tests.support import eventually

pytestmark = pytest.mark.timeout(600)

# Clear of the running stack (0) and of this test stack (10000), below the ports for outgoing connections.
_OFFSET = 20_500


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """The deploy package alone, deep below a private folder, where socket paths would be too long as well."""
    tmp_path.chmod(0o700)
    folder = tmp_path / ("a-folder-with-a-long-name-" * 4)
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".env.example", folder / ".env.example")
    (folder / ".env").write_text(f"TEST_PORT_OFFSET={_OFFSET}\n", encoding="utf-8")
    yield folder
    _stack(folder, "clean")


def _stack(clone: Path, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    return _python(clone, "-m", "deploy.stack", command, "--profile", "test", *options)


def _python(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "XDG_CACHE_HOME") if name in os.environ
    }
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=250)


def _processes(clone: Path) -> list[int]:
    """Whatever carries the mark of this clone's stack, found without the code under test."""
    return list(_commands(clone))


def _supervised(clone: Path, name: str) -> int:
    """The process with this in its command line."""
    (found,) = [pid for pid, command in _commands(clone).items() if name.encode() in command]
    return found


def _commands(clone: Path) -> dict[int, bytes]:
    """The command lines of those processes, by pid."""
    mark = f"INNOFLYT_STACK={clone}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and mark in (entry / "environ").read_bytes():
                found[int(entry.name)] = (entry / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
    return found


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_private_clone_comes_up_and_goes_down_without_a_trace(clone: Path) -> None:
    up = _stack(clone, "up", "--without-services")
    assert up.returncode == 0, up.stdout + up.stderr
    ports = [5440 + _OFFSET, 9192 + _OFFSET, 7240 + _OFFSET]
    assert all(map(_answers, ports))

    frozen = _supervised(clone, "clamd")
    os.kill(frozen, signal.SIGSTOP)
    await eventually(lambda: _state(frozen) == "T")
    put_right = "from deploy.stack import settings, testrun; testrun.put_right(settings.load('test'))"
    done = _python(clone, "-c", put_right)
    assert done.returncode == 0, done.stderr
    assert _state(frozen) != "T", "what a killed test run froze is thawed by the next"

    supervisor = _supervised(clone, "supervisor.supervisord")
    os.kill(supervisor, signal.SIGKILL)
    await eventually(lambda: supervisor not in _processes(clone))
    assert _processes(clone), "its programs live on without it"

    down = _stack(clone, "down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert _processes(clone) == []
    assert not any(map(_answers, ports))


async def test_a_stranger_on_a_port_is_named(clone: Path) -> None:
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", 3310 + _OFFSET))
        stranger.listen()
        up = _stack(clone, "up", "--without-services")
    assert up.returncode != 0
    assert f"clamd needs port {3310 + _OFFSET} (CLAMD_PORT), which is taken" in up.stderr
    assert "TEST_PORT_OFFSET" in up.stderr
