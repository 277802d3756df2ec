"""The live check, the submission and its receipt."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, JsonValue

from services.common.db import Connection
from services.common.errors import NotFound
from services.common.http import ArrivedDep, Body, DatabaseDep, IfMatchDep, arrived_at, etag
from services.common.idempotency import once
from services.intake.api.caller import Guarded, KnownCaller, language_of
from services.intake.commands import submission as commands
from services.intake.commands.access import read_content, read_for
from services.intake.commands.checking import as_members, check
from services.intake.domain.rules import refusals, to_acknowledge
from services.intake.policy import Act
from services.intake.store import applications, calls, submissions

router = APIRouter(prefix="/v1/applications/{application_id}", tags=["submission"], dependencies=Guarded)


class FindingView(BaseModel):
    """`enforcement`: refuse (must be mended) or finding (may be acknowledged)."""

    rule: str
    field: str
    value: JsonValue
    remedy: str
    enforcement: str


class LiveCheck(BaseModel):
    """`accept_findings` is what a submission at this moment has to name; `ready`: nothing would refuse it."""

    findings: list[FindingView]
    accept_findings: list[str]
    ready: bool


class Submission(Body):
    """The findings the applicant knows of, by rule id, exactly as the live check names them."""

    accept_findings: list[Annotated[str, Field(max_length=10)]] = Field(default=[], max_length=20)


class FileReceipt(BaseModel):
    kind: str
    filename: str
    size: int
    sha256: str


class Receipt(BaseModel):
    """What was received, and when it reached us."""

    application_id: UUID
    call_id: str
    case_number: str
    version: int
    revision: int
    submitted_at: datetime
    deadline: datetime
    title: str
    category: str
    organisation: str
    applied_amount: int
    attachments: list[FileReceipt]
    accepted_findings: list[str]
    after_internal_deadline: bool
    sha256: str
    """of the frozen content"""


@router.get("/check")
async def live_check(application_id: UUID, caller: KnownCaller, database: DatabaseDep) -> LiveCheck:
    """What is missing or wrong now, by rule."""
    async with database.transaction() as conn:
        read = await read_content(conn, caller, application_id)
        call = await calls.require(conn, read.application.call_id)
        findings = await check(conn, call.definition, read)
        language = await language_of(conn, caller)
    return LiveCheck(
        findings=[FindingView(**member) for member in as_members(findings, language)],
        accept_findings=to_acknowledge(findings),
        ready=not refusals(findings),
    )


@router.post("/submission", status_code=201, response_model=Receipt)
async def submit_application(
    application_id: UUID,
    body: Submission,
    request: Request,
    caller: KnownCaller,
    database: DatabaseDep,
    arrival: ArrivedDep,
    version: IfMatchDep,
) -> Response:
    """Submit, or submit again after a return. The receipt is committed before it is given."""

    async def run(conn: Connection) -> Receipt:
        at = await arrived_at(conn, arrival)
        received = await commands.submit_application(
            conn, caller, application_id, version, at, body.accept_findings
        )
        return await _receipt(conn, application_id, received)

    return await once(
        request, caller, database, run, headers=lambda receipt: {"ETag": etag(receipt.revision)}
    )


@router.get("/receipt")
async def get_receipt(application_id: UUID, caller: KnownCaller, database: DatabaseDep) -> Receipt:
    """The receipt of the newest version."""
    async with database.transaction() as conn:
        application = await read_for(conn, caller, application_id, Act.FOLLOW)
        if application.version == 0:
            raise NotFound()
        return await _receipt(conn, application_id, application.version)


async def _receipt(conn: Connection, application_id: UUID, version: int) -> Receipt:
    application = await applications.get(conn, application_id)
    submission = await submissions.get(conn, application_id, version)
    assert application is not None
    assert submission is not None
    content = submission.content
    return Receipt(
        application_id=application_id,
        call_id=application.call_id,
        case_number=application.case_number or "",
        version=version,
        revision=application.revision,
        submitted_at=submission.submitted_at,
        deadline=submission.deadline,
        title=content["title"],
        category=content["category"],
        organisation=content["organisation"],
        applied_amount=content["budget"]["applied_amount"],
        attachments=[
            FileReceipt(**{k: v for k, v in file.items() if k != "id"}) for file in content["attachments"]
        ],
        accepted_findings=submission.accepted,
        after_internal_deadline=application.after_internal_deadline,
        sha256=content["sha256"],
    )
