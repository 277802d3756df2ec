"""Submission: one transaction freezes the version, records the findings and emits the fact."""

import hashlib
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from services.common.auth import Caller
from services.common.calendar import OSLO
from services.common.db import Connection
from services.common.errors import FieldError, Refused, Unavailable
from services.common.failpoints import failpoint
from services.common.record import Fact, record
from services.intake.commands.access import lock_for, require_open, require_revision
from services.intake.commands.checking import (
    as_errors,
    as_json,
    as_members,
    findings_of,
    standing_endorsements,
)
from services.intake.commands.endorsements import release_asked
from services.intake.domain.instants import internal_deadline
from services.intake.domain.rules import Draft, Finding, refusals, to_acknowledge
from services.intake.domain.states import Action, move
from services.intake.events import ApplicationSubmitted
from services.intake.events.call_definition import CallDefinition
from services.intake.policy import Act
from services.intake.store import applications, attachments, calls, people, status, submissions
from services.intake.store.attachments import Attachment


class SubmissionRefused(Refused):
    """The application cannot be submitted as it is."""

    status = 422


class FindingsNotAcknowledged(Refused):
    """The application has findings that you must acknowledge, or mend."""

    status = 422


async def submit_application(
    conn: Connection,
    caller: Caller,
    application_id: UUID,
    revision: int,
    arrived_at: datetime,
    accept_findings: list[str],
) -> int:
    """Receive the application as its next version; returns that version.

    `arrived_at` decides about the deadline: when the request reached us, not when we are done with it. Rules
    the call
    enforces by refusal give SubmissionRefused; the others must be named in `accept_findings`, exactly.
    """
    call, application = await lock_for(conn, caller, application_id, Act.OWN, hold_call=True)
    after = move(application.state, Action.SUBMIT)
    require_open(call, arrived_at)
    if call.closed_at is not None:
        # It came in time, but took longer than the grace that the call gives its last requests.
        raise Unavailable("The call closed while your submission was being received.")
    require_revision(application, revision)
    definition, content = call.definition, application.content
    files = await attachments.of_application(conn, application_id)
    endorsed = await standing_endorsements(conn, definition, application)
    findings = findings_of(definition, application, files, endorsed)
    await _require_acceptable(conn, caller, findings, accept_findings)

    version = application.version + 1
    case_number = application.case_number
    if case_number is None:
        case_number = await calls.next_case_number(conn, call.deadline.astimezone(OSLO).year)
    if version == 1:
        own = internal_deadline(definition, application.organisation, call.deadline)
        late = own is not None and arrived_at > own
    else:
        late = application.after_internal_deadline
    touches = organisations_to_consult(definition, content)
    await applications.enter_state(conn, application, Action.SUBMIT, after, caller.actor)
    await applications.enter_version(
        conn,
        application_id,
        version=version,
        case_number=case_number,
        submitted_at=arrived_at,
        after_internal_deadline=late,
        consulted=touches,
    )
    await submissions.insert(
        conn,
        application_id,
        version,
        submitted_at=arrived_at,
        deadline=call.deadline,
        submitted_by=caller.person_id,
        revision=revision,
        call_version=definition.version,
        content=frozen(content, files, endorsed),
        attachment_ids=[file.id for file in files if file.facts.counts],
        findings=as_json(findings),
        accepted=to_acknowledge(findings),
    )
    code = "submitted" if version == 1 else "resubmitted"
    await status.happened(conn, application_id, code, arrived_at, version=version)
    # A leader who has not answered need not any more: what is missing has been acknowledged.
    events: list[Fact] = await release_asked(conn, application)
    submitted = ApplicationSubmitted(
        application_id=application_id,
        call_id=call.id,
        version=version,
        case_number=case_number,
        submitted_at=arrived_at,
        category=content.category,
        panel=definition.category(content.category).panel,
        organisation=content.organisation,
        title=content.title,
        holder_id=application.holder_id,
        editor_ids=await applications.editors(conn, application_id),
        amount=content.budget.applied_amount,
        total_budget=content.budget.total,
        priority_areas=list(content.priority_areas),
        patient_groups=list(content.patient_groups),
        touches=touches,
        findings=to_acknowledge(findings),
        after_internal_deadline=late,
        statement=content.statement,
    )
    body: dict[str, JsonValue] = {
        "version": version,
        "case_number": case_number,
        "findings": list(to_acknowledge(findings)),
    }
    failpoint("intake.before_submission_recorded")
    await record(
        conn,
        key=str(application_id),
        actor=caller.actor,
        action="application.submitted",
        body=body,
        events=[*events, submitted],
    )
    return version


async def _require_acceptable(
    conn: Connection, caller: Caller, findings: list[Finding], accepted: list[str]
) -> None:
    refused = refusals(findings)
    needed = to_acknowledge(findings)
    if not refused and sorted(set(accepted)) == needed:
        return
    person = await people.get(conn, caller.person_id)
    language = person.language if person else "nb"
    members: list[JsonValue] = list(as_members(findings, language))
    if refused:
        raise SubmissionRefused(
            ", ".join(sorted({finding.rule for finding in refused})),
            errors=as_errors(findings, language),
            findings=members,
        )
    remedy = (
        f"name exactly these rules: {', '.join(needed)}" if needed else "name no rule: there are no findings"
    )
    raise FindingsNotAcknowledged(
        ", ".join(needed),
        errors=[FieldError("accept_findings", list(accepted), remedy)],
        findings=members,
    )


def organisations_to_consult(definition: CallDefinition, content: Draft) -> list[str]:
    """Who is asked about this application: those its form says it touches, and those its category always
    asks."""
    return [
        rule.organisation
        for rule in definition.consultations
        if (rule.condition == "touches" and rule.organisation in content.touches)
        or (rule.condition == "category" and content.category in rule.categories)
    ]


def frozen(content: Draft, files: list[Attachment], endorsed: frozenset[str]) -> dict[str, Any]:
    """The version as it is kept: content, files by hash, endorsements, and a hash over all of it."""
    kept: dict[str, Any] = {
        "category": content.category,
        "organisation": content.organisation,
        "title": content.title,
        "statement": content.statement,
        "form": dict(content.form),
        "budget": {
            "lines": dict(content.budget.lines),
            "own_share": content.budget.own_share,
            "applied_amount": content.budget.applied_amount,
            "total": content.budget.total,
        },
        "priority_areas": list(content.priority_areas),
        "patient_groups": list(content.patient_groups),
        "touches": list(content.touches),
        "leader_employment_percent": content.leader_employment_percent,
        "earlier_awards": content.earlier_awards,
        "attachments": [
            {
                "id": str(file.id),
                "kind": file.kind,
                "filename": file.filename,
                "size": file.size,
                "sha256": file.sha256,
            }
            for file in files
            if file.facts.counts
        ],
        "endorsed": sorted(endorsed),
    }
    text = json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return kept | {"sha256": hashlib.sha256(text.encode()).hexdigest()}
