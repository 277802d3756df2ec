"""The README's state diagram is the one the code has."""

from deploy.readme_states import ROOT, diagram, redrawn


def test_the_readme_shows_the_state_machine_as_it_is() -> None:
    text = (ROOT / "services/intake/README.md").read_text(encoding="utf-8")
    assert "submitted --> rejected: reject" in text
    assert redrawn(text) == text


def test_a_changed_machine_changes_the_diagram() -> None:
    drawn = diagram({"new": {"open": "old", "pry": "old"}, "old": {}})
    assert "[*] --> new" in drawn
    assert "new --> old: open, pry" in drawn
    assert "old --> [*]" in drawn
