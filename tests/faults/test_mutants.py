"""Each guarantee is held by a test: taken out of a copy of the tree, the test its patch names goes red.

A patch begins with what it breaks and `Red: <test file> -k <test>`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.stack.settings import ROOT

PATCHES = sorted((Path(__file__).parent / "mutants").glob("*.patch"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as it stands, without data and tools."""
    target = tmp_path_factory.mktemp("mutant") / "tree"
    left_out = shutil.ignore_patterns(".git", ".venv", ".stack*", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, target, ignore=left_out)
    return target


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_its_test_goes_red(copy: Path, patch: Path) -> None:
    named = re.search(r"^Red: (\S+) -k (\S+)$", patch.read_text(encoding="utf-8"), re.MULTILINE)
    assert named, "a patch names the test that must go red"
    apply(copy, patch)
    try:
        outcome = run(copy, named[1], named[2])
    finally:
        apply(copy, patch, "--reverse")
    assert outcome.returncode == 1, outcome.stdout[-3000:] + outcome.stderr[-1000:]
    assert re.search(r"\d+ failed", outcome.stdout), outcome.stdout[-3000:]
    assert "error" not in outcome.stdout.splitlines()[-1], "it must fail, not break"


def apply(copy: Path, patch: Path, *options: str) -> None:
    subprocess.run(["git", "apply", *options, str(patch)], cwd=copy, check=True)


def run(copy: Path, file: str, name: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", file, "-k", name, "-x", "-q"]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=240)
