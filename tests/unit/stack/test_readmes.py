"""The READMEs' state diagrams are those that the code has."""

import pytest

from deploy.readme_states import ROOT, diagram, main
from deploy.stack.settings import SERVICES


def test_no_diagram_is_older_than_the_code() -> None:
    """After a change that is meant: `python -m deploy.readme_states`."""
    assert main(["--check"]) == 0


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_draws_its_states(service: str) -> None:
    text = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    drawn = [block.partition("<!-- /states -->")[0] for block in text.split("<!-- states: ")[1:]]
    assert drawn
    assert all("stateDiagram-v2" in each and "-->" in each for each in drawn)


def test_a_changed_machine_changes_the_diagram() -> None:
    drawn = diagram({"new": {"open": "old", "pry": "old"}, "old": {}})
    assert "[*] --> new" in drawn
    assert "new --> old: open, pry" in drawn
    assert "old --> [*]" in drawn
