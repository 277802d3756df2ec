"""Letters say the same in three languages, and what people wrote is never markup."""

from io import BytesIO

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.funding.documents.render import letter_page, letter_pdf, presentation_page, presentation_pdf
from services.funding.documents.texts import TEXTS, Language
from services.funding.domain.cases import Outcome

LANGUAGES: tuple[Language, ...] = ("nb", "nn", "en")


def _all(text: str) -> dict[str, str]:
    return dict.fromkeys(LANGUAGES, text)


def _contents(**changes: object) -> dict[str, object]:
    return {
        "funder": "Helse Midt-Norge RHF",
        "call": _all("Innovasjonsmidler"),
        "case_number": "2023-0042",
        "title": "Sensor for delir",
        "organisation": "St. Olavs hospital HF",
        "category": _all("Produktinnovasjon"),
        "version": 1,
        "outcome": "awarded",
        "amount": 750_000,
        "reason": None,
        "criteria": [{"name": _all("Nytteverdi"), "average": 6.25, "above": True}],
        "threshold": 4.0,
        "highest": 8,
        "conditions": [],
        "sent_at": "2024-01-10T23:30:00+00:00",
        "complaint_until": "2024-01-31T12:00:00+00:00",
        "reserve_until": None,
        "accept_due_at": "2024-01-31T12:00:00+00:00",
        "start_due_at": "2024-04-10T11:00:00+00:00",
        **changes,
    }


def test_every_language_has_every_text_and_every_outcome() -> None:
    assert len({frozenset(texts) for texts in TEXTS.values()}) == 1
    assert {str(outcome) for outcome in Outcome} <= TEXTS["nb"].keys()
    for key in TEXTS["nb"]:
        fields = {language: TEXTS[language][key].count("{") for language in LANGUAGES}
        assert len(set(fields.values())) == 1, f"{key}: {fields}"


def test_amounts_and_instants_are_written_as_people_write_them() -> None:
    page = letter_page(_contents(), "nb")
    assert page["facts"][3] == ["Dato", "11. januar 2024"]  # the day in Norway
    assert page["figures"][0] == ["Tildelt beløp", "750\xa0000 NOK"]
    assert page["criteria"] == [["Nytteverdi", "6,25"]]
    assert page["how"] == TEXTS["nb"]["award_stands"]
    declined = letter_page(_contents(outcome="declined_ranking", amount=0), "nb")
    assert "31. januar 2024 13:00" in declined["how"]
    assert declined["remedy"] == "Klage"
    english = letter_page(_contents(), "en")
    assert english["figures"][0] == ["Amount granted", "750,000 NOK"]
    assert english["facts"][3][1] == "11 January 2024"


def test_a_later_version_says_that_it_replaces_the_earlier() -> None:
    lines = letter_page(_contents(version=2, reason="Ledige midler"), "nn")["lines"]
    assert lines[0] == TEXTS["nn"]["superseding"]
    assert lines[-1] == "Grunngiving for vedtaket: Ledige midler"


def test_a_condition_names_who_confirms_the_plan() -> None:
    condition = {"kind": "adjusted_plan", "organisation": "Helseplattformen AS", "code": "adjusted_plan_HP"}
    other = {"kind": "pays", "organisation": "travel", "code": "pays_travel"}
    lines = letter_page(_contents(conditions=[condition, other]), "en")["conditions"]
    assert "Helseplattformen AS" in lines[0]
    assert lines[1] == "Condition pays_travel."


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200))
async def test_whatever_people_write_makes_a_letter(text: str) -> None:
    document = await letter_pdf(_contents(title=text, reason=text), "nb")
    with pikepdf.open(BytesIO(document)) as pdf:
        assert len(pdf.pages) >= 1


@pytest.mark.parametrize("language", LANGUAGES)
async def test_documents_are_pdf_a(language: Language) -> None:
    panel = {
        "name": _all("Produktpanelet"),
        "pot": 1_500_000,
        "awarded": 750_000,
        "assessed": 2,
        "awards": [
            {
                "case_number": "2023-0042",
                "title": "Sensor",
                "organisation": "STOLAV",
                "category": _all("Produkt"),
                "amount": 750_000,
                "rank": 1,
                "deviates": "Ledig rest",
            }
        ],
        "reserve": [],
    }
    shown = {
        "funder": "HMN",
        "call": _all("Innovasjonsmidler"),
        "made_at": "2024-01-10T12:00:00+00:00",
        "panels": [panel],
    }
    assert "Ledig rest" in presentation_page(shown, language)["panels"][0]["lists"][0]["rows"][0][1]
    for document in (await presentation_pdf(shown, language), await letter_pdf(_contents(), language)):
        with pikepdf.open(BytesIO(document)) as pdf, pdf.open_metadata() as metadata:
            assert metadata.pdfa_status == "2B"
