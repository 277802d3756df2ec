"""Delivery: takes queued messages one by one to the relay, and the second relay where the first will not."""

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from functools import partial

import aiosmtplib
import structlog
from opentelemetry.trace import SpanKind

from services.common.context import caused_by
from services.common.failpoints import failpoint
from services.common.holding import held
from services.common.outages import attempt, is_infrastructure, seen_through
from services.common.run import Worker
from services.common.settings import Settings
from services.common.telemetry import span
from services.intake.events.call_fields import ADDRESS
from services.notify import domain
from services.notify.commands import sending, writing
from services.notify.commands.sending import Outgoing
from services.notify.store import messages
from services.notify.templates import one_line

_log = structlog.get_logger()

_ADDRESS = re.compile(ADDRESS)
_SENDERS = 3
_IDLE_SECONDS = 0.25
_RENEW_SECONDS = 5.0
_SWEEP_SECONDS = 5.0
_GREETING_SECONDS = 10.0
_RELAY_SECONDS = 30.0
_LAST_WORDS_SECONDS = 15.0


@dataclass(frozen=True)
class RelayRefused(Exception):
    """A relay answered and did not take the mail; `for_good` where trying again is useless."""

    reason: str
    for_good: bool


class RelayDown(Exception):
    """A relay could not be reached, or will have nothing to do with us: no fault of the mail's."""


async def deliver(worker: Worker) -> None:
    """The job: one look-out, senders side by side, and the sweeper. Runs until cancelled."""
    due, waiting = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_look_out(worker, due, waiting))
        for _ in range(_SENDERS):
            group.create_task(_sender(worker, due))
        group.create_task(_addresser(worker, waiting))
        group.create_task(_sweeper(worker))


async def _look_out(worker: Worker, due: asyncio.Event, waiting: asyncio.Event) -> None:
    """Looks for work without writing, so that an idle notify costs the database next to nothing."""
    while True:
        await _patiently(_look(worker, due, waiting))
        await asyncio.sleep(_IDLE_SECONDS)


async def _look(worker: Worker, due: asyncio.Event, waiting: asyncio.Event) -> bool:
    async with worker.database.read() as conn:
        found = await messages.work_to_do(conn)
    if found.due:
        due.set()
    if found.waiting:
        waiting.set()
    return found.due or found.waiting


async def _sender(worker: Worker, due: asyncio.Event) -> None:
    while True:
        await due.wait()
        while await _patiently(send_next(worker)):
            pass
        due.clear()


async def _addresser(worker: Worker, waiting: asyncio.Event) -> None:
    while True:
        await waiting.wait()
        while await _patiently(_address_next(worker)):
            pass
        waiting.clear()


async def _sweeper(worker: Worker) -> None:
    while True:
        while await _patiently(_sweep_next(worker)):
            pass
        await asyncio.sleep(_SWEEP_SECONDS)


async def _patiently(step: Awaitable[bool]) -> bool:
    """Run one step; what is away is waited for, and any other failure is shown and tried again."""
    try:
        return await attempt(step)
    except RelayDown:
        await asyncio.sleep(domain.RELAY_DOWN_PAUSE.total_seconds())  # else every mail would knock in turn
        return False
    except Exception as error:
        if is_infrastructure(error):
            _log.warning("delivery waits", error=type(error).__name__)
        else:
            _log.error("delivery failed", exc_info=error)
        await asyncio.sleep(1)
        return False


async def _address_next(worker: Worker) -> bool:
    async with worker.database.transaction() as conn:
        return await writing.address_waiting(conn)


async def _sweep_next(worker: Worker) -> bool:
    async with worker.database.transaction() as conn:
        return await sending.sweep(conn)


async def send_next(worker: Worker) -> bool:
    """Claim, send and note one message; False when none is due. RelayDown, noted, when no relay answers."""
    settings = worker.settings
    async with worker.database.transaction() as conn:
        found = await sending.claim(conn, environment=settings.environment, portal_url=settings.portal_url)
    if isinstance(found, bool):
        return found
    failpoint("notify.claimed")
    renew = partial(messages.renew, message_id=found.id, attempt=found.attempt)
    async with held(worker.database, renew, seconds=_RENEW_SECONDS):
        # Stopped between the relay's yes and our note of it, we would send it again.
        await seen_through(_send_traced(worker, found), _LAST_WORDS_SECONDS)
    return True


async def _send_traced(worker: Worker, found: Outgoing) -> None:
    with (
        caused_by(found.call_trace, str(found.id)),
        span(
            "SMTP send",
            kind=SpanKind.CLIENT,
            parent=found.traceparent,
            application_id=str(found.application_id) if found.application_id else None,
            message_id=str(found.id),
            template=found.template,
            attempt=found.attempt,
        ),
    ):
        await _send(worker, found)


