"""State diagrams in the READMEs, drawn from the code: `python -m deploy.readme_states [--check]`.

A README asks for one with a line `<!-- states: services.intake.domain.states:TRANSITIONS -->`, and everything
from there to `<!-- /states -->` is written by this script. The named object is a mapping
{state: {action: state}}; its first state is where a life begins. `--check` changes nothing and fails where a
diagram is older than the code.
"""

import importlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"(<!-- states: (?P<module>[\w.]+):(?P<name>\w+) -->\n).*?(<!-- /states -->)", re.DOTALL)


def diagram(transitions: Mapping[str, Mapping[str, str]]) -> str:
    """The state machine as a mermaid diagram; steps between the same two states share an arrow."""
    states = list(transitions)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {states[0]}"]
    for state, steps in transitions.items():
        arrows: dict[str, list[str]] = {}
        for action, after in steps.items():
            arrows.setdefault(str(after), []).append(str(action).replace("_", " "))
        lines += [f"    {state} --> {after}: {', '.join(actions)}" for after, actions in arrows.items()]
        if not steps:
            lines.append(f"    {state} --> [*]")
    return "\n".join([*lines, "```", ""])


def redrawn(text: str) -> str:
    """The README with every diagram as the code has it now."""

    def draw(found: re.Match[str]) -> str:
        transitions = getattr(importlib.import_module(found["module"]), found["name"])
        return found[1] + diagram(transitions) + found[4]

    return _BLOCK.sub(draw, text)


def main(arguments: list[str]) -> int:
    stale = []
    for path in sorted((*ROOT.glob("services/*/README.md"), *ROOT.glob("workflows/README.md"))):
        before = path.read_text(encoding="utf-8")
        after = redrawn(before)
        if after != before:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in arguments:
                path.write_text(after, encoding="utf-8")
    said = "is older than the code" if "--check" in arguments else "was redrawn"
    for name in stale:
        print(f"{name}: the state diagram {said}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
