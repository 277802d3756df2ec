"""The words of letters and presentations in bokmål (nb), nynorsk (nn) and English (en)."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["nb", "nn", "en"]

TEXTS: Mapping[str, Mapping[str, str]] = {
    "nb": {
        "case": "Saksnummer",
        "organisation": "Søkerinstitusjon",
        "category": "Kategori",
        "date": "Dato",
        "heading": "Svar på søknad om innovasjonsmidler",
        "superseding": "Dette vedtaket erstatter vårt tidligere vedtak i saken.",
        "awarded": "Vi er glade for å kunne fortelle at søknaden er innvilget.",
        "reserve": "Søknaden er støtteverdig, men potten er brukt opp. Søknaden står på reservelisten.",
        "declined_ranking": "Søknaden er støtteverdig, men nådde ikke opp i konkurransen om midlene.",
        "declined_threshold": "Søknaden er avslått fordi den ikke kom over terskelen på alle kriterier.",
        "referred": (
            "Søknaden faller utenfor denne ordningen. Vi ber HF-rådgiveren vurdere annen "
            "finansiering med dere."
        ),
        "amount": "Tildelt beløp",
        "reserve_amount": "Beløp dersom midler blir frigjort",
        "reserve_until": "Plassen på reservelisten gjelder til",
        "accept_due": "Frist for å ta imot tildelingen",
        "start_due": "Prosjektet må være i gang senest",
        "conditions": "Vilkår",
        "adjusted_plan": "Aktivitetsplanen må tilpasses og bekreftes av {organisation} før oppstart.",
        "other_condition": "Vilkår {code}.",
        "assessment": "Vurdering",
        "criterion": "Kriterium",
        "average": "Snitt",
        "threshold": "Snittet må være over {threshold} på hvert kriterium. Skalaen går til {highest}.",
        "reason": "Begrunnelse for vedtaket",
        "complaint": "Klage",
        "changes": "Endringer",
        "complaint_text": (
            "Søkerinstitusjonen kan klage på feil i saksbehandlingen. Den faglige vurderingen kan "
            "ikke påklages. "
            "Klagen sendes i portalen innen {until} og må si hvilken feil det gjelder."
        ),
        "award_stands": (
            "Er noe feil i tildelingen, søker prosjektlederen om endring i portalen når tildelingen "
            "er tatt imot: av "
            "prosjektleder, plan, budsjett eller sluttdato. Slik blir tildelingen stående mens saken ses på. "
            "Ny prosjektleder kan også institusjonen søke om, når som helst."
        ),
        "presentation": "Tildeling av innovasjonsmidler",
        "pot": "Pott",
        "awarded_sum": "Innvilget",
        "left": "Rest",
        "assessed": "Vurderte søknader",
        "awards": "Innvilgede søknader",
        "reserve_list": "Reserveliste",
        "title": "Tittel",
        "none": "Ingen",
        "deviates": "Avvik fra innstillingen",
    },
    "nn": {
        "case": "Saksnummer",
        "organisation": "Søkjarinstitusjon",
        "category": "Kategori",
        "date": "Dato",
        "heading": "Svar på søknad om innovasjonsmidlar",
        "superseding": "Dette vedtaket erstattar det tidlegare vedtaket vårt i saka.",
        "awarded": "Vi er glade for å kunne fortelje at søknaden er innvilga.",
        "reserve": "Søknaden er verd støtte, men potten er brukt opp. Søknaden står på reservelista.",
        "declined_ranking": "Søknaden er verd støtte, men nådde ikkje opp i konkurransen om midlane.",
        "declined_threshold": "Søknaden er avslått fordi han ikkje kom over terskelen på alle kriterium.",
        "referred": (
            "Søknaden fell utanfor denne ordninga. Vi ber HF-rådgivaren vurdere anna "
            "finansiering saman med dykk."
        ),
        "amount": "Tildelt beløp",
        "reserve_amount": "Beløp dersom midlar blir frigjorde",
        "reserve_until": "Plassen på reservelista gjeld til",
        "accept_due": "Frist for å ta imot tildelinga",
        "start_due": "Prosjektet må vere i gang seinast",
        "conditions": "Vilkår",
        "adjusted_plan": "Aktivitetsplanen må tilpassast og stadfestast av {organisation} før oppstart.",
        "other_condition": "Vilkår {code}.",
        "assessment": "Vurdering",
        "criterion": "Kriterium",
        "average": "Snitt",
        "threshold": "Snittet må vere over {threshold} på kvart kriterium. Skalaen går til {highest}.",
        "reason": "Grunngiving for vedtaket",
        "complaint": "Klage",
        "changes": "Endringar",
        "complaint_text": (
            "Søkjarinstitusjonen kan klage på feil i saksbehandlinga. Den faglege vurderinga kan "
            "ein ikkje klage på. "
            "Klagen blir send i portalen innan {until} og må seie kva feil det gjeld."
        ),
        "award_stands": (
            "Er noko feil i tildelinga, søkjer prosjektleiaren om endring i portalen når tildelinga "
            "er teken imot: av "
            "prosjektleiar, plan, budsjett eller sluttdato. Slik blir tildelinga ståande medan saka "
            "blir sett på. Ny prosjektleiar kan også institusjonen søkje om, når som helst."
        ),
        "presentation": "Tildeling av innovasjonsmidlar",
        "pot": "Pott",
        "awarded_sum": "Innvilga",
        "left": "Rest",
        "assessed": "Vurderte søknader",
        "awards": "Innvilga søknader",
        "reserve_list": "Reserveliste",
        "title": "Tittel",
        "none": "Ingen",
        "deviates": "Avvik frå innstillinga",
    },
    "en": {
        "case": "Case number",
        "organisation": "Applying institution",
        "category": "Category",
        "date": "Date",
        "heading": "Answer to your application for innovation funds",
        "superseding": "This decision replaces our earlier decision in the case.",
        "awarded": "We are glad to tell you that your application is granted.",
        "reserve": (
            "Your application is worthy of support, but the pot is spent. It stands on the reserve list."
        ),
        "declined_ranking": "Your application is worthy of support, but others were ranked before it.",
        "declined_threshold": (
            "Your application is declined because it is not above the threshold on every criterion."
        ),
        "referred": (
            "Your application falls outside this scheme. We ask your trust's adviser to "
            "look for other funding."
        ),
        "amount": "Amount granted",
        "reserve_amount": "Amount, should money come free",
        "reserve_until": "The place on the reserve list is valid until",
        "accept_due": "Please accept the award by",
        "start_due": "The project must have started by",
        "conditions": "Conditions",
        "adjusted_plan": (
            "The activity plan must be adjusted, and confirmed by {organisation} before the start."
        ),
        "other_condition": "Condition {code}.",
        "assessment": "Assessment",
        "criterion": "Criterion",
        "average": "Average",
        "threshold": "The average must be above {threshold} on every criterion. The scale ends at {highest}.",
        "reason": "Reason for the decision",
        "complaint": "Complaint",
        "changes": "Changes",
        "complaint_text": (
            "The applying institution may complain about errors of procedure. The assessment itself "
            "cannot be "
            "complained of. Send the complaint in the portal by {until} and say which error it is about."
        ),
        "award_stands": (
            "If something is wrong with the award, the project leader asks for a change in the "
            "portal once the award is "
            "accepted: of leader, plan, budget or end. The award stands while the request is considered. "
            "The institution, too, may ask for another leader, at any time."
        ),
        "presentation": "Award of innovation funds",
        "pot": "Pot",
        "awarded_sum": "Granted",
        "left": "Left",
        "assessed": "Applications assessed",
        "awards": "Applications granted",
        "reserve_list": "Reserve list",
        "title": "Title",
        "none": "None",
        "deviates": "Differs from the recommendation",
    },
}
"""Every language has the same keys; a test compares them."""
