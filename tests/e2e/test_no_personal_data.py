"""What people wrote, and who they are, occurs in no span, log, history or topic but the contacts."""

import asyncio

import pytest
from psycopg import sql
from temporalio.client import Client

from deploy.stack.settings import SCHEMAS
from services.intake.events import ContactChanged
from tests.support import eventually, oracle
from tests.support.broker_reading import read_topics
from tests.support.collector import Collector
from tests.support.histories import text_of
from tests.support.live import CAST, Live

pytestmark = pytest.mark.timeout(240)

HOLDER = "holder-a10"
TITLE = "Kanarifuglen i tittelen"
SUMMARY = "Kanarifuglen i sammendraget"
WRITTEN = {TITLE, SUMMARY}
PEOPLE = {text for person in CAST.people.values() for text in (person.name, person.email)}
_FETCHED_AT_ONCE = 16


async def test_canaries_stay_where_they_belong(collector: Collector, live: Live) -> None:
    draft = await live.draft(HOLDER, TITLE)
    path = f"/v1/applications/{draft.id}"
    answer = await draft.session.patch("intake", path, {"form": {"summary": SUMMARY}}, draft.etag)
    draft.etag = answer.headers["ETag"]
    await live.submit(draft)
    await oracle.judge(live, [draft])
    await eventually(lambda: len(collector.of_case(draft.id)) > 3, 60, pause=0.3)

    logs = "\n".join(
        log.read_text(encoding="utf-8", errors="replace")
        for log in sorted((live.settings.folder / "logs").glob("*.log"))
        if log.name.partition("-")[0] in SCHEMAS
    )
    places = {
        "spans": "\n".join(span.text for span in collector.spans),
        "logs": logs,
        "histories": await eventually(lambda: _histories(live, draft.id), 30, pause=0.5),
        "topics": await read_topics(live.settings, contacts=False),
        "outboxes": _outboxes(live),
    }
    for place, text in places.items():
        assert draft.id in text, f"the {place} were not read: the test proves nothing"
        # Services tell each other what an application is called; whoever waits and counts need not know.
        canaries = PEOPLE | (WRITTEN if place in ("spans", "logs", "histories") else {SUMMARY})
        assert [each for each in sorted(canaries) if each in text] == [], place
    contacts = await read_topics(live.settings, contacts=True)
    assert CAST.people[HOLDER].email in contacts, "where names belong they are found"


async def test_contacts_are_forgotten_once_they_are_sent(live: Live) -> None:
    waiting = "select count(*) from intake.outbox where type = %s and published_at is null"
    await eventually(lambda: oracle.inspect(live.settings, waiting, ContactChanged.TYPE) == [(0,)], 60)
    kept = oracle.inspect(
        live.settings,
        """select count(*) filter (where payload is not null), count(*) from intake.outbox
           where type = %s and published_at is not null""",
        ContactChanged.TYPE,
    )
    assert kept[0][0] == 0
    assert kept[0][1] > 0


def _outboxes(live: Live) -> str:
    """Every outbox row that the broker has acknowledged."""
    texts: list[str] = []
    for schema in SCHEMAS:
        sent = sql.SQL("select o::text from {}.outbox o where published_at is not null")
        rows = oracle.inspect(live.settings, sent.format(sql.Identifier(schema)))
        texts += [text for (text,) in rows]
    return "\n".join(texts)


async def _histories(live: Live, application_id: str) -> str:
    """Of every run that Temporal knows, and the attributes by which it is found."""
    client = await Client.connect(
        live.settings["TEMPORAL_ADDRESS"], namespace=live.settings["TEMPORAL_NAMESPACE"]
    )
    runs = [run async for run in client.list_workflows()]
    ours = [run for run in runs if application_id in str(run.search_attributes)]
    assert len(ours) >= 2, "the case has its workflow and at least one task"
    turn = asyncio.Semaphore(_FETCHED_AT_ONCE)

    async def fetch(workflow_id: str, run_id: str) -> str:
        async with turn:
            return text_of(await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history())

    kept = await asyncio.gather(*(fetch(run.id, run.run_id) for run in runs))
    decoded = f'"application_id":"{application_id}"'
    assert any(decoded in text for text in kept), "no payload was decoded: the test proves nothing"
    return "\n".join([*kept, *(str(run.search_attributes) for run in runs)])
