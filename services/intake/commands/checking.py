"""What is wrong with an application as it stands: the one answer behind live check, submission and formal
check."""

from collections.abc import Sequence
from typing import Any

from services.common.db import Connection
from services.common.errors import FieldError
from services.intake.commands.access import Reading
from services.intake.domain.endorsement import covered
from services.intake.domain.rules import Finding, judge
from services.intake.events.call_definition import CallDefinition
from services.intake.forms import form_faults
from services.intake.store import attachments, endorsements
from services.intake.store.applications import Application
from services.intake.store.attachments import Attachment
from services.intake.texts import remedy


async def standing_endorsements(
    conn: Connection, definition: CallDefinition, application: Application
) -> frozenset[str]:
    """Positions whose endorsement holds for the budget and plan as they are."""
    return await endorsements.standing(conn, application.id, covered(definition, application.content))


def findings_of(
    definition: CallDefinition,
    application: Application,
    files: Sequence[Attachment],
    endorsed: frozenset[str],
) -> list[Finding]:
    """Every finding under the rules of the call, form included."""
    category = definition.category(application.content.category)
    return judge(
        definition,
        application.content,
        form_faults(category.form, application.content.form),
        [file.facts for file in files],
        endorsed,
    )


async def check(conn: Connection, definition: CallDefinition, read: Reading) -> list[Finding]:
    """The live check: the same findings that a submission at this moment would meet."""
    files = await files_of(conn, read)
    if read.version is None:
        endorsed = await standing_endorsements(conn, definition, read.application)
    else:
        endorsed = frozenset(read.version.content["endorsed"])
    return findings_of(definition, read.application, files, endorsed)


async def files_of(conn: Connection, read: Reading) -> list[Attachment]:
    """The attachments that go with what is read."""
    if read.version is None:
        return await attachments.of_application(conn, read.application.id)
    return await attachments.of_version(conn, read.application.id, read.version.version)


def as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as they are stored with a version."""
    return [
        {
            "rule": finding.rule,
            "field": finding.fault.field,
            "value": finding.fault.value,
            "remedy": finding.fault.remedy,
            "limits": dict(finding.fault.limits),
            "enforcement": finding.enforcement,
        }
        for finding in findings
    ]


def as_members(findings: Sequence[Finding], language: str) -> list[dict[str, Any]]:
    """Findings as people read them: the live check's answer, and a member of a refused submission's
    problem."""
    return [
        {
            "rule": finding.rule,
            "field": finding.fault.field,
            "value": finding.fault.value,
            "remedy": remedy(finding, language),
            "enforcement": finding.enforcement,
        }
        for finding in findings
    ]


def as_errors(findings: Sequence[Finding], language: str) -> list[FieldError]:
    """Findings as the errors of a problem."""
    return [
        FieldError(finding.fault.field, finding.fault.value, remedy(finding, language))
        for finding in findings
    ]
