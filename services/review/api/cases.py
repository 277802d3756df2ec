"""A case as review knows it, and what is decided about it before its panel."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field

from services.common.auth import CallerDep
from services.common.db import Connection, now
from services.common.denials import noting_denials
from services.common.errors import NotFound
from services.common.http import ArrivedDep, Body, DatabaseDep, arrived_at
from services.common.idempotency import once
from services.review.api.case_views import (
    CaseTaskView,
    CaseView,
    ClarificationView,
    ConsultationView,
    PrescreeningView,
    WaitedView,
    WaiverView,
)
from services.review.api.inputs import Text
from services.review.api.reads import note_read
from services.review.commands import consultations, prescreening
from services.review.domain.tasks import Interval, TaskTime, waited, waited_in_all
from services.review.policy import Act, permit, standing
from services.review.store import cases as store
from services.review.store import clocks, decisions
from services.review.store import tasks as task_store

router = APIRouter(prefix="/v1", tags=["cases"])


OrganisationCode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,19}$")]


class PrescreeningBody(Body):
    """The trust's decision on the version that was read."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "outcome": "recommended",
                    "reason": "A clear need, and the clinic stands behind it.",
                }
            ]
        }
    )

    version: int
    outcome: Literal["recommended", "not_recommended", "returned"]
    reason: Text


class ConsultationBody(Body):
    """`adjust`: the activity plan must be adjusted, which becomes a condition of an award (X15)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"outcome": "adjust", "reason": "The plan must follow the deliveries of spring."}]
        }
    )

    outcome: Literal["covered", "adjust", "feasible"]
    reason: Text


class WaiverBody(Body):
    """Why the case goes on without the answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reason": "They have been asked three times, and the panel meets on Monday."}]
        }
    )

    reason: Text


@router.get("/cases/{application_id}", summary="The case, its decisions with reason and decider, its waits")
async def read_case(application_id: UUID, caller: CallerDep, database: DatabaseDep) -> CaseView:
    async with noting_denials(database, caller, "read_case", application_id), database.read() as conn:
        access = await store.access(conn, application_id, caller.person_id)
        permit(caller, Act.SEE_CASE, standing(caller, access))
        view = await _view(conn, application_id)
    assert access is not None
    await note_read(database, caller, "read_case", access)
    return view


