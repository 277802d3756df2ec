"""Every place in a ranking says why, in three languages."""

from fractions import Fraction
from uuid import UUID

import pytest

from services.review.domain.explain import explain
from services.review.domain.ranking import Assessed, Rules, place

NAMES = {
    "benefit": {"nb": "Nytteverdi", "nn": "Nytteverdi", "en": "Benefit"},
    "feasibility": {"nb": "Gjennomføringsevne", "nn": "Gjennomføringsevne", "en": "Ability to carry out"},
}
RULES = Rules(Fraction("4.0"), pot=200, reserve_size=1, tie_criteria=("benefit",))


def case(n: int, benefit: int, feasibility: int, *, hit: bool = False) -> Assessed:
    votes = ({"benefit": benefit, "feasibility": feasibility},)
    return Assessed(UUID(int=n), 100, ("benefit", "feasibility"), hit, votes)


def why(cases: list[Assessed], chairs_order: list[int], language: str) -> list[str]:
    placed = place(cases, RULES, [UUID(int=n) for n in chairs_order])
    return [explain(each, RULES, NAMES)[language] for each in placed]


def test_the_ranking_explains_itself() -> None:
    cases = [case(1, 8, 8), case(2, 7, 7), case(3, 6, 6), case(4, 5, 5), case(5, 8, 4)]
    assert why(cases, [], "en") == [
        "The whole amount fits within the pot.",
        "The whole amount fits within the pot.",
        "The amount does not fit in what is left of the pot; the application is on the reserve list.",
        "The pot and the reserve list are taken by applications that rank higher.",
        "The average must be above 4.00 on every criterion: Ability to carry out 4.00.",
    ]
    assert why(cases, [], "nn")[4] == "Snittet må vere over 4.00 på kvart kriterium: Gjennomføringsevne 4.00."


def test_ties_say_what_decided() -> None:
    cases = [case(1, 7, 7, hit=True), case(2, 8, 6), case(3, 7, 7), case(4, 7, 7)]
    assert [each.split("; ")[-1] for each in why(cases, [4, 3], "nb")] == [
        "treff på satsingsområde avgjorde.",
        "snittet på Nytteverdi avgjorde.",
        "lederen av panelet fastsatte rekkefølgen.",
        "lederen av panelet fastsatte rekkefølgen.",
    ]


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_language_has_every_sentence(language: str) -> None:
    cases = [case(1, 8, 8), case(2, 7, 7), case(3, 7, 7), case(4, 5, 5), case(5, 4, 4)]
    sentences = why(cases, [2, 3], language)
    assert len(sentences) == 5
    assert all(each.endswith(".") and "{" not in each for each in sentences)
