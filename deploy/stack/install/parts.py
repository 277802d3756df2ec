"""The parts that are built or downloaded, their versions, and the folder each is found in.

A new version of a part is a new folder; nothing in the cache is ever changed in place. When only the recipe
of a part changes (its pom, its lock file), give its version a suffix such as `-2`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..settings import cache

VERSIONS = {
    "go": "1.26.6",
    "kafka": "4.1.1",
    "maildev": "2.2.1",
    "mock-oauth2-server": "6.0.2",
    "temporal": "1.31.2",
    "temporal-test-server": "1.38.0",
    "versitygw": "1.7.0",
    "zipkin": "3.6.1",
}


def part(name: str) -> Path:
    """The folder of a part, whether it is installed yet or not."""
    return cache() / f"{name}-{VERSIONS[name]}"


def obtain(name: str, build: Callable[[Path], None]) -> bool:
    """Build a part into its folder unless it is there; say whether anything was done.

    The work happens in a temporary folder that is renamed at the end, so that the folder of a part is always
    whole: an install that was killed leaves nothing that counts, and running it again repairs it.
    """
    if part(name).exists():
        return False
    with _lock(name):
        if part(name).exists():  # another clone was faster
            return False
        for left in cache().glob(f".{name}@*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{name}@", dir=cache()))
        try:
            build(folder)
            folder.chmod(0o755)
            folder.rename(part(name))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return True


@contextmanager
def _lock(name: str) -> Iterator[None]:
    cache().mkdir(parents=True, exist_ok=True)
    descriptor = os.open(cache() / f".{name}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