@router.post(
    "/cases/{application_id}/prescreening",
    status_code=201,
    response_model=PrescreeningView,
    summary="Decide the trust's pre-screening",
)
async def decide_prescreening(
    application_id: UUID,
    body: PrescreeningBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    async def run(conn: Connection) -> PrescreeningView:
        access = await store.access(conn, application_id, caller.person_id)
        permit(caller, Act.PRESCREEN, standing(caller, access))
        decision = prescreening.DecidePrescreening(
            application_id=application_id,
            version=body.version,
            outcome=body.outcome,
            reason=body.reason,
            decided_by=caller.person_id,
            arrived_at=await arrived_at(conn, arrival),
        )
        return _prescreening(await prescreening.decide_prescreening(conn, decision))

    async with noting_denials(database, caller, "decide_prescreening", application_id):
        return await once(request, caller, database, run)


@router.post(
    "/cases/{application_id}/consultations/{organisation}",
    status_code=201,
    response_model=ConsultationView,
    summary="Answer a consultation for the organisation",
)
async def answer_consultation(
    application_id: UUID,
    organisation: OrganisationCode,
    body: ConsultationBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    async def run(conn: Connection) -> ConsultationView:
        access = await store.access(conn, application_id, caller.person_id)
        permit(caller, Act.CONSULT, standing(caller, access))
        if caller.organisation != organisation:
            raise NotFound
        answer = consultations.Answer(
            body.outcome, body.reason, caller.person_id, await arrived_at(conn, arrival)
        )
        return _consultation(
            await consultations.answer_consultation(conn, application_id, organisation, answer)
        )

    async with noting_denials(database, caller, "answer_consultation", application_id):
        return await once(request, caller, database, run)


@router.post(
    "/cases/{application_id}/consultations/{organisation}/waiver",
    status_code=201,
    response_model=WaiverView,
    summary="Let the case go on, flagged, without an answer that is overdue",
)
async def waive_consultation(
    application_id: UUID,
    organisation: OrganisationCode,
    body: WaiverBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    async def run(conn: Connection) -> WaiverView:
        access = await store.access(conn, application_id, caller.person_id)
        permit(caller, Act.WAIVE_CONSULTATION, standing(caller, access))
        waived = decisions.Waiver(
            application_id=application_id,
            organisation=organisation,
            reason=body.reason,
            waived_by=caller.person_id,
            waived_at=await arrived_at(conn, arrival),
        )
        await consultations.waive_consultation(conn, waived)
        return _waiver(waived)

    async with noting_denials(database, caller, "waive_consultation", application_id):
        return await once(request, caller, database, run)


@router.post(
    "/clarifications/{clarification_id}/answer",
    status_code=201,
    response_model=ClarificationView,
    summary="Answer a draft's clarification for the organisation",
)
async def answer_clarification(
    clarification_id: UUID,
    body: ConsultationBody,
    request: Request,
    caller: CallerDep,
    database: DatabaseDep,
    arrival: ArrivedDep,
) -> Response:
    async def run(conn: Connection) -> ClarificationView:
        asked = await decisions.get_clarification(conn, clarification_id)
        access = None if asked is None else await store.access(conn, asked.application_id, caller.person_id)
        permit(caller, Act.CLARIFY, standing(caller, access))
        if asked is None or asked.organisation != caller.organisation:
            raise NotFound
        answer = consultations.Answer(
            body.outcome, body.reason, caller.person_id, await arrived_at(conn, arrival)
        )
        return _clarification(await consultations.answer_clarification(conn, clarification_id, answer))

    async with noting_denials(database, caller, "answer_clarification", clarification_id):
        return await once(request, caller, database, run)


async def _view(conn: Connection, application_id: UUID) -> CaseView:
    case = await store.get_case(conn, application_id)
    assert case is not None
    at = await now(conn)
    tasks = await task_store.of_case(conn, application_id)
    pauses = await clocks.pauses_of(conn, [task.id for task in tasks])
    times = {
        task.id: TaskTime(
            for_applicant=task.audience_role == "holder",
            span=Interval(task.opened_at, task.closed_at),
            pauses=tuple(pauses.get(task.id, ())),
        )
        for task in tasks
    }
    return CaseView(
        id=case.id,
        call_id=case.call_id,
        case_number=case.case_number,
        state=case.state,
        version=case.version,
        category=case.category,
        panel=case.panel,
        organisation=case.organisation,
        title=case.title,
        holder_id=case.holder_id,
        amount=case.amount,
        total_budget=case.total_budget,
        touches=case.touches,
        after_internal_deadline=case.after_internal_deadline,
        ended_as=case.ended_as,
        prescreenings=[_prescreening(each) for each in await decisions.prescreenings(conn, case.id)],
        consultations=[_consultation(each) for each in await decisions.consultations(conn, case.id)],
        waivers=[_waiver(each) for each in await decisions.waivers(conn, case.id)],
        clarifications=[_clarification(each) for each in await decisions.clarifications(conn, case.id)],
        tasks=[
            CaseTaskView(
                id=task.id,
                kind=task.kind,
                n=task.n,
                state=task.state,
                opened_at=task.opened_at,
                due_at=task.due_at,
                closed_at=task.closed_at,
                waited=WaitedView.of(waited(times[task.id], at)),
            )
            for task in tasks
        ],
        waited=WaitedView.of(waited_in_all(times.values(), at)),
    )


def _prescreening(decided: decisions.Prescreening) -> PrescreeningView:
    return PrescreeningView.model_validate(decided, from_attributes=True)


def _consultation(answered: decisions.Consultation) -> ConsultationView:
    return ConsultationView.model_validate(answered, from_attributes=True)


def _waiver(waived: decisions.Waiver) -> WaiverView:
    return WaiverView.model_validate(waived, from_attributes=True)


def _clarification(asked: decisions.Clarification) -> ClarificationView:
    return ClarificationView.model_validate(asked, from_attributes=True)
