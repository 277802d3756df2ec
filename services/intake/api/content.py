"""The content of an application as JSON: what a holder may write, and how it is read."""

from typing import Annotated, Any

from pydantic import Field, JsonValue, ValidationError

from services.common.errors import FieldError, Invalid
from services.common.http import Body, merge_patch
from services.common.problems import from_validation
from services.intake.domain.budget import Budget
from services.intake.domain.rules import Draft

Amount = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
Code = Annotated[str, Field(max_length=60)]


class BudgetContent(Body):
    """Whole NOK."""

    lines: dict[Code, Amount] = Field(default={}, max_length=50)
    own_share: Amount = 0
    applied_amount: Amount = 0


class Content(Body):
    """What the holder writes. `form` follows the JSON Schema of the category; `statement` may be
    published."""

    title: Annotated[str, Field(max_length=300)] = ""
    statement: Annotated[str, Field(max_length=2000)] = ""
    form: dict[str, JsonValue] = Field(default={})
    budget: BudgetContent = BudgetContent()
    priority_areas: list[Code] = Field(default=[], max_length=50)
    patient_groups: list[Code] = Field(default=[], max_length=50)
    touches: list[Code] = Field(default=[], max_length=50)
    leader_employment_percent: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    earlier_awards: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None

    @classmethod
    def of(cls, draft: Draft) -> "Content":
        return cls(
            title=draft.title,
            statement=draft.statement,
            form=dict(draft.form),
            budget=BudgetContent(
                lines=dict(draft.budget.lines),
                own_share=draft.budget.own_share,
                applied_amount=draft.budget.applied_amount,
            ),
            priority_areas=list(draft.priority_areas),
            patient_groups=list(draft.patient_groups),
            touches=list(draft.touches),
            leader_employment_percent=draft.leader_employment_percent,
            earlier_awards=draft.earlier_awards,
        )

    def draft(self, category: str, organisation: str) -> Draft:
        return Draft(
            category=category,
            organisation=organisation,
            title=self.title,
            statement=self.statement,
            form=self.form,
            budget=Budget(self.budget.lines, self.budget.own_share, self.budget.applied_amount),
            priority_areas=list(dict.fromkeys(self.priority_areas)),
            patient_groups=list(dict.fromkeys(self.patient_groups)),
            touches=list(dict.fromkeys(self.touches)),
            leader_employment_percent=self.leader_employment_percent,
            earlier_awards=self.earlier_awards,
        )


def patched(before: Draft, patch: dict[str, Any]) -> Draft:
    """The content after a merge patch. Invalid names each field that is wrong; a null gives the field its
    default."""
    unknown = [name for name in patch if name not in Content.model_fields]
    if unknown:
        # Also with a null, which would otherwise remove what is not there and seem to have worked.
        errors = [FieldError(name[:100], None, "remove this field: it is not known here") for name in unknown]
        raise Invalid(", ".join(error.field for error in errors), errors=errors)
    merged = merge_patch(Content.of(before).model_dump(mode="json"), patch)
    try:
        return Content.model_validate(merged).draft(before.category, before.organisation)
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False)) from error
