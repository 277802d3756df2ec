"""Activities of intake, as workflows call them (task queue `intake`)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from temporalio import activity


@dataclass(frozen=True)
class CaseVersion:
    application_id: UUID
    version: int


@dataclass(frozen=True)
class Stage:
    """Where the case stands, for the applicant: a code from intake's STAGES, who acts next, and when."""

    application_id: UUID
    stage: str
    owner: str
    """holder | hf:<org> | <consulted org> | rhf | committee | nobody"""
    expected_at: datetime | None


@dataclass(frozen=True)
class DraftWarning:
    call_id: str
    n: int


@activity.defn(name="intake.run_formal_check")
async def run_formal_check(version: CaseVersion) -> None:
    """Judge the version by the call's rules: formal-check-passed or rejection-proposed. Once per version."""
    ...


@activity.defn(name="intake.enter_stage")
async def enter_stage(stage: Stage) -> None:
    """Write the step, its owner and the expected date to the applicant's status. Idempotent by stage."""
    ...


@activity.defn(name="intake.warn_drafts")
async def warn_drafts(warning: DraftWarning) -> None:
    """Warn the holders of unsubmitted drafts for the n-th time. Once per draft and n."""
    ...


@activity.defn(name="intake.close_call")
async def close_call(call_id: str) -> None:
    """Close the call: expire returned cases, say which applications are alive, and close the drafts. Once per
    call; refuses before the closing instant (non-retryable `NotYetClosing`)."""
    ...
