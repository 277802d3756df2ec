"""Delivery to a relay that behaves, refuses, forgets or is away: never lost, never two mails for one
message."""
# Longer than 300 lines because every answer that a relay can give is one short test.

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.common.holding import held
from services.notify import delivery, domain
from services.notify.commands import sending
from services.notify.delivery import RelayDown, deliver, send_next
from services.notify.domain import MOST_ATTEMPTS
from services.notify.events import MessageFailed
from services.review import events as review
from tests.service.notify.conftest import CALL, Notify
from tests.service.notify.relay import relay
from tests.support import eventually


@pytest.fixture
async def case(notify: Notify) -> dict[str, object]:
    """One receipt is queued."""
    holder, application_id = uuid4(), uuid4()
    await notify.meet(holder, name="Søker A01", email="soker@hnt.test", language="nn")
    await notify.submit(application_id, holder)
    return {"holder": holder, "application_id": application_id}


async def test_a_mail_is_sent_and_noted(notify: Notify, case: dict[str, object]) -> None:
    async with relay() as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
    [message] = await notify.messages()
    assert (message["status"], message["relay"], message["attempts"]) == ("sent", "first", 1)
    [mail] = sink.taken
    assert mail["Message-ID"] == f"<{message['id']}@helse-midt.test>"
    assert sink.recipients == ["<soker@hnt.test>"]
    assert mail["Subject"] == message["subject"] == "Kvittering: søknad 2023-0042 er motteken"
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert f"/cases/{case['application_id']}" in plain.get_content()


async def test_a_refusal_for_now_is_tried_again_with_the_same_message_id(
    notify: Notify, case: dict[str, object]
) -> None:
    async with relay(lambda n: "451 later" if n < 3 else "250 taken") as sink:
        worker = notify.worker(smtp_port=sink.port)
        for _ in range(3):
            await notify.send_all(worker)
            await notify.let_time_pass()
    [message] = await notify.messages()
    assert (message["status"], message["attempts"], sink.tries) == ("sent", 3, 3)
    assert len(sink.taken) == 1


async def test_between_two_tries_there_is_a_pause(notify: Notify, case: dict[str, object]) -> None:
    async with relay(lambda n: "421 busy") as sink:
        worker = notify.worker(smtp_port=sink.port)
        await notify.send_all(worker)
        assert sink.tries == 1
        assert await send_next(worker) is False


async def test_taken_and_then_dropped_is_sent_again_under_one_id(
    notify: Notify, case: dict[str, object]
) -> None:
    async with relay(lambda n: "drop" if n == 1 else "250 taken") as sink:
        worker = notify.worker(smtp_port=sink.port)
        await notify.send_all(worker)
        await notify.let_time_pass()
        await notify.send_all(worker)
    assert len({mail["Message-ID"] for mail in sink.taken}) == 1
    assert len(sink.taken) == 2
    assert [each["status"] for each in await notify.messages()] == ["sent"]


async def test_the_second_relay_takes_what_the_first_refuses(notify: Notify, case: dict[str, object]) -> None:
    async with relay(lambda n: "550 no") as first, relay() as second:
        await notify.send_all(
            notify.worker(smtp_port=first.port, smtp2_host="127.0.0.1", smtp2_port=second.port)
        )
    [message] = await notify.messages()
    assert (message["status"], message["relay"], len(second.taken)) == ("sent", "second", 1)


async def test_a_refusal_for_good_becomes_a_fact(notify: Notify, case: dict[str, object]) -> None:
    async with relay(lambda n: "550 no such person") as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
    [message] = await notify.messages()
    assert (message["status"], message["reason"]) == ("failed", "smtp_550")
    async with notify.database.read() as conn:
        rows = await conn.fetch("select key, payload from outbox where type = $1", MessageFailed.TYPE)
    assert [row["key"] for row in rows] == [str(case["application_id"])]
    assert str(message["id"]) in rows[0]["payload"]
    assert "soker@hnt.test" not in rows[0]["payload"]


async def test_tries_are_bounded(notify: Notify, case: dict[str, object]) -> None:
    async with relay(lambda n: "451 later") as sink:
        worker = notify.worker(smtp_port=sink.port)
        for _ in range(MOST_ATTEMPTS + 3):
            await notify.send_all(worker)
            await notify.let_time_pass()
    assert sink.tries == MOST_ATTEMPTS
    assert [each["status"] for each in await notify.messages()] == ["failed"]


