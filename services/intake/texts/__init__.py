"""Words for people in bokmål, nynorsk and English."""

from services.intake.domain.rules import Finding
from services.intake.texts.remedies import REMEDIES
from services.intake.texts.stages import STAGES
from services.intake.texts.timeline import HAPPENED

__all__ = ["HAPPENED", "LANGUAGES", "REMEDIES", "STAGES", "remedy"]

LANGUAGES = ("nb", "nn", "en")


def remedy(finding: Finding, language: str) -> str:
    """What the person can do about it, in their language."""
    return REMEDIES[finding.fault.remedy][language].format(**finding.fault.limits)
