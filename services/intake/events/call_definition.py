"""The call for applications as data: every rule the funder may change next year.

A call file (YAML or JSON) is validated by `CallDefinition.model_validate`; a mistake raises pydantic's
ValidationError, whose `loc` names the field. The whole definition travels in `CallPublished`, so that each
service reads the part it needs. It holds no personal data.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from services.intake.events.call_fields import (
    Address,
    Code,
    Count,
    Json,
    Kroner,
    Moment,
    Part,
    Percent,
    Recipient,
    Text,
    TimeRule,
)


class Criterion(Part):
    code: Code
    name: Text


class Scale(Part):
    lowest: int
    highest: int
    threshold: float
    """Each criterion's average must be strictly above this."""

    @model_validator(mode="after")
    def _goes_up(self) -> Self:
        if not self.lowest < self.highest:
            raise ValueError("lowest: must be below highest")
        if not self.lowest <= self.threshold <= self.highest:
            raise ValueError("threshold: must lie on the scale")
        return self


class AttachmentKind(Part):
    code: Code
    name: Text
    content_types: tuple[str, ...]
    max_bytes: Annotated[Count, Field(ge=1)]
    max_pages: Annotated[Count, Field(ge=1)] | None = None


class Category(Part):
    code: Code
    name: Text
    panel: Code
    max_amount: Kroner
    """X08."""
    own_share_percent: Percent
    """Of the total budget; 0 where none is asked."""
    priority_areas_apply: bool
    """X20: not for product innovation."""
    mandatory_attachments: tuple[Code, ...]
    """Codes of attachment kinds (X09)."""
    criteria: tuple[Code, ...]
    form: Json
    """JSON Schema 2020-12 of the draft's `form`."""
    form_hints: Json = Field(default_factory=dict)


class Panel(Part):
    code: Code
    name: Text
    pot: Kroner
    reserve_size: Count
    quorum: Annotated[Count, Field(ge=1)]
    quorum_user_representatives: Count
    pitch: bool = False


class Organisation(Part):
    code: Annotated[str, Field(pattern=r"^[A-Z]+$", max_length=40)]
    name: str
    role: Literal["applicant", "consulted", "funder"]
    internal_deadline: TimeRule | None = None
    """X13; its base is the common deadline."""
    endorsement_chain: tuple[str, ...] = ()
    """Positions that sign, in order (X31)."""
    lead_mailbox: Address | None = None


class Consultation(Part):
    organisation: str
    condition: Literal["touches", "category"]
    """`touches`: the form's list `touches` names the organisation; `category`: the case is in
    `categories`."""
    categories: tuple[Code, ...] = ()
    late_answer: Literal["wait", "go_on"] = "wait"


class FormalRule(Part):
    id: Annotated[str, Field(min_length=1, max_length=10)]
    enforcement: Literal["refuse", "finding"]
    text: Text


class LadderStep(Part):
    kind: Literal["reminder", "escalation"]
    at: TimeRule
    """Its base is the due instant; negative is before it."""
    to: tuple[Recipient, ...] = ("audience",)


class TaskRule(Part):
    due: TimeRule
    ladder: tuple[LadderStep, ...] = ()
    may_pause: bool = False
    """Whether a question stops its clock; never where funding says when it is due: there is one deadline."""


DUE_BY_FUNDING = frozenset(
    {"accept_award", "confirm_start", "yearly_report", "final_report", "register_invoices"}
)


class Mailbox(Part):
    """A role mailbox of the contact list (L09)."""

    topic: Text
    address: Address


