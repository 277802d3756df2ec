"""Make `.venv` with exactly the locked libraries; does nothing when the lock has not changed since.

Runs before anything is installed, so it uses the standard library alone: `python3 deploy/stack/bootstrap.py`.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "innoflyt"
UV_VERSION = "0.13.9"
LOCK = ROOT / "requirements.lock"
VENV = ROOT / ".venv"
STAMP = VENV / "innoflyt.lock.sha256"


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs on whatever python3 is
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: install python3.11")
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if _stamp() == wanted:
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / ".bootstrap.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _stamp() == wanted:
            return
        print("installing the Python libraries into .venv", flush=True)
        uv = _uv()
        python = str(VENV / "bin" / "python")
        if not _runs(python):
            shutil.rmtree(VENV, ignore_errors=True)
            _run(uv, "venv", "--quiet", "--python", sys.executable, str(VENV))
        # Compiled now, once: ten processes that start together would otherwise each do it.
        sync = ("pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes")
        _run(uv, *sync, "--python", python, str(LOCK))
        STAMP.write_text(wanted, encoding="ascii")


def _runs(python: str) -> bool:
    """Whether this interpreter is there and whole: an upgrade of the system's Python leaves a broken one."""
    try:
        return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _stamp() -> str:
    return STAMP.read_text(encoding="ascii") if STAMP.exists() else ""


def _uv() -> str:
    """The installer, in a folder of its own that appears whole or not at all."""
    folder = CACHE / f"uv-{UV_VERSION}"
    program = folder / "bin" / "uv"
    if program.exists():
        return str(program)
    shutil.rmtree(folder, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=".uv-", dir=CACHE))
    try:
        _make_venv(made)
        _run(str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", f"uv=={UV_VERSION}")
        made.chmod(0o755)
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return str(program)


def _make_venv(folder: Path) -> None:
    """Debian ships the module venv in a package of its own."""
    command = [sys.executable, "-m", "venv", "--clear", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "python3-venv"]
    if os.getuid() != 0 or not shutil.which("apt-get"):
        sys.exit("Python's venv is missing. As root, run:  " + " ".join(install))
    _run("apt-get", "update", "-q")
    _run(*install)
    _run(*command)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        sys.exit(f"`{' '.join(command)}` failed ({done.returncode}):\n{said}\nMend that and run it again.")


if __name__ == "__main__":
    main()