async def _send(worker: Worker, outgoing: Outgoing) -> None:
    try:
        mail = compose(outgoing, worker.settings.mail_from)
    except ValueError:
        async with worker.database.transaction() as conn:
            await sending.note_refused(conn, outgoing.id, outgoing.attempt, "bad_address", for_good=True)
        return
    try:
        relay = await _hand_over(worker.settings, mail)
    except RelayRefused as refused:
        _log.warning(
            "mail refused",
            message_id=str(outgoing.id),
            application_id=str(outgoing.application_id),
            reason=refused.reason,
        )
        async with worker.database.transaction() as conn:
            await sending.note_refused(
                conn, outgoing.id, outgoing.attempt, refused.reason, for_good=refused.for_good
            )
    except RelayDown:
        async with worker.database.transaction() as conn:
            await sending.note_relay_down(conn, outgoing.id, outgoing.attempt)
        raise
    else:
        failpoint("notify.handed_over")
        _log.info(
            "mail sent",
            message_id=str(outgoing.id),
            application_id=str(outgoing.application_id),
            template=outgoing.template,
        )
        async with worker.database.transaction() as conn:
            await sending.note_sent(conn, outgoing.id, outgoing.attempt, relay)


def compose(outgoing: Outgoing, mail_from: str) -> EmailMessage:
    """The mail: one recipient, text part always, Message-ID from the message. ValueError for an unusable
    address.

    The policy refuses CR and LF in headers; addresses are objects, so a name cannot become a header or
    recipient.
    """
    if not _ADDRESS.fullmatch(outgoing.address):
        raise ValueError("not an address that can be written to")
    user, _, host = outgoing.address.rpartition("@")
    from_user, _, from_domain = mail_from.rpartition("@")
    mail = EmailMessage(policy=SMTP.clone(max_line_length=900))
    mail["From"] = Address("Innoflyt", from_user, from_domain)
    mail["To"] = Address(one_line(outgoing.name), user, host)
    mail["Subject"] = one_line(outgoing.words.subject)
    mail["Message-ID"] = f"<{outgoing.id}@{from_domain}>"
    mail["Date"] = format_datetime(localtime())
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(outgoing.words.text, cte="quoted-printable")
    mail.add_alternative(outgoing.words.html, subtype="html", cte="quoted-printable")
    mail["Content-Language"] = outgoing.language
    return mail


async def _hand_over(settings: Settings, mail: EmailMessage) -> str:
    """Give the mail to the first relay that takes it; its name. RelayRefused or RelayDown when none does."""
    relays = [("first", settings.smtp_host, settings.smtp_port)]
    if settings.smtp2_host:
        relays.append(("second", settings.smtp2_host, settings.smtp2_port))
    refusals: list[RelayRefused] = []
    for name, host, port in relays:
        try:
            await _offer(settings, host, port, mail)
        except RelayRefused as refused:
            refusals.append(refused)
        except RelayDown as down:
            _log.warning("relay down", relay=name, reason=str(down))
        else:
            return name
    if not refusals:
        raise RelayDown("every relay")
    # Only if every relay that answered says "never" is it never.
    for_good = len(refusals) == len(relays) and all(refused.for_good for refused in refusals)
    raise RelayRefused(refusals[-1].reason, for_good)


async def _offer(settings: Settings, host: str, port: int, mail: EmailMessage) -> None:
    client = aiosmtplib.SMTP(
        hostname=host,
        port=port,
        timeout=_RELAY_SECONDS,
        username=settings.smtp_user or None,
        password=settings.smtp_password or None,
        use_tls=settings.smtp_tls == "tls",
        start_tls=settings.smtp_tls == "starttls",
    )
    try:
        await _enter(client)
        async with asyncio.timeout(_RELAY_SECONDS):
            await client.send_message(mail)
    except (aiosmtplib.SMTPHeloError, aiosmtplib.SMTPSenderRefused) as error:
        raise RelayDown(_code(error)) from error
    except aiosmtplib.SMTPRecipientsRefused as error:
        first = error.recipients[0]
        raise RelayRefused(_code(first), 500 <= first.code < 600) from error
    except aiosmtplib.SMTPResponseException as error:
        raise RelayRefused(_code(error), 500 <= error.code < 600) from error
    except (OSError, aiosmtplib.SMTPException) as error:
        # After DATA nobody knows whether it was taken: again, with the same Message-ID.
        raise RelayRefused(_code(error), False) from error
    finally:
        client.close()


async def _enter(client: aiosmtplib.SMTP) -> None:
    """Greeting, TLS and sign-in. RelayDown for whatever goes wrong before the relay has heard of a mail."""
    try:
        async with asyncio.timeout(_GREETING_SECONDS):
            await client.connect()
    except (OSError, aiosmtplib.SMTPException) as error:
        raise RelayDown(_code(error)) from error


def _code(error: Exception) -> str:
    """What a refusal is called in our log: a relay's own words may carry addresses."""
    return (
        f"smtp_{error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else type(error).__name__
    )
