"""Why a case stands where it stands in a ranking, in words, in the three languages people may choose."""

from fractions import Fraction

from services.review.domain.ranking import Placed, Rules

Words = dict[str, str]
"""A sentence by language: nb, nn, en."""

_OUTCOMES: dict[str, Words] = {
    "awarded": {
        "nb": "Hele beløpet får plass i potten.",
        "nn": "Heile beløpet får plass i potten.",
        "en": "The whole amount fits within the pot.",
    },
    "reserve": {
        "nb": "Beløpet får ikke plass i det som er igjen av potten; søknaden står på reservelisten.",
        "nn": "Beløpet får ikkje plass i det som er att av potten; søknaden står på reservelista.",
        "en": "The amount does not fit in what is left of the pot; the application is on the reserve list.",
    },
    "declined_ranking": {
        "nb": "Potten og reservelisten er brukt opp av søknader som er rangert foran.",
        "nn": "Potten og reservelista er brukte opp av søknader som er rangerte framfor.",
        "en": "The pot and the reserve list are taken by applications that rank higher.",
    },
}
_THRESHOLD: Words = {
    "nb": "Snittet må være over {threshold} på hvert kriterium: {below}.",
    "nn": "Snittet må vere over {threshold} på kvart kriterium: {below}.",
    "en": "The average must be above {threshold} on every criterion: {below}.",
}
_TIE: dict[str, Words] = {
    "priority_area": {
        "nb": "Likt snitt med andre; treff på satsingsområde avgjorde.",
        "nn": "Likt snitt med andre; treff på satsingsområde avgjorde.",
        "en": "Equal to others in the mean; a hit on a priority area decided.",
    },
    "chair": {
        "nb": "Likt snitt med andre; lederen av panelet fastsatte rekkefølgen.",
        "nn": "Likt snitt med andre; leiaren av panelet fastsette rekkjefølgja.",
        "en": "Equal to others in the mean; the chair of the panel set the order.",
    },
}
_TIE_BY_CRITERION: Words = {
    "nb": "Likt snitt med andre; snittet på {criterion} avgjorde.",
    "nn": "Likt snitt med andre; snittet på {criterion} avgjorde.",
    "en": "Equal to others in the mean; the average on {criterion} decided.",
}


def explain(placed: Placed, rules: Rules, names: dict[str, Words]) -> Words:
    """The reason for the outcome, and for the order among equals. `names`: the criteria's names by code."""
    return {language: _sentence(placed, rules, names, language) for language in ("nb", "nn", "en")}


def _sentence(placed: Placed, rules: Rules, names: dict[str, Words], language: str) -> str:
    if placed.below:
        below = ", ".join(
            f"{names[code][language]} {_number(placed.averages[code])}" for code in placed.below
        )
        return _THRESHOLD[language].format(threshold=_number(rules.threshold), below=below)
    sentence = _OUTCOMES[placed.outcome][language]
    if placed.tie_decided_by is None:
        return sentence
    by = placed.tie_decided_by
    tie = (
        _TIE[by][language]
        if by in _TIE
        else _TIE_BY_CRITERION[language].format(criterion=names[by][language])
    )
    return f"{sentence} {tie}"


def _number(value: Fraction) -> str:
    return f"{float(value):.2f}"
