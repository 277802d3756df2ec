"""What people wrote, and who they are, occurs in no span, log, history or topic but the contacts."""

import pytest
from temporalio.client import Client

from services.intake.events import ContactChanged
from tests.support import eventually, oracle
from tests.support.broker_reading import read_topics
from tests.support.collector import Collector
from tests.support.live import CAST, Live

pytestmark = pytest.mark.timeout(240)

SUMMARY = "Kanarifuglen i sammendraget"
HOLDER = "holder-a10"


async def test_canaries_stay_where_they_belong(collector: Collector, live: Live) -> None:
    person = CAST.people[HOLDER]
    draft = await live.draft(HOLDER)
    path = f"/v1/applications/{draft.id}"
    answer = await draft.session.patch("intake", path, {"form": {"summary": SUMMARY}}, draft.etag)
    draft.etag = answer.headers["ETag"]
    await live.submit(draft)
    await oracle.judge(live, [draft])
    await eventually(lambda: len(collector.of_case(draft.id)) > 3, 60, pause=0.3)
    canaries = (SUMMARY, person.name, person.email)

    spans = "\n".join(span.text for span in collector.spans)
    logs = "\n".join(
        log.read_text(encoding="utf-8", errors="replace")
        for log in sorted((live.settings.folder / "logs").glob("*.log"))
        if log.name.partition("-")[0] in ("intake", "review", "funding", "notify", "workflows")
    )
    histories = await _histories(live, draft.id)
    topics = await read_topics(live.settings, contacts=False)
    contacts = await read_topics(live.settings, contacts=True)
    for canary in canaries:
        assert canary not in spans
        assert canary not in logs
        assert canary not in histories
        assert canary not in topics
    assert person.email in contacts, "the contacts' topic was not read: the test proves nothing"
    assert draft.id in topics
    assert draft.id in spans
    assert draft.id in logs


async def test_contacts_are_forgotten_once_they_are_sent(live: Live) -> None:
    kept = oracle.inspect(
        live.settings,
        """select count(*) filter (where payload is not null), count(*) from intake.outbox
           where type = %s and published_at is not null""",
        ContactChanged.TYPE,
    )
    assert kept[0][0] == 0
    assert kept[0][1] > 0


async def _histories(live: Live, application_id: str) -> str:
    client = await Client.connect(
        live.settings["TEMPORAL_ADDRESS"], namespace=live.settings["TEMPORAL_NAMESPACE"]
    )
    texts = []
    async for run in client.list_workflows(f'ApplicationId = "{application_id}"'):
        history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        texts.append(history.to_json())
        texts.append(str(run.search_attributes))
    assert len(texts) >= 4, "the case has its workflow and at least one task"
    return "\n".join(texts)
