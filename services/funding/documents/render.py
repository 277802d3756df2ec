"""Contents to PDF/A-2b, by typst. Text of people is data to the template and never markup."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import typst
from babel.dates import format_datetime
from babel.numbers import format_decimal

from services.common.calendar import OSLO
from services.funding.documents.texts import TEXTS, Language

_HERE = Path(__file__).parent
_LOCALES = {"nb": "nb_NO", "nn": "nn_NO", "en": "en_GB"}


async def letter_pdf(contents: Mapping[str, Any], language: Language) -> bytes:
    """The letter in this language; the same contents give the same pages."""
    return await asyncio.to_thread(_compile, "letter.typ", letter_page(contents, language))


async def presentation_pdf(contents: Mapping[str, Any], language: Language) -> bytes:
    """The presentation for the leader meeting."""
    return await asyncio.to_thread(_compile, "presentation.typ", presentation_page(contents, language))


def letter_page(contents: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """What the template sets: every text chosen, every amount and instant written out."""
    texts = TEXTS[language]
    outcome = contents["outcome"]
    figures = []
    if contents["amount"]:
        name = "amount" if outcome == "awarded" else "reserve_amount"
        figures.append([texts[name], _amount(contents["amount"], language)])
    for field, name in (
        ("reserve_until", "reserve_until"),
        ("accept_due_at", "accept_due"),
        ("start_due_at", "start_due"),
    ):
        if contents[field]:
            figures.append([texts[name], _instant(contents[field], language)])
    lines = [texts[outcome]]
    if contents["version"] > 1:
        lines.insert(0, texts["superseding"])
    if contents["reason"]:
        lines.append(f"{texts['reason']}: {contents['reason']}")
    return {
        "lang": "nb" if language == "nb" else language,
        "texts": dict(texts),
        "funder": contents["funder"],
        "call": contents["call"][language],
        "case_number": contents["case_number"],
        "title": contents["title"],
        "facts": [
            [texts["case"], contents["case_number"]],
            [texts["organisation"], contents["organisation"]],
            [texts["category"], contents["category"][language]],
            [texts["date"], _day(contents["sent_at"], language)],
        ],
        "lines": lines,
        "figures": figures,
        "conditions": [_condition(each, language) for each in contents["conditions"]],
        "criteria": [
            [each["name"][language], _number(each["average"], language)] for each in contents["criteria"]
        ],
        "threshold": texts["threshold"].format(
            threshold=_number(contents["threshold"], language), highest=contents["highest"]
        ),
        **_remedy(contents, language),
        **_date(contents["sent_at"]),
    }


def _remedy(contents: Mapping[str, Any], language: Language) -> dict[str, str]:
    """What can be done about the decision: an award is changed, every other decision can be complained of."""
    texts = TEXTS[language]
    if contents["outcome"] == "awarded":
        return {"remedy": texts["changes"], "how": texts["award_stands"]}
    until = _instant(contents["complaint_until"], language)
    return {"remedy": texts["complaint"], "how": texts["complaint_text"].format(until=until)}


def presentation_page(contents: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """What the template sets, one slide per panel."""
    texts = TEXTS[language]
    header = [texts["case"], texts["title"], texts["organisation"], texts["category"], texts["amount"]]
    return {
        "lang": language,
        "texts": dict(texts),
        "funder": contents["funder"],
        "call": contents["call"][language],
        "date": _day(contents["made_at"], language),
        "panels": [
            {
                "name": panel["name"][language],
                "figures": [
                    [texts["pot"], _amount(panel["pot"], language)],
                    [texts["awarded_sum"], _amount(panel["awarded"], language)],
                    [texts["left"], _amount(panel["pot"] - panel["awarded"], language)],
                    [texts["assessed"], str(panel["assessed"])],
                ],
                "lists": [
                    {
                        "name": texts[name],
                        "header": header,
                        "rows": [_row(each, language) for each in panel[field]],
                    }
                    for name, field in (("awards", "awards"), ("reserve_list", "reserve"))
                ],
            }
            for panel in contents["panels"]
        ],
        **_date(contents["made_at"]),
    }


def _row(line: Mapping[str, Any], language: Language) -> list[str]:
    deviates = f" ({TEXTS[language]['deviates']}: {line['deviates']})" if line["deviates"] else ""
    return [
        line["case_number"],
        line["title"] + deviates,
        line["organisation"],
        line["category"][language],
        _amount(line["amount"], language),
    ]


def _condition(condition: Mapping[str, str], language: Language) -> str:
    name = "adjusted_plan" if condition["kind"] == "adjusted_plan" else "other_condition"
    return TEXTS[language][name].format(**condition)


def _amount(amount: int, language: Language) -> str:
    return f"{format_decimal(amount, locale=_LOCALES[language])} NOK"


def _number(value: float, language: Language) -> str:
    return str(format_decimal(value, format="0.00", locale=_LOCALES[language]))


def _instant(text: str, language: Language) -> str:
    at = datetime.fromisoformat(text).astimezone(OSLO)
    return str(
        format_datetime(
            at, "d. MMMM y HH:mm" if language != "en" else "d MMMM y HH:mm", locale=_LOCALES[language]
        )
    )


def _day(text: str, language: Language) -> str:
    return _instant(text, language)[:-6]


def _date(text: str) -> dict[str, int]:
    at = datetime.fromisoformat(text).astimezone(OSLO)
    return {"year": at.year, "month": at.month, "day": at.day}


def _compile(template: str, page: Mapping[str, Any]) -> bytes:
    data = json.dumps(page, ensure_ascii=False)
    try:
        return _typeset(template, data)
    except typst.TypstError as error:
        if "could not be displayed" not in str(error):
            raise
        # PDF/A refuses a sign that no font has; somebody's emoji must not keep a letter from being read.
        return _typeset(template, "".join(each if _is_displayable(each) else "?" for each in data))


def _is_displayable(sign: str) -> bool:
    return sign.isascii() or "\u00a0" <= sign < "\u0180" or sign in "–—‘’“”•…€−"


def _typeset(template: str, data: str) -> bytes:
    made: bytes = typst.compile(
        str(_HERE / template),
        root=str(_HERE),
        sys_inputs={"data": data},
        pdf_standards=["a-2b"],
        ignore_system_fonts=True,
    )
    return made
