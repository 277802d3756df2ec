"""Who gets a mail: the address book before and after the fact, roles, deputies, conflicts, forgetting."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.funding import events as funding
from services.intake import events as intake
from services.notify.commands.writing import address_waiting
from services.review import events as review
from tests.service.notify.conftest import CALL, Notify


async def _address_all(notify: Notify) -> None:
    while True:
        async with notify.database.transaction() as conn:
            if not await address_waiting(conn):
                return


async def test_a_receipt_goes_to_holder_and_editors_once(notify: Notify) -> None:
    holder, editor, case = uuid4(), uuid4(), uuid4()
    await notify.meet(holder)
    await notify.meet(editor)
    await notify.submit(case, holder, editor_ids=[editor, holder])
    messages = await notify.messages()
    assert {each["person_id"] for each in messages} == {holder, editor}
    assert len(messages) == 2
    assert {each["template"] for each in messages} == {"receipt"}
    assert {each["status"] for each in messages} == {"queued"}


async def test_a_request_that_the_submission_ended_is_no_news(notify: Notify) -> None:
    holder, leader, case = uuid4(), uuid4(), uuid4()
    await notify.meet(holder)

    def voided(cause: str) -> intake.EndorsementDecided:
        return intake.EndorsementDecided(
            application_id=case,
            call_id=CALL,
            holder_id=holder,
            endorsement_id=uuid4(),
            n=1,
            position="klinikksjef",
            person_id=leader,
            outcome="voided",
            cause=cause,
        )

    await notify.take(voided("submitted"), case)
    await notify.submit(case, holder)
    for cause in ("reassigned", "cancelled"):
        await notify.take(voided(cause), case)
    assert [each["template"] for each in await notify.messages()] == ["receipt"]
    await notify.take(voided("changed"), case)
    assert [each["template"] for each in await notify.messages()] == ["receipt", "endorsement-voided"]


async def test_the_trusts_adviser_is_asked_to_help_with_a_referred_case_also_if_known_later(
    notify: Notify,
) -> None:
    holder, signer, adviser, case = uuid4(), uuid4(), uuid4(), uuid4()
    await notify.meet(holder)
    await notify.meet(signer, "institution", organisation="HNT")
    await notify.submit(case, holder)
    at = datetime(2023, 12, 1, tzinfo=UTC)
    letter = funding.LetterSent(
        application_id=case,
        call_id=CALL,
        version=1,
        outcome="referred",
        amount=0,
        conditions=[],
        sent_at=at,
        complaint_until=at,
        reserve_until=None,
        holder_id=holder,
        organisation="HNT",
    )
    await notify.take(letter, case)
    await notify.meet(adviser, "hf_adviser", organisation="HNT")
    await _address_all(notify)
    told = {(each["person_id"], each["template"]) for each in await notify.messages()}
    assert told == {
        (holder, "receipt"),
        (holder, "letter-referred"),
        (signer, "letter-referred"),
        (adviser, "letter-referred-adviser"),
    }


async def test_who_missed_the_call_with_a_draft_is_told(notify: Notify) -> None:
    """Notify has never heard of the draft: nobody endorsed it, and its holder was not warned."""
    holder, case = uuid4(), uuid4()
    await notify.meet(holder)
    closed = intake.DraftClosed(
        application_id=case, call_id=CALL, holder_id=holder, deadline=datetime(2023, 10, 25, 13, tzinfo=UTC)
    )
    await notify.take(closed, case)
    assert [each["template"] for each in await notify.messages()] == ["draft-closed"]


async def test_a_contact_that_comes_later_completes_the_message(notify: Notify) -> None:
    holder, case = uuid4(), uuid4()
    await notify.submit(case, holder)
    assert [each["status"] for each in await notify.messages()] == ["unaddressed"]
    await _address_all(notify)
    assert [each["status"] for each in await notify.messages()] == ["unaddressed"]
    await notify.meet(holder)
    await _address_all(notify)
    [message] = await notify.messages()
    assert (message["status"], message["person_id"]) == ("queued", holder)


async def test_a_task_before_its_case_waits_for_the_case(notify: Notify) -> None:
    holder, adviser, case = uuid4(), uuid4(), uuid4()
    await notify.meet(holder)
    await notify.meet(adviser, "hf_adviser", organisation="HNT")
    await notify.take(notify.task(case, review.Audience(role="hf_adviser", organisation="HNT")), case)
    assert [each["recipient"] for each in await notify.messages()] == ["case"]
    await notify.submit(case, holder)
    await _address_all(notify)
    told = {(each["template"], each["person_id"]) for each in await notify.messages()}
    assert told == {("receipt", holder), ("task-opened", adviser)}


async def test_a_role_is_everybody_with_it_in_that_organisation(notify: Notify) -> None:
    case = uuid4()
    inside, also, elsewhere = uuid4(), uuid4(), uuid4()
    await notify.meet(inside, "hf_adviser", organisation="HNT")
    await notify.meet(also, "hf_adviser", organisation="HNT")
    await notify.meet(elsewhere, "hf_adviser", organisation="HMR")
    await notify.meet(uuid4(), "consultant", organisation="HNT")
    await notify.submit(case, inside)
    await notify.take(notify.task(case, review.Audience(role="hf_adviser", organisation="HNT")), case)
    tasks = [each for each in await notify.messages() if each["template"] == "task-opened"]
    assert {each["person_id"] for each in tasks} == {inside, also}


async def test_a_role_that_nobody_has_waits_for_somebody(notify: Notify) -> None:
    holder, case, adviser = uuid4(), uuid4(), uuid4()
    await notify.meet(holder)
    await notify.submit(case, holder)
    await notify.take(notify.task(case, review.Audience(role="hf_adviser", organisation="HNT")), case)
    assert [each["status"] for each in await notify.messages()] == ["queued", "unaddressed"]
    await notify.meet(adviser, "hf_adviser", organisation="HNT")
    await _address_all(notify)
    assert {each["person_id"] for each in await notify.messages()} == {holder, adviser}


async def test_the_first_with_a_role_is_told_of_no_task_that_is_done(notify: Notify) -> None:
    holder, case, adviser = uuid4(), uuid4(), uuid4()
    await notify.meet(holder)
    await notify.submit(case, holder)
    done, open_ = (
        notify.task(case, review.Audience(role="hf_adviser", organisation="HNT")) for _ in range(2)
    )
    for each in (done, open_):
        await notify.take(each, case)
    await notify.close(done)
    await notify.meet(adviser, "hf_adviser", organisation="HNT")
    await _address_all(notify)
    told = {each["task_id"]: each["status"] for each in await notify.messages() if each["task_id"]}
    assert told == {done.task_id: "withheld", open_.task_id: "queued"}


async def test_a_lead_is_the_mailbox_of_the_organisation(notify: Notify) -> None:
    case, holder, mailbox = uuid4(), uuid4(), uuid4()
    await notify.meet(holder)
    await notify.meet(mailbox, "lead", organisation="HP", kind="mailbox", email="leder@hp.test")
    await notify.submit(case, holder)
    await notify.take(notify.task(case, review.Audience(role="lead", organisation="HP")), case)
    assert mailbox in {each["person_id"] for each in await notify.messages()}


async def test_a_deputy_is_told_of_tasks_while_set(notify: Notify) -> None:
    person, deputy, case = uuid4(), uuid4(), uuid4()
    await notify.meet(deputy)
    await notify.meet(person, deputy_id=deputy)
    await notify.submit(case, person)
    await notify.take(notify.task(case, review.Audience(role="holder", person_id=person)), case)
    told = [(each["template"], each["person_id"]) for each in await notify.messages()]
    assert told.count(("task-opened", deputy)) == 1
    assert ("receipt", deputy) not in told
    await notify.meet(person)
    await notify.take(notify.task(case, review.Audience(role="holder", person_id=person)), case)
    assert [each["person_id"] for each in await notify.messages()].count(deputy) == 1


async def test_a_conflict_suppresses_the_mail_of_a_whole_role(notify: Notify) -> None:
    case, holder, free, conflicted = uuid4(), uuid4(), uuid4(), uuid4()
    await notify.meet(holder)
    for each in (free, conflicted):
        await notify.meet(each, "rhf_adviser", organisation="HMN")
    await notify.submit(case, holder)
    await notify.conflict(case, conflicted)
    await notify.take(notify.task(case, review.Audience(role="rhf_adviser")), case)
    tasks = {each["person_id"]: each for each in await notify.messages() if each["template"] == "task-opened"}
    assert tasks[free]["status"] == "queued"
    assert tasks[conflicted]["status"] == "withheld"
    assert tasks[conflicted]["reason"] == "conflict_of_interest"


@pytest.mark.parametrize("invited_first", [True, False])
async def test_a_conflict_reaches_whoever_has_the_same_address(notify: Notify, invited_first: bool) -> None:
    """Entered by address before the first sign-in, and then signed in: two contacts, one person."""
    case, holder = uuid4(), uuid4()
    invited, signed_in = sorted((uuid4(), uuid4()), reverse=not invited_first)
    await notify.meet(holder)
    for each, address in ((invited, "Kari@hmn.test"), (signed_in, "kari@hmn.test")):
        await notify.meet(each, "rhf_adviser", email=address)
    await notify.submit(case, holder)
    await notify.conflict(case, signed_in)
    await notify.take(notify.task(case, review.Audience(role="rhf_adviser")), case)
    [task] = [each for each in await notify.messages() if each["template"] == "task-opened"]
    assert (task["status"], task["reason"]) == ("withheld", "conflict_of_interest")


async def test_an_invitation_is_sent_once_however_often_the_contact_changes(notify: Notify) -> None:
    person = uuid4()
    for language in ("nb", "nn"):
        await notify.meet(person, "hf_adviser", language=language, invitation_token="secret-1")
    await notify.meet(person, "hf_adviser")
    assert [each["template"] for each in await notify.messages()] == ["invitation"]
    assert "secret-1" not in str(await notify.messages())


async def test_a_tombstone_forgets_the_person(notify: Notify) -> None:
    holder, case = uuid4(), uuid4()
    await notify.meet(holder)
    await notify.submit(case, holder)
    await notify.take(intake.ContactDeleted(person_id=holder), holder)
    async with notify.database.read() as conn:
        assert await conn.fetchval("select count(*) from contact") == 0
    [message] = await notify.messages()
    assert message["address"] is None


async def test_the_same_event_twice_writes_one_message(notify: Notify) -> None:
    holder, case = uuid4(), uuid4()
    await notify.meet(holder)
    for _ in range(2):
        await notify.submit(case, holder)
    async with notify.database.read() as conn:
        events = await conn.fetchval("select count(distinct event_id) from message")
    assert events == len(await notify.messages()) == 2


async def test_a_waiting_mail_that_cannot_be_written_any_more_fails_and_holds_up_no_other(
    notify: Notify,
) -> None:
    """As after a release that tells this fact to nobody any more, or asks more of it."""
    first, second = uuid4(), uuid4()
    await notify.submit(uuid4(), first)
    await notify.submit(uuid4(), second)
    async with notify.database.transaction() as conn:
        await conn.execute("update message set event_type = 'gone.v1' where recipient = $1", str(first))
    for person in (first, second):
        await notify.meet(person)
    await _address_all(notify)
    found = [(each["status"], each["reason"]) for each in await notify.messages()]
    assert sorted(found, key=str) == [("failed", "cannot_be_written:KeyError"), ("queued", None)]
