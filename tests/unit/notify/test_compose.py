"""The mail itself: one recipient, a text part always, headers that nobody can add to."""

from dataclasses import replace
from email import message_from_bytes, policy
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from services.intake.api.people import Email
from services.notify.commands.sending import Outgoing
from services.notify.delivery import compose
from services.notify.templates import Rendered

OUTGOING = Outgoing(
    id=UUID("33333333-3333-4333-8333-333333333333"),
    attempt=1,
    address="soker@stolav.test",
    name="Søker A01",
    language="nb",
    words=Rendered("Kvittering: søknad 2023-0042", "Hei Søker A01,\n\nTakk.\n", "<p>Hei Søker A01</p>"),
    application_id=None,
    template="receipt",
    traceparent=None,
    call_trace=None,
)
HEADERS = {
    "From",
    "To",
    "Subject",
    "Message-ID",
    "Date",
    "Auto-Submitted",
    "Content-Language",
    "MIME-Version",
    "Content-Type",
}
NASTY = [
    "x\r\nBcc: all@evil.test",
    "x\nSubject: y",
    "x\x00y",
    "x\u2028Bcc: a@b.test",
    "+ADw-script+AD4-",
    '"a" <b@c.test>, d',
]


def test_the_message_id_is_stable_and_both_parts_are_there() -> None:
    first, second = (compose(replace(OUTGOING, attempt=n), "innoflyt@helse-midt.test") for n in (1, 2))
    assert first["Message-ID"] == second["Message-ID"] == f"<{OUTGOING.id}@helse-midt.test>"
    parts = [part.get_content_type() for part in first.walk()]
    assert parts == ["multipart/alternative", "text/plain", "text/html"]
    body = first.get_body(("plain",))
    assert body is not None
    assert "Hei Søker A01" in body.get_content()


@pytest.mark.parametrize("payload", NASTY)
def test_no_header_or_recipient_can_be_added(payload: str) -> None:
    words = replace(OUTGOING.words, subject=payload)
    mail = compose(replace(OUTGOING, name=payload, words=words), "innoflyt@helse-midt.test")
    received = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert set(received.keys()) == HEADERS
    assert [address.addr_spec for address in received["To"].addresses] == ["soker@stolav.test"]


@pytest.mark.parametrize(
    "address",
    [
        *("", "no-at-sign", "@x.test", "a@", "a b@x.test", "a@x.test\r\nBcc: b@y.test", "a@x.test\n"),
        *("å@x.test", "a,b@x.test", "a@localhost", "a@å.test", ".a@x.test", "a..b@x.test", "a@x..test"),
    ],
)
def test_an_unusable_address_is_refused_where_it_is_entered_and_where_it_is_used(address: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library words it
        compose(replace(OUTGOING, address=address), "innoflyt@helse-midt.test")
    with pytest.raises(ValidationError):
        TypeAdapter(Email).validate_python(address)


@pytest.mark.parametrize("address", ["a@x.test", "Kari.Nordmann+x@helse-mr.test", "o'brien_1@a.b-c.test"])
def test_a_usable_address_is_taken_in_both_places(address: str) -> None:
    assert TypeAdapter(Email).validate_python(address) == address
    mail = compose(replace(OUTGOING, address=address), "innoflyt@helse-midt.test")
    assert [each.addr_spec for each in mail["To"].addresses] == [address]
