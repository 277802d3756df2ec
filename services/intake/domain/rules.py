"""The formal rules X06 to X10: what is wrong with an application, by rule, field, value and remedy.

The live check, the submission and the formal check all ask `judge`, so that they can never disagree.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from services.intake.domain.budget import Budget, least_own_share, own_share_percent
from services.intake.events.call_definition import CallDefinition, Category


@dataclass(frozen=True)
class Draft:
    """The content of an application as its holder sees it."""

    category: str
    organisation: str
    title: str = ""
    statement: str = ""
    form: Mapping[str, JsonValue] = dataclasses.field(default_factory=dict)
    budget: Budget = dataclasses.field(default_factory=Budget)
    priority_areas: Sequence[str] = ()
    patient_groups: Sequence[str] = ()
    touches: Sequence[str] = ()
    leader_employment_percent: int | None = None
    earlier_awards: int | None = None


@dataclass(frozen=True)
class AttachmentFacts:
    """One attachment that is not deleted; `pages` is None until it was inspected, `reason` says why it was
    refused."""

    kind: str
    state: str
    content_type: str
    size: int
    pages: int | None = None
    reason: str | None = None

    @property
    def counts(self) -> bool:
        return self.state in ("verified", "clean")


@dataclass(frozen=True)
class Fault:
    """Something wrong; `remedy` is a code of texts.REMEDIES, `limits` what its text needs."""

    rule: str
    field: str
    value: JsonValue
    remedy: str
    limits: Mapping[str, str | int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A fault together with what the call says happens: refuse or finding."""

    fault: Fault
    enforcement: str

    @property
    def rule(self) -> str:
        return self.fault.rule


def judge(
    call: CallDefinition,
    draft: Draft,
    form_faults: Sequence[Fault],
    attachments: Sequence[AttachmentFacts],
    endorsed: frozenset[str],
) -> list[Finding]:
    """Every fault under the rules that this call has, ordered by rule and field.

    `endorsed`: the positions whose endorsement stands. A rule the call does not name is not applied.
    """
    category = call.category(draft.category)
    enforcement = {rule.id: rule.enforcement for rule in call.formal_rules}
    faults = [
        *_guidance(call, category, draft),
        *_form(call, draft),
        *form_faults,
        *_amount(category, draft),
        *_attachments(category, attachments),
        *_endorsements(call, draft, endorsed),
        *_format(call, attachments),
    ]
    found = [Finding(fault, enforcement[fault.rule]) for fault in faults if fault.rule in enforcement]
    return sorted(found, key=lambda finding: (finding.rule, finding.fault.field))


def refusals(findings: Sequence[Finding]) -> list[Finding]:
    """Those that no acknowledgement heals."""
    return [finding for finding in findings if finding.enforcement == "refuse"]


def to_acknowledge(findings: Sequence[Finding]) -> list[str]:
    """Ids of the rules that a submission has to name, sorted, each once."""
    return sorted({finding.rule for finding in findings if finding.enforcement == "finding"})


def _guidance(call: CallDefinition, category: Category, draft: Draft) -> Iterator[Fault]:
    budget, percent = draft.budget, category.own_share_percent
    least = least_own_share(budget.total, percent)
    if budget.own_share < least:
        limits: dict[str, str | int] = {
            "least": least,
            "percent": percent,
            "is_percent": str(own_share_percent(budget)),
        }
        yield Fault("X06", "budget.own_share", budget.own_share, "own_share_too_small", limits)
    employed = draft.leader_employment_percent
    if employed is not None and employed < call.min_employment_percent:
        limits = {"least": call.min_employment_percent}
        yield Fault("X06", "leader_employment_percent", employed, "employment_too_small", limits)
    if draft.earlier_awards is not None and draft.earlier_awards >= call.max_awards_per_project:
        limits = {"most": call.max_awards_per_project}
        yield Fault("X06", "earlier_awards", draft.earlier_awards, "too_many_awards", limits)
    if draft.priority_areas and not category.priority_areas_apply:
        yield Fault("X06", "priority_areas", list(draft.priority_areas), "areas_do_not_apply")


