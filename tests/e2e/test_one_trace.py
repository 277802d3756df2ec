"""One submission is one trace, from the button to the e-mail, and its id finds it everywhere."""

import asyncio
import subprocess
from collections.abc import Sequence

import pytest
from temporalio.client import Client

from deploy.stack.settings import ROOT
from tests.support import eventually, oracle
from tests.support.collector import Collector, Received
from tests.support.live import Live
from tests.support.processes import python

pytestmark = pytest.mark.timeout(240)

PROCESSES = {"intake-api", "intake-worker", "notify-worker", "workflows-starter", "review-worker"}
SUBMIT = "POST /v1/applications/{application_id}/submission"


async def test_one_submission_is_one_trace(collector: Collector, live: Live) -> None:
    [draft] = await live.drafts(1)
    await live.submit(draft)

    def of_the_submission() -> list[Received]:
        roots = [span for span in collector.spans if span.name == SUBMIT and _about(span, draft.id)]
        assert roots, "the request has no span yet"
        trace = [span for span in collector.spans if span.trace_id == roots[0].trace_id]
        for part in ("send intake.events", "process intake.events", "smtp", "review.open_task"):
            assert any(part in span.name.lower() for span in trace), (
                f"{part!r} is not in {sorted({span.name for span in trace})}"
            )
        services = {span.service for span in trace}
        assert PROCESSES <= services, f"missing: {PROCESSES - services}"
        assert _unreachable(trace) == []
        return trace

    trace = await eventually(of_the_submission, 60, pause=0.3)
    assert all(_about(span, draft.id) for span in trace if span.name.startswith(("send", "process")))


def _about(span: Received, application_id: str) -> bool:
    return span.attributes.get("application_id") == application_id


def _unreachable(trace: Sequence[Received]) -> list[str]:
    """Spans whose parent is not in the trace; the request itself is the one root."""
    known = {span.span_id for span in trace}
    return [span.name for span in trace if span.parent_id and span.parent_id not in known]


async def test_the_application_id_finds_the_case_everywhere(collector: Collector, live: Live) -> None:
    [draft] = await live.drafts(1)
    await live.submit(draft)
    await eventually(lambda: _has_receipt(live, draft.id), 60, pause=0.2)
    client = await Client.connect(
        live.settings["TEMPORAL_ADDRESS"], namespace=live.settings["TEMPORAL_NAMESPACE"]
    )

    async def found_by_search() -> bool:
        query = f'ApplicationId = "{draft.id}"'
        return f"application:{draft.id}" in [run.id async for run in client.list_workflows(query)]

    await eventually(found_by_search, 30, pause=0.3)
    await eventually(lambda: collector.of_case(draft.id), 30, pause=0.3)
    command = python("deploy.stack", "logs", "--profile", "test", "--id", draft.id)
    logs = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert draft.id in logs.stdout
    mails = await live.sessions["operator"].get("notify", "/v1/messages", application_id=draft.id)
    assert "receipt" in [mail["template"] for mail in mails["items"]]


def _has_receipt(live: Live, application_id: str) -> bool:
    rows = oracle.inspect(
        live.settings,
        "select status from notify.message where template = 'receipt' and application_id = %s",
        application_id,
    )
    return rows == [("sent",)]
