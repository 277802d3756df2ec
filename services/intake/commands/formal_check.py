"""The formal check (X06 to X11): judged by rule once per version, and a rejection confirmed by a person."""

from uuid import UUID

from pydantic import JsonValue

from services.common.auth import Caller
from services.common.db import Connection, now
from services.common.errors import NotFound, Refused, StepOutOfOrder
from services.common.record import Actor, Fact, record
from services.intake.commands.access import lock_for
from services.intake.commands.checking import as_json, findings_of
from services.intake.commands.undoing import require_in_window, undo_ending
from services.intake.domain.instants import complaint_until
from services.intake.domain.states import Action, State, move
from services.intake.events import ApplicationRejected, FormalCheckPassed, RejectionProposed, RejectionUndone
from services.intake.policy import Act
from services.intake.store import applications, attachments, calls, status, submissions


class NotYetScanned(Exception):
    """An attachment of the version has not been scanned: the check waits, and is tried again."""


class VersionSuperseded(Refused):
    """The applicant has submitted another version since."""


async def run_formal_check(conn: Connection, application_id: UUID, version: int, actor: Actor) -> None:
    """Judge the version: passed, or a rejection proposed. Once per version; does nothing where the case moved
    on.

    NotYetScanned while the scanner has not seen every attachment: an infected file must never pass.
    """
    application = await applications.lock(conn, application_id)
    if application is None:
        raise NotFound()
    if application.version != version or application.state is not State.SUBMITTED:
        return
    if await submissions.formal_check(conn, application_id, version) is not None:
        return
    submission = await submissions.get(conn, application_id, version)
    assert submission is not None
    files = await attachments.of_version(conn, application_id, version)
    if any(file.state == "verified" for file in files):
        raise NotYetScanned
    call = await calls.require(conn, application.call_id)
    # The leaders' word as it stood at the submission; the rest of a submitted version cannot have changed.
    endorsed = frozenset(submission.content["endorsed"])
    findings = findings_of(call.definition, application, files, endorsed)
    rules = sorted({finding.rule for finding in findings})
    await submissions.insert_formal_check(
        conn, application_id, version, "proposed" if rules else "passed", rules, as_json(findings)
    )
    event: Fact
    if rules:
        event = RejectionProposed(
            application_id=application_id, call_id=application.call_id, version=version, rules=rules
        )
        action = "formal_check.rejection_proposed"
        await status.happened(
            conn, application_id, "formal_check_findings", version=version, rules=list(rules)
        )
    else:
        event = FormalCheckPassed(
            application_id=application_id, call_id=application.call_id, version=version, decided_by=None
        )
        action = "formal_check.passed"
        await status.happened(conn, application_id, "formal_check_passed", version=version)
    body: dict[str, JsonValue] = {
        "version": version,
        "rules": list(rules),
        "call_version": call.definition.version,
    }
    await record(conn, key=str(application_id), actor=actor, action=action, body=body, events=[event])


async def decide_rejection(
    conn: Connection, caller: Caller, application_id: UUID, version: int, confirmed: bool, reason: str
) -> str:
    """An adviser confirms the proposed rejection, or finds that the version holds after all; returns the
    state. `version` is the one they read."""
    call, application = await lock_for(conn, caller, application_id, Act.CHECK)
    if version != application.version:
        raise VersionSuperseded(f"Version {application.version} is the newest.", version=application.version)
    check = await submissions.formal_check(conn, application_id, application.version)
    if check is None or check.state != "proposed" or application.state is not State.SUBMITTED:
        raise StepOutOfOrder("No rejection waits to be confirmed.", state=application.state.value)
    event: Fact
    if confirmed:
        until = complaint_until(call.definition, await now(conn))
        after = move(application.state, Action.REJECT)
        await applications.enter_state(conn, application, Action.REJECT, after, caller.actor)
        await submissions.decide_formal_check(
            conn, application_id, check.version, "rejected", caller.person_id, reason, until
        )
        await status.reach_outcome(conn, application_id, "rejected")
        await status.happened(
            conn, application_id, "rejected", rules=list(check.rules), version=check.version
        )
        event = ApplicationRejected(
            application_id=application_id,
            call_id=application.call_id,
            version=check.version,
            rules=check.rules,
            decided_by=caller.person_id,
            undo_until=until,
        )
        action = "application.rejected"
    else:
        after = application.state
        await submissions.decide_formal_check(
            conn, application_id, check.version, "passed", caller.person_id, reason, None
        )
        await status.happened(conn, application_id, "formal_check_passed", version=check.version)
        event = FormalCheckPassed(
            application_id=application_id,
            call_id=application.call_id,
            version=check.version,
            decided_by=caller.person_id,
        )
        action = "formal_check.passed"
    body: dict[str, JsonValue] = {"version": check.version, "rules": list(check.rules), "reason": reason}
    await record(conn, key=str(application_id), actor=caller.actor, action=action, body=body, events=[event])
    return after.value


async def undo_rejection(conn: Connection, caller: Caller, application_id: UUID) -> str:
    """Take back a rejection that was a mistake, as long as one may complain about it; the version counts as
    passed."""
    call, application = await lock_for(conn, caller, application_id, Act.CHECK, hold_call=True)
    after = move(application.state, Action.UNDO_REJECTION)
    check = await submissions.formal_check(conn, application_id, application.version)
    assert check is not None
    assert check.undo_until is not None
    await require_in_window(conn, check.undo_until)
    await undo_ending(conn, call, application, Action.UNDO_REJECTION, after, caller.actor, outcome="rejected")
    await submissions.decide_formal_check(
        conn, application_id, check.version, "undone", caller.person_id, check.reason or "", check.undo_until
    )
    undone = RejectionUndone(
        application_id=application_id,
        call_id=application.call_id,
        version=check.version,
        decided_by=caller.person_id,
        state=after.value,
    )
    await record(
        conn,
        key=str(application_id),
        actor=caller.actor,
        action="application.rejection_undone",
        body={"version": check.version},
        events=[undone],
    )
    return after.value
