"""Logs of all processes are read as one, by time, and an id finds its lines in every one of them."""

from dataclasses import dataclass
from pathlib import Path

from deploy.stack import logs
from deploy.stack.settings import Settings


@dataclass(frozen=True)
class _Elsewhere(Settings):
    elsewhere: Path = Path()

    @property
    def folder(self) -> Path:
        return self.elsewhere


def _settings(folder: Path, **programs: str) -> Settings:
    (folder / "logs").mkdir()
    for name, text in programs.items():
        (folder / "logs" / f"{name}.log").write_text(text, encoding="utf-8")
    return _Elsewhere("test", {}, folder)


def test_an_id_finds_its_lines_in_order_of_time(tmp_path: Path) -> None:
    settings = _settings(
        tmp_path,
        intake='{"timestamp": "2026-01-01T10:00:02Z", "event": "second", "application_id": "a-1"}\n'
        '{"timestamp": "2026-01-01T10:00:03Z", "event": "other", "application_id": "a-2"}\n',
        notify='{"timestamp": "2026-01-01T10:00:01Z", "event": "first", "key": "a-1"}\n',
        temporal="warn something about a-1\n",
    )
    found = logs.lines(settings, "a-1")
    assert [line.program for line in found] == ["temporal", "notify", "intake"]
    assert "application_id=a-1" in found[2].text
    assert all("other" not in line.text for line in found)


def test_without_an_id_the_newest_lines_of_our_own_processes_are_shown(tmp_path: Path) -> None:
    many = "".join(f'{{"timestamp": "2026-01-01T10:00:00.{n:03}Z", "event": "e{n}"}}\n' for n in range(300))
    settings = _settings(tmp_path, intake=many, kafka="a line of a server\n")
    found = logs.lines(settings, None)
    assert len(found) == 200
    assert "e299" in found[-1].text
