"""Installing is all or nothing, and a killed install is repaired by running it again."""

from pathlib import Path

import pytest

from deploy.stack.install import machine, parts


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "innoflyt"


def test_a_part_is_built_once() -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "jar").write_text("whole", encoding="utf-8")

    assert parts.obtain("kafka", build)
    assert not parts.obtain("kafka", build)
    assert len(built) == 1
    assert (parts.part("kafka") / "jar").read_text(encoding="utf-8") == "whole"


def test_a_failed_build_leaves_nothing_that_counts(cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "jar").write_text("half", encoding="utf-8")
        raise machine.InstallError("the network went away")

    with pytest.raises(machine.InstallError):
        parts.obtain("kafka", fail)
    assert not parts.part("kafka").exists()
    assert [path for path in cache.iterdir() if path.is_dir()] == []


def test_what_a_killed_install_left_is_swept_away_by_the_next(cache: Path) -> None:
    left = cache / ".kafka@killed"
    left.mkdir(parents=True)
    (left / "jar").write_text("half", encoding="utf-8")
    parts.obtain("kafka", lambda folder: None)
    assert not left.exists()
    assert list(parts.part("kafka").iterdir()) == []


def test_another_part_that_is_being_built_is_left_alone(cache: Path) -> None:
    other = cache / ".temporal-test-server@at-work"
    other.mkdir(parents=True)
    parts.obtain("temporal", lambda folder: None)
    assert other.exists()


def test_missing_packages_are_named_in_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program: None if "clamd" in program else f"/bin/{program}")
    monkeypatch.setattr("os.getuid", lambda: 1000)
    with pytest.raises(
        machine.InstallError, match="apt-get install -y --no-install-recommends clamav-daemon"
    ):
        machine.ensure_packages()


def test_a_java_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(machine.InstallError, match=r"the Java runtime is too old .* 11\.0\.2\): install 17"):
        machine.check_versions()


def test_an_old_go_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho go version go1.25.9 linux/amd64\n", encoding="utf-8")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(machine.InstallError, match=r"Go 1\.26\.4 or newer"):
        machine.go_program()