def _form(call: CallDefinition, draft: Draft) -> Iterator[Fault]:
    budget = draft.budget
    for name, text in (("title", draft.title), ("statement", draft.statement)):
        if not text.strip():
            yield Fault("X07", name, text, "required")
    for name, number in (
        ("leader_employment_percent", draft.leader_employment_percent),
        ("earlier_awards", draft.earlier_awards),
    ):
        if number is None:
            yield Fault("X07", name, None, "required")
    if budget.total == 0:
        yield Fault("X07", "budget.lines", dict(budget.lines), "required")
    elif not budget.is_covered:
        limits = {"total": budget.total, "paid": budget.own_share + budget.applied_amount}
        yield Fault("X07", "budget", budget.total, "budget_not_covered", limits)
    if budget.applied_amount == 0:
        yield Fault("X07", "budget.applied_amount", 0, "required")
    yield from unknown_codes(call, draft)


def unknown_codes(call: CallDefinition, draft: Draft) -> Iterator[Fault]:
    """Codes the call does not have; also refused when a draft is saved."""
    consulted = [each.code for each in call.organisations if each.role == "consulted"]
    for name, used, known in (
        ("budget.lines", draft.budget.lines, call.budget_lines),
        ("priority_areas", draft.priority_areas, call.priority_areas),
        ("patient_groups", draft.patient_groups, call.patient_groups),
        ("touches", draft.touches, consulted),
    ):
        for code in used:
            if code not in known:
                yield Fault("X07", name, code, "unknown_code", {"known": ", ".join(known)})


def _amount(category: Category, draft: Draft) -> Iterator[Fault]:
    if draft.budget.applied_amount > category.max_amount:
        limits = {"most": category.max_amount}
        yield Fault("X08", "budget.applied_amount", draft.budget.applied_amount, "amount_too_large", limits)


def _attachments(category: Category, attachments: Sequence[AttachmentFacts]) -> Iterator[Fault]:
    for kind in category.mandatory_attachments:
        of_kind = [each for each in attachments if each.kind == kind]
        if any(each.counts for each in of_kind):
            continue
        refused = next((each for each in of_kind if each.state == "refused"), None)
        if refused is not None:
            yield Fault("X09", f"attachments.{kind}", refused.reason, f"refused_{refused.reason}")
        elif of_kind:
            yield Fault("X09", f"attachments.{kind}", "uploading", "upload_not_confirmed")
        else:
            yield Fault("X09", f"attachments.{kind}", None, "attachment_missing")
    for each in attachments:
        if each.state == "refused" and each.kind not in category.mandatory_attachments:
            yield Fault("X09", f"attachments.{each.kind}", each.reason, f"refused_{each.reason}")


def _endorsements(call: CallDefinition, draft: Draft, endorsed: frozenset[str]) -> Iterator[Fault]:
    for position in call.organisation(draft.organisation).endorsement_chain:
        if position not in endorsed:
            yield Fault(
                "X09", f"endorsements.{position}", None, "endorsement_missing", {"position": position}
            )


def _format(call: CallDefinition, attachments: Sequence[AttachmentFacts]) -> Iterator[Fault]:
    kinds = {kind.code: kind for kind in call.attachment_kinds}
    for each in attachments:
        kind = kinds.get(each.kind)
        if kind is None or not each.counts:
            continue
        name = f"attachments.{each.kind}"
        if kind.max_pages is not None and each.pages is not None and each.pages > kind.max_pages:
            yield Fault("X10", name, each.pages, "too_many_pages", {"most": kind.max_pages})
        if each.size > kind.max_bytes:
            yield Fault("X10", name, each.size, "file_too_large", {"most": kind.max_bytes})
        if each.content_type not in kind.content_types:
            limits = {"known": ", ".join(kind.content_types)}
            yield Fault("X10", name, each.content_type, "wrong_file_type", limits)
