"""Examples of content that holds every rule of the real call, to be changed one thing at a time."""

import dataclasses
from typing import Any

from deploy.demo.calls import real_call
from services.intake.domain.budget import Budget
from services.intake.domain.rules import AttachmentFacts, Draft, Finding, judge
from services.intake.forms import form_faults

CALL = real_call()
LONG = "Dette er en tekst som er lang nok til å bestå."


def form(category: str) -> dict[str, Any]:
    """Every required field of this category."""
    return {name: LONG for name in CALL.category(category).form["required"]}


def draft(category: str = "service", **changes: Any) -> Draft:
    """A draft without any finding."""
    whole = Draft(
        category=category,
        organisation="HMR",
        title="En tittel",
        statement="En offentlig tekst.",
        form=form(category),
        budget=Budget({"salary": 300_000}, 75_000, 225_000),
        leader_employment_percent=20,
        earlier_awards=2,
    )
    return dataclasses.replace(whole, **changes)


def files(category: str = "service", **changes: Any) -> list[AttachmentFacts]:
    """Every mandatory attachment, clean; `changes` apply to each."""
    return [
        AttachmentFacts(
            **(
                {"kind": kind, "state": "clean", "content_type": "application/pdf", "size": 1, "pages": 2}
                | changes
            )
        )
        for kind in CALL.category(category).mandatory_attachments
    ]


def findings(
    content: Draft,
    attached: list[AttachmentFacts] | None = None,
    endorsed: tuple[str, ...] = ("klinikksjef",),
) -> list[Finding]:
    """What the formal rules of the real call say."""
    attached = files(content.category) if attached is None else attached
    faults = form_faults(CALL.category(content.category).form, content.form)
    return judge(CALL, content, faults, attached, frozenset(endorsed))


def found(*args: Any, **kwargs: Any) -> list[tuple[str, str]]:
    """The same as (rule, field)."""
    return [(finding.rule, finding.fault.field) for finding in findings(*args, **kwargs)]
