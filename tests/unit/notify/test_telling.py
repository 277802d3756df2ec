"""Every fact of every service is told, or says why not; every text exists and renders in three languages."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest

from services.common.errors import Malformed
from services.common.record import Fact
from services.funding import events as funding
from services.intake import events as intake
from services.notify.consumers import HANDLERS, TOPICS
from services.notify.domain import LANGUAGES, Audience
from services.notify.telling import OF_WORKFLOWS, TELLING, Mail, NoMail
from services.notify.templates import Matter, render, template_names
from services.review import events as review
from tests.unit.notify.samples import CASE, PERSON, case, contact, data_of, fact_classes
from workflows.contracts.tasks import KINDS

MAILS = [
    pytest.param(fact, mail, template, id=template)
    for fact, telling in TELLING.items()
    if isinstance(telling, Mail)
    for mail in telling.mails
    for template in mail.all_templates
]
LATER = datetime(2024, 3, 1, tzinfo=UTC)
PORTAL = "http://portal.innoflyt.test"
TITLES = {"nb": "Innovasjonsmidler", "nn": "Innovasjonsmidlar", "en": "Innovation funds"}


def test_every_fact_has_a_mail_or_a_reason_for_none() -> None:
    told = {fact.TYPE for fact in TELLING} | OF_WORKFLOWS.keys()
    missing = {fact.TYPE for fact in fact_classes()} - told
    assert not missing, (
        f"say in services/notify/telling.py who is told of {sorted(missing)}, or why nobody is"
    )


def test_the_table_names_no_fact_that_nobody_publishes() -> None:
    published = {fact.TYPE for fact in fact_classes()}
    assert {fact.TYPE for fact in TELLING} | OF_WORKFLOWS.keys() == published


def test_a_reason_for_no_mail_says_something() -> None:
    reasons = [
        telling.because
        for telling in (*TELLING.values(), *OF_WORKFLOWS.values())
        if isinstance(telling, NoMail)
    ]
    assert reasons
    assert all(len(reason) > 15 for reason in reasons)


def test_every_mail_is_handled_and_its_topic_is_read() -> None:
    for fact, telling in TELLING.items():
        if isinstance(telling, Mail):
            assert fact.TYPE in HANDLERS, fact.TYPE
            assert fact.TOPIC in TOPICS, fact.TYPE


def test_texts_and_table_name_the_same_templates() -> None:
    assert template_names() == {param.values[2] for param in MAILS}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("fact", "mail", "template"), MAILS)
def test_every_template_renders(fact: type[Fact], mail: Mail, template: str, language: str) -> None:
    kind = "consult" if mail.link == "task" else None
    matter = Matter(template, data_of(fact), case(), TITLES, mail.link, LATER, kind)
    rendered = render(matter, contact(language=language), PORTAL)
    assert rendered.subject
    assert len(rendered.text) > 100
    assert "{{" not in rendered.text + rendered.html
    assert "Søker A01" in rendered.text
    assert f'lang="{language}"' in rendered.html
    assert _links(rendered.html) == re.findall(r"http\S+", rendered.text)
    assert all(link.startswith(PORTAL + "/") and not link.endswith("/") for link in _links(rendered.html))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_task_has_words(kind: str, language: str) -> None:
    data = data_of(review.TaskOpened, kind=kind)
    matter = Matter("task-opened", data, case(), TITLES, "task", LATER, kind)
    assert kind not in render(matter, contact(language=language), PORTAL).text


def test_languages_differ() -> None:
    matter = Matter("receipt", _submitted(), case(), TITLES, "case", LATER)
    subjects = {render(matter, contact(language=language), PORTAL).subject for language in LANGUAGES}
    assert len(subjects) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_escalation_before_the_due_instant_blames_nobody(language: str) -> None:
    data = data_of(review.TaskEscalated)
    due = datetime.fromisoformat(data["due_at"])
    before, after = (
        render(
            Matter("task-escalated", data, case(), TITLES, "task", at, "consult"),
            contact(language=language),
            PORTAL,
        )
        for at in (due - timedelta(days=3), due + timedelta(days=3))
    )
    late = {"nb": "skulle vært", "nn": "skulle vore", "en": "was due"}[language]
    assert late in after.text
    assert late not in before.text
    assert before.subject != after.subject


YOU = {
    "nb": r"\b(du|deg|din|ditt|dine)\b",
    "nn": r"\b(du|deg|din|ditt|dine)\b",
    "en": r"\b(you|your|yours)\b",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("fact", "mail", "template"), [each for each in MAILS if "hf_adviser" in each.values[1].to]
)
def test_what_the_trusts_adviser_is_told_too_calls_nobody_you(
    fact: type[Fact], mail: Mail, template: str, language: str
) -> None:
    matter = Matter(template, data_of(fact), case(), TITLES, mail.link, LATER)
    body = render(matter, contact(language=language), PORTAL).text.partition(PORTAL)[0]
    assert not re.findall(YOU[language], body, re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fact", [intake.WithdrawalUndone, intake.RejectionUndone])
def test_an_undo_tells_where_it_leads(fact: type[Fact], language: str) -> None:
    mail = TELLING[fact]
    assert isinstance(mail, Mail)
    bodies = set()
    for state in ("submitted", "returned", "not_recommended"):
        matter = Matter(mail.template, data_of(fact, state=state), case(), TITLES, mail.link, LATER)
        body = render(matter, contact(language=language), PORTAL).text.partition(PORTAL)[0]
        assert not re.findall(YOU[language], body, re.IGNORECASE)
        bodies.add(body)
    assert len(bodies) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_can_still_be_done_depends_on_the_deadline(language: str) -> None:
    words = {
        "deadline-moved": {"nb": "sendt inn", "nn": "send inn", "en": "have submitted"},
        "attachment-refused": {
            "nb": "før søknadsfristen",
            "nn": "før søknadsfristen",
            "en": "before the deadline",
        },
    }
    for param in MAILS:
        fact, mail, template = param.values
        if template in words:
            matter = Matter(template, data_of(fact), case(), TITLES, mail.link, LATER)
            assert words[template][language] in render(matter, contact(language=language), PORTAL).text


def test_what_is_said_of_an_award_and_of_its_end_is_what_holds() -> None:
    def told(template: str, data: dict[str, Any]) -> str:
        return render(
            Matter(template, data, case(), TITLES, "case", LATER), contact(language="en"), PORTAL
        ).text

    assert "complain" not in told("letter-awarded", data_of(funding.LetterSent))
    assert "complain" in told("letter-referred", data_of(funding.LetterSent))
    assert "says which" not in told("letter-referred", data_of(funding.LetterSent))
    assert "1 February 2024" in told("grant-closed", data_of(funding.GrantClosed))
    assert "Nothing remains" in told("grant-closed", data_of(funding.GrantClosed, invoicing_until=None))
    leader = told("change-granted", data_of(funding.ChangeDecided, kind="leader"))
    assert "new project leader" in leader
    assert "you asked" not in leader


def test_a_referred_case_is_told_to_the_trusts_adviser_in_other_words() -> None:
    telling = TELLING[funding.LetterSent]
    assert isinstance(telling, Mail)
    for outcome in ("awarded", "reserve", "declined_ranking", "declined_threshold", "referred"):
        data = data_of(funding.LetterSent, outcome=outcome)
        told = [(mail.to, mail.template_for(data)) for mail in telling.mails if mail.is_news(data)]
        assert told[0] == (("holder", "editors", "institution"), f"letter-{outcome}")
        assert told[1:] == ([(("hf_adviser",), "letter-referred-adviser")] if outcome == "referred" else [])


def test_who_asked_for_a_change_hears_of_it_and_so_does_the_new_leader() -> None:
    telling = TELLING[funding.ChangeDecided]
    assert isinstance(telling, Mail)
    asker, leader = str(uuid4()), str(uuid4())
    data = data_of(funding.ChangeDecided, asked_by=asker, holder_id=leader)
    assert {str(each.person_id) for each in telling.audiences(data, case(), None)} == {asker, leader}


def test_an_instant_is_told_in_oslo_time() -> None:
    data = _submitted() | {"submitted_at": "2023-10-25T12:59:30Z"}
    matter = Matter("receipt", data, case(), TITLES, "case", LATER)
    assert "25. oktober 2023 kl. 14.59" in render(matter, contact(), PORTAL).text


NASTY = [
    "<script>alert(1)</script>",
    "</p><a href='http://evil.example'>x</a>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% raw %}",
    "a\r\nBcc: all@evil.example\r\n\r\n<b>b</b>",
    "x\u2028\u2029\u202ey\x00\x0b",
    "http://evil.example/",
]


@pytest.mark.parametrize("payload", NASTY)
def test_what_people_wrote_stays_text(payload: str) -> None:
    harmless = render(
        Matter("receipt", _submitted(), case(title="T"), TITLES, "case", LATER), contact(), PORTAL
    )
    nasty = render(
        Matter("receipt", _submitted(), case(title=payload), TITLES, "case", LATER),
        contact(name=payload),
        PORTAL,
    )
    assert _tags(nasty.html) == _tags(harmless.html)
    assert _links(nasty.html) == _links(harmless.html)
    assert "\n" not in nasty.subject
    assert "\r" not in nasty.text
    assert nasty.text.count("\n") == harmless.text.count("\n")
    assert "49" not in nasty.subject.replace(str(CASE), "") or "49" in payload


def test_a_value_the_table_does_not_know_is_refused() -> None:
    mail = TELLING[review.PrescreeningDecided]
    assert isinstance(mail, Mail)
    with pytest.raises(Malformed, match="outcome"):
        mail.template_for({"outcome": "perhaps"})


def test_holder_as_a_role_is_the_holder_of_the_case() -> None:
    mail = TELLING[review.TaskEscalated]
    assert isinstance(mail, Mail)
    to = [{"role": "holder"}, {"role": "hf_adviser", "organisation": "HNT"}]
    assert mail.audiences({"to": to}, case(), None) == [
        Audience("holder", None, PERSON),
        Audience("hf_adviser", "HNT"),
    ]


def test_a_role_that_waits_keeps_its_organisation() -> None:
    for audience in (Audience("lead", "HP"), Audience("rhf_adviser")):
        assert Audience.waiting(audience.waits_as) == audience


def _submitted() -> dict[str, Any]:
    from services.intake.events import ApplicationSubmitted

    return data_of(ApplicationSubmitted)


class _Dom(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("href", "src", "action")]


def _dom(html: str) -> _Dom:
    dom = _Dom()
    dom.feed(html)
    return dom


def _tags(html: str) -> list[str]:
    return _dom(html).tags


def _links(html: str) -> list[str]:
    return _dom(html).links
