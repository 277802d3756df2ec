"""What `summary.json` says is what the last run said."""

from pathlib import Path

from deploy.demo import summary


def test_a_run_that_fails_leaves_no_earlier_success_behind(tmp_path: Path) -> None:
    summary.forget(tmp_path)
    written = summary.write({"seconds": 82}, tmp_path)
    assert written.exists()
    summary.forget(tmp_path)
    assert not written.exists()