async def test_a_relay_that_is_away_costs_no_attempt(notify: Notify, case: dict[str, object]) -> None:
    async with relay() as sink:
        port = sink.port
    for _ in range(MOST_ATTEMPTS + 1):
        await notify.send_all(notify.worker(smtp_port=port))
        await notify.let_time_pass()
    [message] = await notify.messages()
    assert (message["status"], message["attempts"], message["reason"]) == ("queued", 0, "relay_down")


async def test_while_no_relay_answers_a_sender_rests_rather_than_try_mail_after_mail(
    notify: Notify, case: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    await notify.submit(uuid4(), UUID(str(case["holder"])), case_number="2023-0043")
    monkeypatch.setattr(domain, "RELAY_DOWN_PAUSE", timedelta(seconds=0.2))
    async with relay() as sink:
        away = notify.worker(smtp_port=sink.port)
    trying = asyncio.create_task(delivery._patiently(send_next(away)))
    assert await trying is False, "it went on to the next mail at once"
    assert sorted(str(each["reason"]) for each in await notify.messages()) == ["None", "relay_down"]


async def test_a_sender_told_to_stop_notes_what_the_relay_took(
    notify: Notify, case: dict[str, object]
) -> None:
    async with relay() as sink:
        sink.goes_on.clear()
        sending_it = asyncio.create_task(send_next(notify.worker(smtp_port=sink.port)))
        await eventually(lambda: sink.tries == 1)
        sending_it.cancel()
        await asyncio.sleep(0)
        sink.goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await sending_it
    [message] = await notify.messages()
    assert (message["status"], message["attempts"]) == ("sent", 1)


async def test_a_hold_is_renewed_again_after_the_database_was_away(notify: Notify) -> None:
    tries: list[int] = []

    async def renew(_: object) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError

    async with held(notify.database, renew, seconds=0.02):
        await eventually(lambda: len(tries) >= 3)


@pytest.mark.parametrize(
    "refusing",
    [
        {"AUTH": "535 wrong password"},
        {"EHLO": "550 not you", "HELO": "550 not you"},
        {"MAIL": "550 this sender may not"},
        {"MAIL": "451 not now"},
    ],
)
async def test_a_relay_that_refuses_us_costs_no_attempt_and_the_next_one_is_tried(
    notify: Notify, case: dict[str, object], refusing: dict[str, str]
) -> None:
    async with relay(refusing=refusing) as first, relay() as second:
        alone = notify.worker(smtp_port=first.port, smtp_user="innoflyt", smtp_password="old")
        await notify.send_all(alone)
        [message] = await notify.messages()
        assert (message["status"], message["attempts"], message["reason"]) == ("queued", 0, "relay_down")
        await notify.let_time_pass()
        await notify.send_all(
            notify.worker(
                smtp_port=first.port,
                smtp_user="innoflyt",
                smtp_password="old",
                smtp2_host="127.0.0.1",
                smtp2_port=second.port,
            )
        )
    [message] = await notify.messages()
    assert (message["status"], message["relay"], message["attempts"]) == ("sent", "second", 1)
    assert first.tries == 0


async def test_a_recipient_that_is_refused_for_good_is_the_mails_own_fault(
    notify: Notify, case: dict[str, object]
) -> None:
    async with relay(refusing={"RCPT": "550 no such person"}) as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
    [message] = await notify.messages()
    assert (message["status"], message["reason"]) == ("failed", "smtp_550")


async def test_a_relay_that_never_greets_costs_no_attempt(
    notify: Notify, case: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_GREETING_SECONDS", 0.2)
    async with relay(silent=True) as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
    [message] = await notify.messages()
    assert (message["status"], message["attempts"], message["reason"]) == ("queued", 0, "relay_down")


async def test_the_mail_that_asks_to_reach_somebody_does_not_ask_again(notify: Notify) -> None:
    adviser = uuid4()
    await notify.meet(adviser, "rhf_adviser")
    task = notify.task(None, review.Audience(role="rhf_adviser"))
    fact = review.TaskOpened.from_data(task.to_data() | {"kind": "reach_recipient", "subject": CALL})
    await notify.take(fact, CALL)
    async with relay(lambda n: "550 no") as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
    assert [each["status"] for each in await notify.messages()] == ["failed"]
    async with notify.database.read() as conn:
        assert await conn.fetchval("select count(*) from outbox") == 0


async def test_an_invitation_that_comes_back_asks_an_adviser_too(notify: Notify) -> None:
    person = uuid4()
    await notify.meet(person, "hf_adviser", invitation_token="secret-1", signed_in=False)
    async with relay(lambda n: "550 no such person") as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
    async with notify.database.read() as conn:
        [row] = await conn.fetch("select key, payload::jsonb as data from outbox")
    assert row["key"] == row["data"]["person_id"] == str(person)
    assert (row["data"]["template"], row["data"]["call_id"]) == ("invitation", None)


async def test_outside_production_only_test_addresses_are_delivered(notify: Notify) -> None:
    holder = uuid4()
    await notify.meet(holder, email="noen@helse.example")
    await notify.submit(uuid4(), holder)
    async with relay() as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
        assert sink.tries == 0
    [message] = await notify.messages()
    assert (message["status"], message["reason"]) == ("withheld", "not_a_test_address")


async def test_a_conflict_declared_after_writing_still_stops_the_mail(
    notify: Notify, case: dict[str, object]
) -> None:
    adviser, application_id = uuid4(), case["application_id"]
    assert isinstance(application_id, UUID)
    await notify.meet(adviser, "rhf_adviser")
    await notify.take(notify.task(application_id, review.Audience(role="rhf_adviser")), application_id)
    await notify.conflict(application_id, adviser)
    async with relay() as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
        assert sink.recipients == ["<soker@hnt.test>"]
    told = {each["person_id"]: each["reason"] for each in await notify.messages()}
    assert told == {case["holder"]: None, adviser: "conflict_of_interest"}


async def test_who_applies_is_told_as_the_applicant_despite_their_own_conflict_and_of_nothing_else(
    notify: Notify,
) -> None:
    holder, editor, case = uuid4(), uuid4(), uuid4()
    for each in (holder, editor):
        await notify.meet(each, "rhf_adviser")
        await notify.conflict(case, each)
    await notify.submit(case, holder, editor_ids=[editor])
    for audience in (
        review.Audience(role="holder", person_id=holder),
        review.Audience(role="rhf_adviser"),
        review.Audience(role="member", person_id=holder),
    ):
        await notify.take(notify.task(case, audience), case)
    async with relay() as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
    ended = [(each["person_id"], each["template"], each["status"]) for each in await notify.messages()]
    assert sorted(ended, key=str) == sorted(
        [
            (holder, "receipt", "sent"),
            (editor, "receipt", "sent"),
            (holder, "task-opened", "sent"),
            (holder, "task-opened", "withheld"),
            (editor, "task-opened", "withheld"),
            (holder, "task-opened", "withheld"),
        ],
        key=str,
    )
    assert len(sink.taken) == 3


async def test_nobody_is_reminded_of_a_task_that_is_done(notify: Notify, case: dict[str, object]) -> None:
    adviser, application_id = uuid4(), case["application_id"]
    assert isinstance(application_id, UUID)
    await notify.meet(adviser, "hf_adviser", organisation="HNT")
    task = notify.task(application_id, review.Audience(role="hf_adviser", organisation="HNT"))
    await notify.take(task, application_id)
    async with relay() as sink:
        port = sink.port
    await notify.send_all(notify.worker(smtp_port=port))
    await notify.close(task)
    await notify.let_time_pass()
    async with relay() as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
        assert sink.recipients == ["<soker@hnt.test>"]
    told = {each["template"]: (each["status"], each["reason"]) for each in await notify.messages()}
    assert told == {"receipt": ("sent", None), "task-opened": ("withheld", "task_closed")}


async def test_an_answer_reaches_the_asker_also_when_their_task_is_done(
    notify: Notify, case: dict[str, object]
) -> None:
    adviser, application_id = uuid4(), case["application_id"]
    assert isinstance(application_id, UUID)
    await notify.meet(adviser, "hf_adviser", organisation="HNT")
    task = notify.task(application_id, review.Audience(role="hf_adviser", organisation="HNT"))
    await notify.take(task, application_id)
    await notify.close(task)
    answered = review.QuestionAnswered(
        application_id=application_id,
        call_id=task.call_id,
        question_id=uuid4(),
        task_id=task.task_id,
        asked_by=adviser,
        answered_by=uuid4(),
    )
    await notify.take(answered, application_id)
    async with relay() as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
    told = {each["template"]: each["status"] for each in await notify.messages()}
    assert told == {"receipt": "sent", "task-opened": "withheld", "question-answered": "sent"}


async def test_what_a_dead_sender_left_is_sent_again(notify: Notify, case: dict[str, object]) -> None:
    async with notify.database.transaction() as conn:
        claimed = await sending.claim(conn, environment="development", portal_url="http://portal.test")
    assert not isinstance(claimed, bool)
    async with notify.database.transaction() as conn:
        assert await sending.sweep(conn) is False
    async with notify.database.transaction() as conn:
        await conn.execute("update message set sender_seen_at = sender_seen_at - interval '1 hour'")
    async with notify.database.transaction() as conn:
        assert await sending.sweep(conn) is True
    await notify.let_time_pass()
    async with relay() as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
    assert [mail["Message-ID"] for mail in sink.taken] == [f"<{claimed.id}@helse-midt.test>"]


async def test_a_sender_that_lives_keeps_its_message_however_long_the_relay_takes(
    notify: Notify, case: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_RENEW_SECONDS", 0.05)
    monkeypatch.setattr(delivery, "_GREETING_SECONDS", 6.0)
    monkeypatch.setattr(domain, "SENDING_IS_LOST_AFTER", timedelta(seconds=3))
    swept = []
    async with relay(silent=True) as sink:
        working = asyncio.create_task(send_next(notify.worker(smtp_port=sink.port)))
        while not working.done():
            async with notify.database.transaction() as conn:
                swept.append(await sending.sweep(conn))
            await asyncio.sleep(0.05)
        with pytest.raises(RelayDown):  # in the end, and not taken for dead before
            await working
    assert len(swept) > 10
    assert not any(swept)


async def test_a_message_that_kills_every_sender_is_given_up(notify: Notify, case: dict[str, object]) -> None:
    for _ in range(MOST_ATTEMPTS):
        await notify.let_time_pass()
        async with notify.database.transaction() as conn:
            claimed = await sending.claim(conn, environment="development", portal_url="http://portal.test")
            await conn.execute("update message set sender_seen_at = sender_seen_at - interval '1 hour'")
        assert not isinstance(claimed, bool)
        async with notify.database.transaction() as conn:
            assert await sending.sweep(conn) is True
    [message] = await notify.messages()
    assert (message["status"], message["reason"]) == ("failed", "sender_died")
    async with notify.database.read() as conn:
        assert await conn.fetchval("select count(*) from outbox where type = $1", MessageFailed.TYPE) == 1


async def test_a_late_answer_of_an_older_attempt_changes_nothing(
    notify: Notify, case: dict[str, object]
) -> None:
    async with notify.database.transaction() as conn:
        claimed = await sending.claim(conn, environment="development", portal_url="http://portal.test")
    assert not isinstance(claimed, bool)
    async with notify.database.transaction() as conn:
        await sending.note_refused(conn, claimed.id, claimed.attempt, "smtp_451", for_good=False)
    async with notify.database.transaction() as conn:
        await sending.note_sent(conn, claimed.id, claimed.attempt, "first")
    assert [each["status"] for each in await notify.messages()] == ["queued"]


async def test_two_senders_never_take_the_same_message(notify: Notify, case: dict[str, object]) -> None:
    async with notify.database.transaction() as one, notify.database.transaction() as two:
        first = await sending.claim(one, environment="development", portal_url="http://portal.test")
        second = await sending.claim(two, environment="development", portal_url="http://portal.test")
    assert not isinstance(first, bool)
    assert second is False


async def test_the_job_addresses_sends_and_stops(notify: Notify) -> None:
    """The whole job: a message that waits for its contact leaves as soon as the contact is there."""
    holder = uuid4()
    await notify.submit(uuid4(), holder)
    async with relay() as sink:
        job = asyncio.create_task(deliver(notify.worker(smtp_port=sink.port)))
        try:
            await notify.meet(holder)
            await eventually(lambda: len(sink.taken) == 1)
            await notify.submit(uuid4(), holder)
            await eventually(lambda: len(sink.taken) == 2)
        finally:
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)


async def test_a_flood_to_one_person_waits(
    notify: Notify, case: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "MOST_PER_HOUR", 1)
    holder = case["holder"]
    assert isinstance(holder, UUID)
    await notify.submit(uuid4(), holder)
    async with relay() as sink:
        await notify.send_all(notify.worker(smtp_port=sink.port))
        assert len(sink.taken) == 1
    states = {each["status"]: each["reason"] for each in await notify.messages()}
    assert states == {"sent": None, "queued": "too_many_for_one_person"}
