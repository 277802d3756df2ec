"""The words of a mail: texts of this folder, put together for one person in that person's language.

A text is written once per language; the plain part and the HTML part are two layouts of the same paragraphs.
What people have written (titles, names) enters as one line of plain text: it cannot begin a paragraph, become
markup or a link.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notify.domain import LANGUAGES, CaseFile, Contact
from services.notify.telling import Link

_HERE = Path(__file__).parent
_ZONE = ZoneInfo("Europe/Oslo")
_LOCALES = {"nb": "nb_NO", "nn": "nn_NO", "en": "en_GB"}
_INSTANT = {"nb": "d. MMMM y 'kl.' HH.mm", "nn": "d. MMMM y 'kl.' HH.mm", "en": "d MMMM y 'at' HH:mm"}
_LONGEST_SUBJECT = 180
_PATHS: Mapping[Link, str] = {
    "case": "/cases/{application_id}",
    "task": "/tasks/{task_id}",
    "call": "/calls/{call_id}",
    "invitation": "/invitations/{token}",
}


@dataclass(frozen=True)
class Rendered:
    """A mail's words."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Matter:
    """What a mail is about: the fact's data, the case, the call's title by language, and where its link
    leads."""

    template: str
    data: Mapping[str, Any]
    case: CaseFile | None
    call_title: Mapping[str, str]
    link: Link
    written_at: datetime
    task_kind: str | None = None


def render(matter: Matter, contact: Contact, portal_url: str) -> Rendered:
    """The mail for this person, in their language."""
    language = contact.language if contact.language in LANGUAGES else "nb"
    values = _values(matter, language)
    source = _texts()[matter.template][language]
    lines = _plain(language).from_string(source).render(values).strip()
    subject, _, body = lines.partition("\n")
    paragraphs = [line for line in (one_line(part) for part in body.split("\n\n")) if line]
    words = {name: text[language] for name, text in _words()["layout"].items()}
    layout = {
        "language": language,
        "subject": one_line(subject)[:_LONGEST_SUBJECT],
        "paragraphs": paragraphs,
        "name": one_line(contact.name),
        "words": words,
        "action": words[matter.link],
        "link": portal_url.rstrip("/") + _path(matter, contact),
    }
    return Rendered(
        subject=str(layout["subject"]),
        text=_layouts(False).get_template("mail.txt").render(layout),
        html=_layouts(True).get_template("mail.html").render(layout),
    )


def template_names() -> frozenset[str]:
    """Every template that has a text."""
    return frozenset(_texts())


def one_line(text: object) -> str:
    """Plain text without line breaks and control characters, whatever somebody typed."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") else c for c in str(text))
    return " ".join(plain.split())


def _values(matter: Matter, language: str) -> dict[str, Any]:
    case = matter.case
    title = one_line(case.title) if case and case.title else ""
    number = case.case_number if case and case.case_number else ""
    values: dict[str, Any] = {
        name: one_line(value) if isinstance(value, str) else value for name, value in matter.data.items()
    }
    values["call"] = one_line(matter.call_title.get(language, ""))
    values["title"] = title or _words()["untitled"][language]
    values["case_number"] = number
    values["about"] = f" – {title}{f' ({number})' if number else ''}" if title else ""
    if "due_at" in matter.data:
        # An escalation may come before the due instant; then it must not say that somebody is late.
        values["overdue"] = datetime.fromisoformat(matter.data["due_at"]) <= matter.written_at
    if matter.task_kind is not None:
        values["task"] = _words()["tasks"].get(matter.task_kind, {}).get(language, matter.task_kind)
    return values


def _path(matter: Matter, contact: Contact) -> str:
    case = matter.case
    return _PATHS[matter.link].format(
        application_id=case.application_id if case else "",
        call_id=matter.data.get("call_id", ""),
        task_id=matter.data.get("task_id", ""),
        token=contact.invitation_token or "",
    )


@cache
def _texts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name in ("intake", "review", "funding"):
        found |= yaml.safe_load((_HERE / "texts" / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


@cache
def _words() -> dict[str, dict[str, Any]]:
    words: dict[str, dict[str, Any]] = yaml.safe_load((_HERE / "texts" / "words.yaml").read_text("utf-8"))
    return words


@cache
def _plain(language: str) -> Environment:
    environment = Environment(autoescape=False, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["instant"] = lambda value: _instant(value, language)
    environment.filters["money"] = lambda value: f"{value:,}".replace(",", " ") + " kr"
    for name in ("organisations", "advice", "refusals"):
        environment.filters[_FILTERS[name]] = _word(name, language)
    return environment


_FILTERS = {"organisations": "organisation", "advice": "advice", "refusals": "refusal"}


def _word(name: str, language: str) -> Any:
    known = _words()[name]

    def word(code: str) -> str:
        entry = known.get(code) or known.get("other")
        return str(entry[language]) if entry else one_line(code)

    return word


def _instant(value: str, language: str) -> str:
    at = datetime.fromisoformat(value).astimezone(_ZONE)
    return format_datetime(at, _INSTANT[language], tzinfo=_ZONE, locale=_LOCALES[language])


@cache
def _layouts(escape: bool) -> Environment:
    return Environment(
        autoescape=escape, undefined=StrictUndefined, loader=FileSystemLoader(_HERE / "layout")
    )
