"""What must be true after any fault, checked the same way after every one of them.

I1 every acknowledged submission is one row, one workflow, one receipt, and its attachments read back;
I2 an answer that got lost is the same answer when asked for again;
I3 per key, events were applied in order, each once, none missing;
I4 states and audit chains hold (doctor);
I8 all of it recovers by itself within the bound.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import httpx
from minio import Minio
from psycopg import sql
from temporalio.client import Client

from deploy.stack import deliveries, doctor
from deploy.stack.settings import SCHEMAS, Settings
from tests.support import eventually
from tests.support.live import Draft, Live

RECOVERY_SECONDS = 90


async def judge(live: Live, drafts: Sequence[Draft]) -> None:
    """Wait for the recovery (I8) and check every invariant; AssertionError names what is broken."""
    settings = live.settings
    acknowledged = [draft for draft in drafts if draft.receipt is not None]
    assert acknowledged, "nothing was acknowledged: the test proves nothing"
    await eventually(lambda: settled(settings, acknowledged), RECOVERY_SECONDS, pause=0.3)
    await _one_workflow_each(settings, acknowledged)
    await one_receipt_each(settings, [draft.id for draft in acknowledged])
    _attachments_read_back(settings, acknowledged)
    for draft in acknowledged:
        await _same_answer_again(live, draft)
    await asyncio.to_thread(events_in_order_once, settings)
    said = StringIO()
    with redirect_stdout(said):
        healthy = await asyncio.to_thread(doctor.examine, settings)
    assert healthy == 0, said.getvalue()


def inspect(settings: Settings, text: str | sql.Composed, *args: Any) -> list[tuple[Any, ...]]:
    """Rows, as the read-only role that sees every schema."""
    with deliveries.inspecting(settings) as conn:
        return conn.execute(text, args).fetchall()


def settled(settings: Settings, drafts: Sequence[Draft]) -> bool:
    """Every event sent and arrived, every receipt in the log, every run begun."""
    ids = [draft.id for draft in drafts]
    unsent = sum(
        int(inspect(settings, f"select count(*) from {schema}.outbox where published_at is null")[0][0])  # type: ignore[arg-type]
        for schema in SCHEMAS
    )
    assert unsent == 0, f"{unsent} events are not sent"
    receipts = inspect(
        settings,
        """select count(*) from notify.message
           where template = 'receipt' and status = 'sent' and application_id = any(%s::uuid[])""",
        ids,
    )[0][0]
    assert receipts >= len(ids), f"{receipts} of {len(ids)} receipts"
    runs = inspect(
        settings,
        "select count(*) from workflows.run where workflow_id = any(%s)",
        [f"application:{each}" for each in ids],
    )[0][0]
    assert runs == len(ids), f"{runs} of {len(ids)} runs"
    waiting = inspect(settings, "select count(*) from notify.message where status in ('queued', 'sending')")[
        0
    ][0]
    assert waiting == 0, f"{waiting} mails wait"
    missing = deliveries.missing(settings, patience=0)
    assert not missing, missing
    return True


async def _one_workflow_each(settings: Settings, drafts: Sequence[Draft]) -> None:
    client = await Client.connect(settings["TEMPORAL_ADDRESS"], namespace=settings["TEMPORAL_NAMESPACE"])
    for draft in drafts:
        run = await client.get_workflow_handle(f"application:{draft.id}").describe()
        assert run.id == f"application:{draft.id}"

        async def runs_seen(workflow_id: str = run.id) -> bool:
            found = [each async for each in client.list_workflows(f'WorkflowId = "{workflow_id}"')]
            assert len(found) <= 1, f"{workflow_id} has {len(found)} runs"
            return len(found) == 1

        await eventually(runs_seen, 20, pause=0.2)


async def one_receipt_each(settings: Settings, application_ids: Sequence[str]) -> None:
    """Each of them has one receipt in the log and one in the mail sink, which shows a mail late."""
    rows = inspect(
        settings,
        """select application_id::text, id::text from notify.message
           where template = 'receipt' and application_id = any(%s::uuid[])""",
        list(application_ids),
    )
    per_case = Counter(application_id for application_id, _ in rows)
    assert all(per_case[each] == 1 for each in application_ids), f"not one receipt each: {per_case}"

    async def in_the_sink() -> bool:
        async with httpx.AsyncClient() as http:
            mails = (await http.get(f"http://127.0.0.1:{settings.port('MAIL_UI_PORT')}/email")).json()
        received = [mail["messageId"] for mail in mails if "messageId" in mail]
        for application_id, message_id in rows:
            found = {each for each in received if message_id in each}
            assert len(found) == 1, f"receipt of {application_id}: {len(found)} Message-IDs in the sink"
        return True

    await eventually(in_the_sink, pause=0.3)


def _attachments_read_back(settings: Settings, drafts: Sequence[Draft]) -> None:
    store = Minio(
        endpoint=settings["S3_ENDPOINT"],
        access_key=settings["S3_ACCESS_KEY"],
        secret_key=settings["S3_SECRET_KEY"],
        secure=False,
    )
    for draft in drafts:
        for attachment_id, sha256 in draft.sha256.items():
            [(key, state)] = inspect(
                settings, "select object_key, state from intake.attachment where id = %s", attachment_id
            )
            bucket = settings["S3_DOCUMENTS_BUCKET" if state == "clean" else "S3_QUARANTINE_BUCKET"]
            answer = store.get_object(bucket_name=bucket, object_name=key)
            try:
                assert hashlib.sha256(answer.read()).hexdigest() == sha256, f"attachment of {draft.id}"
            finally:
                answer.close()
                answer.release_conn()


async def _same_answer_again(live: Live, draft: Draft) -> None:
    again = await live.submit_once(draft)
    assert (again.status_code, again.json()) == (201, draft.receipt), draft.id
    rows = inspect(
        live.settings,
        """select a.case_number, count(s.*) from intake.application a
           join intake.submission s on s.application_id = a.id where a.id = %s group by 1""",
        draft.id,
    )
    assert draft.receipt is not None
    assert rows == [(draft.receipt["case_number"], 1)]


def events_in_order_once(settings: Settings) -> None:
    """No consumer took in what nobody sent, or events of one key out of their order."""
    for consumer in SCHEMAS:
        senders = " union all ".join(
            f"select 1 from {each}.outbox o where o.id = i.event_id" for each in SCHEMAS
        )
        invented = inspect(
            settings,
            f"select i.event_id from {consumer}.inbox i where not exists ({senders}) limit 5",  # type: ignore[arg-type]
        )
        assert invented == [], f"{consumer} took in events that nobody sent"
        for sender in SCHEMAS:
            overtaken = inspect(
                settings,
                f"""select key, seq from (
                      select i.key, o.seq,
                        lag(o.seq) over (partition by o.topic, o.key order by i.at) as before
                      from {consumer}.inbox i join {sender}.outbox o on o.id = i.event_id) ordered
                    where before > seq limit 5""",  # type: ignore[arg-type]
            )
            assert overtaken == [], f"{consumer} took in {sender}'s events out of order"