class Times(Part):
    """Durations and instants of the call that are no task's due time."""

    closing_grace: TimeRule
    draft_warnings: Annotated[tuple[TimeRule, ...], Field(max_length=20)]
    """Before the deadline (base: the deadline)."""
    straggler: TimeRule
    """After the deadline: when the round starts although cases are missing."""
    straggler_policy: Literal["wait", "go_on"]
    cure_window: TimeRule | None = None
    undo_window: TimeRule
    """From a withdrawal."""
    accept_award: TimeRule
    acceptance_lapse: TimeRule
    """After the acceptance's due instant: when the loss is proposed."""
    start_base: Literal["decision", "letter", "publication"]
    start_window: TimeRule
    """X18: start at the latest this long after the base event."""
    start_lapse: TimeRule
    """After the start's due instant: when the loss is proposed."""
    start_extension: TimeRule
    """The longest extension that may be granted, from the due instant it moves."""
    kickoff: TimeRule
    first_report_ask: TimeRule
    """From the confirmed start (X25)."""
    report_due: TimeRule
    """From the instant a report is asked for."""
    next_report_ask: TimeRule
    """From the last report's due instant."""
    report_mend: TimeRule
    """From the instant a report is returned."""
    project_length: TimeRule
    """From the confirmed start to the project's end, unless a change moves it."""
    final_report_due: TimeRule
    """From the project's end."""
    invoicing: TimeRule
    """From the project's end: until when the trust may invoice."""
    complaint_window: TimeRule
    """From the letter, or from a rejection."""
    reserve_validity: TimeRule
    """From the letter: how long a place on the reserve list can still move up."""


class CallDefinition(Part):
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]
    version: Annotated[Count, Field(ge=1)] = 1
    title: Text
    funder: str
    opens_at: Moment
    deadline: Moment
    calendar: Literal["norwegian", "continuous"]
    scale: Scale
    max_awards_per_project: Annotated[Count, Field(ge=1)]
    min_employment_percent: Percent
    criteria: tuple[Criterion, ...]
    tie_criteria: tuple[Code, ...] = ()
    """Between cases of equal mean: after a hit on a priority area, the averages of these decide, in order."""
    priority_areas: dict[str, Text]
    patient_groups: dict[str, Text]
    budget_lines: dict[str, Text]
    attachment_kinds: tuple[AttachmentKind, ...]
    categories: tuple[Category, ...]
    panels: tuple[Panel, ...]
    organisations: tuple[Organisation, ...]
    consultations: tuple[Consultation, ...]
    formal_rules: tuple[FormalRule, ...]
    mailboxes: tuple[Mailbox, ...]
    tasks: dict[Code, TaskRule]
    """By task kind; see workflows/contracts/tasks.py for the kinds."""
    times: Times
    guidance: Text

    def category(self, code: str) -> Category:
        return next(each for each in self.categories if each.code == code)

    def panel(self, code: str) -> Panel:
        return next(each for each in self.panels if each.code == code)

    def organisation(self, code: str) -> Organisation:
        return next(each for each in self.organisations if each.code == code)

    @field_validator("criteria", "attachment_kinds", "categories", "panels", "organisations", "formal_rules")
    @classmethod
    def _names_each_once(cls, parts: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [part.id if isinstance(part, FormalRule) else part.code for part in parts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)}: name each only once")
        return parts

    @field_validator("tasks")
    @classmethod
    def _keeps_one_deadline(cls, tasks: dict[str, TaskRule]) -> dict[str, TaskRule]:
        wrong = sorted(kind for kind in DUE_BY_FUNDING & tasks.keys() if tasks[kind].may_pause)
        if wrong:
            raise ValueError(f"{wrong[0]}.may_pause: must be false, a question does not move this deadline")
        return tasks

    @model_validator(mode="after")
    def _refers_only_to_what_it_defines(self) -> Self:
        panels = {panel.code for panel in self.panels}
        criteria = {criterion.code for criterion in self.criteria}
        kinds = {kind.code for kind in self.attachment_kinds}
        organisations = {organisation.code for organisation in self.organisations}
        categories = {category.code for category in self.categories}
        for code in self.tie_criteria:
            _require(code in criteria, f"tie_criteria: {code}")
        for category in self.categories:
            _require(category.panel in panels, f"categories.{category.code}.panel: {category.panel}")
            for code in category.criteria:
                _require(code in criteria, f"categories.{category.code}.criteria: {code}")
            for code in category.mandatory_attachments:
                _require(code in kinds, f"categories.{category.code}.mandatory_attachments: {code}")
        for consultation in self.consultations:
            _require(
                consultation.organisation in organisations, f"consultations: {consultation.organisation}"
            )
            for code in consultation.categories:
                _require(code in categories, f"consultations.{consultation.organisation}.categories: {code}")
        _require(self.opens_at < self.deadline, "deadline: must be after opens_at")
        return self


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} is not defined in this call")
