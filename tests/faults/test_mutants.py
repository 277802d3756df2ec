"""Each guarantee is held by a test: taken out of a copy of the tree, the test its patch names goes red.

A patch begins with what it breaks, `Red: <test file> -k <test>`, and `Because: <words of the failure>`.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.stack.settings import ROOT


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as it stands, without data and tools."""
    target = tmp_path_factory.mktemp("mutant") / "tree"
    left_out = shutil.ignore_patterns(".git", ".venv", ".stack*", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, target, ignore=left_out)
    return target


@dataclass(frozen=True)
class Mutant:
    """A patch, the test that must go red by it, and what that test must then say."""

    patch: Path
    file: str
    test: str
    because: str

    @classmethod
    def read(cls, patch: Path) -> "Mutant":
        """ValueError when a line is missing."""
        text = patch.read_text(encoding="utf-8")
        red = re.search(r"^Red: (\S+) -k (\S+)$", text, re.MULTILINE)
        because = re.search(r"^Because: (.+)$", text, re.MULTILINE)
        if not red or not because:
            raise ValueError(f"{patch.name} must name the test that goes red, and why")
        return cls(patch, red[1], red[2], because[1])


MUTANTS = [Mutant.read(patch) for patch in sorted((Path(__file__).parent / "mutants").glob("*.patch"))]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.patch.stem)
def test_its_test_goes_red_by_the_patch_alone(copy: Path, mutant: Mutant) -> None:
    untouched = run(copy, mutant)
    assert untouched.returncode == 0, f"red without the patch:\n{untouched.stdout[-3000:]}"
    apply(copy, mutant.patch)
    try:
        outcome = run(copy, mutant)
    finally:
        apply(copy, mutant.patch, "--reverse")
    assert outcome.returncode == 1, outcome.stdout[-3000:] + outcome.stderr[-1000:]
    assert re.search(r"\d+ failed", outcome.stdout), outcome.stdout[-3000:]
    assert "error" not in outcome.stdout.splitlines()[-1], "it must fail, not break"
    said = [line for line in outcome.stdout.splitlines() if line.startswith("E ")]
    assert any(mutant.because in line for line in said), f"red for another reason:\n{outcome.stdout[-3000:]}"


def apply(copy: Path, patch: Path, *options: str) -> None:
    subprocess.run(["git", "apply", *options, str(patch)], cwd=copy, check=True)


def run(copy: Path, mutant: Mutant) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", mutant.file, "-k", mutant.test, "-x", "-q"]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=240)
