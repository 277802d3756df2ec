"""The stages of a case, as its applicant reads them."""

STAGES: dict[str, dict[str, str]] = {
    "draft": {"nb": "Utkast", "nn": "Utkast", "en": "Draft"},
    "submitted": {"nb": "Mottatt", "nn": "Motteken", "en": "Received"},
    "received": {"nb": "Mottatt", "nn": "Motteken", "en": "Received"},
    "formal_check": {"nb": "Formell kontroll", "nn": "Formell kontroll", "en": "Formal check"},
    "prescreening": {
        "nb": "Vurderes i helseforetaket",
        "nn": "Blir vurdert i helseføretaket",
        "en": "With the health trust",
    },
    "returned": {"nb": "Returnert til deg", "nn": "Returnert til deg", "en": "Returned to you"},
    "consultation": {"nb": "Til uttalelse", "nn": "Til fråsegn", "en": "In consultation"},
    "round": {"nb": "Venter på komiteen", "nn": "Ventar på komiteen", "en": "Waiting for the committee"},
    "assessment": {
        "nb": "Vurderes av komiteen",
        "nn": "Blir vurdert av komiteen",
        "en": "With the committee",
    },
    "decision": {"nb": "Til beslutning", "nn": "Til avgjerd", "en": "Being decided"},
    "decided": {"nb": "Avgjort", "nn": "Avgjord", "en": "Decided"},
    "reserve": {"nb": "På reserveliste", "nn": "På reserveliste", "en": "On the reserve list"},
    "acceptance": {
        "nb": "Venter på ditt svar",
        "nn": "Ventar på svaret ditt",
        "en": "Waiting for your answer",
    },
    "plan": {"nb": "Tilpasset plan", "nn": "Tilpassa plan", "en": "Adjusted plan"},
    "start": {"nb": "Venter på oppstart", "nn": "Ventar på oppstart", "en": "Waiting for the start"},
    "project": {"nb": "Prosjektet er i gang", "nn": "Prosjektet er i gang", "en": "The project is running"},
    "report": {"nb": "Rapportering", "nn": "Rapportering", "en": "Reporting"},
    "complaint": {
        "nb": "Klage til behandling",
        "nn": "Klage til handsaming",
        "en": "Complaint being handled",
    },
    "reassessment": {"nb": "Vurderes på nytt", "nn": "Blir vurdert på nytt", "en": "Being assessed again"},
    "rejected": {"nb": "Avvist", "nn": "Avvist", "en": "Rejected"},
    "not_recommended": {"nb": "Ikke anbefalt", "nn": "Ikkje tilrådd", "en": "Not recommended"},
    "withdrawn": {"nb": "Trukket", "nn": "Trekt", "en": "Withdrawn"},
    "expired": {"nb": "Utløpt", "nn": "Gått ut", "en": "Expired"},
    "closed": {"nb": "Avsluttet", "nn": "Avslutta", "en": "Closed"},
}
