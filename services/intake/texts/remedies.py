# ruff: noqa: E501 - sentences for people are kept whole
"""What a person can do about a finding; `{...}` are limits of the call."""

REMEDIES: dict[str, dict[str, str]] = {
    "required": {
        "nb": "Fyll ut dette feltet.",
        "nn": "Fyll ut dette feltet.",
        "en": "Fill in this field.",
    },
    "unknown_code": {
        "nb": "Velg blant: {known}.",
        "nn": "Vel mellom: {known}.",
        "en": "Choose among: {known}.",
    },
    "not_known": {
        "nb": "Dette feltet finnes ikke i skjemaet. Fjern det.",
        "nn": "Dette feltet finst ikkje i skjemaet. Fjern det.",
        "en": "The form has no such field. Remove it.",
    },
    "too_short": {
        "nb": "Skriv minst {least} tegn.",
        "nn": "Skriv minst {least} teikn.",
        "en": "Write at least {least} characters.",
    },
    "too_long": {
        "nb": "Skriv høyst {most} tegn.",
        "nn": "Skriv høgst {most} teikn.",
        "en": "Write at most {most} characters.",
    },
    "wrong_form_value": {
        "nb": "Verdien passer ikke her ({rule}).",
        "nn": "Verdien passar ikkje her ({rule}).",
        "en": "The value does not fit here ({rule}).",
    },
    "budget_not_covered": {
        "nb": "Egenandel og søknadsbeløp er til sammen {paid} kroner, men budsjettet er {total} kroner. De skal være like.",
        "nn": "Eigendel og søknadsbeløp er til saman {paid} kroner, men budsjettet er {total} kroner. Dei skal vere like.",
        "en": "Own share and amount applied for are NOK {paid} together, but the budget is NOK {total}. They must be equal.",
    },
    "own_share_too_small": {
        "nb": "Egenandelen er {is_percent} % av budsjettet. Den skal være minst {percent} %, her {least} kroner.",
        "nn": "Eigendelen er {is_percent} % av budsjettet. Han skal vere minst {percent} %, her {least} kroner.",
        "en": "The own share is {is_percent} % of the budget. It must be at least {percent} %, here NOK {least}.",
    },
    "employment_too_small": {
        "nb": "Prosjektlederen skal være ansatt minst {least} % i et helseforetak som søker.",
        "nn": "Prosjektleiaren skal vere tilsett minst {least} % i eit helseføretak som søkjer.",
        "en": "The project leader must be employed at least {least} % at an applying health trust.",
    },
    "too_many_awards": {
        "nb": "Et prosjekt kan få høyst {most} tildelinger.",
        "nn": "Eit prosjekt kan få høgst {most} tildelingar.",
        "en": "A project can have at most {most} awards.",
    },
    "areas_do_not_apply": {
        "nb": "Satsingsområdene gjelder ikke denne kategorien. Fjern dem.",
        "nn": "Satsingsområda gjeld ikkje denne kategorien. Fjern dei.",
        "en": "The priority areas do not apply to this category. Remove them.",
    },
    "amount_too_large": {
        "nb": "Søk om høyst {most} kroner i denne kategorien.",
        "nn": "Søk om høgst {most} kroner i denne kategorien.",
        "en": "Apply for at most NOK {most} in this category.",
    },
    "attachment_missing": {
        "nb": "Last opp dette vedlegget.",
        "nn": "Last opp dette vedlegget.",
        "en": "Upload this attachment.",
    },
    "upload_not_confirmed": {
        "nb": "Opplastingen er ikke fullført. Last opp filen på nytt.",
        "nn": "Opplastinga er ikkje fullført. Last opp fila på nytt.",
        "en": "The upload is not complete. Upload the file again.",
    },
    "refused_infected": {
        "nb": "Filen ble avvist fordi den inneholder skadelig programvare. Last opp en ren fil.",
        "nn": "Fila vart avvist fordi ho inneheld skadeleg programvare. Last opp ei rein fil.",
        "en": "The file was refused because it contains malware. Upload a clean file.",
    },
    "refused_active_content": {
        "nb": "Filen ble avvist fordi den inneholder skript, makroer eller innebygde filer. Lagre den som vanlig PDF.",
        "nn": "Fila vart avvist fordi ho inneheld skript, makroar eller innebygde filer. Lagre ho som vanleg PDF.",
        "en": "The file was refused because it contains scripts, macros or embedded files. Save it as a plain PDF.",
    },
    "refused_wrong_type": {
        "nb": "Filen ble avvist fordi innholdet ikke er den filtypen den gir seg ut for. Lagre den som PDF.",
        "nn": "Fila vart avvist fordi innhaldet ikkje er den filtypen ho gir seg ut for. Lagre ho som PDF.",
        "en": "The file was refused because its content is not of the type it claims. Save it as PDF.",
    },
    "refused_too_large": {
        "nb": "Filen ble avvist fordi den er for stor når den pakkes ut.",
        "nn": "Fila vart avvist fordi ho er for stor når ho blir pakka ut.",
        "en": "The file was refused because it is too large when unpacked.",
    },
    "refused_unreadable": {
        "nb": "Filen ble avvist fordi den ikke kan leses (skadet eller passordbeskyttet).",
        "nn": "Fila vart avvist fordi ho ikkje kan lesast (skadd eller passordverna).",
        "en": "The file was refused because it cannot be read (damaged or protected by a password).",
    },
    "refused_changed": {
        "nb": "Filen ble endret etter at den var kontrollert. Last den opp på nytt.",
        "nn": "Fila vart endra etter at ho var kontrollert. Last ho opp på nytt.",
        "en": "The file was changed after it was checked. Upload it again.",
    },
    "endorsement_missing": {
        "nb": "Be {position} om å forankre søknaden, og vent på svaret.",
        "nn": "Be {position} om å forankre søknaden, og vent på svaret.",
        "en": "Ask {position} to endorse the application, and wait for the answer.",
    },
    "too_many_pages": {
        "nb": "Vedlegget kan ha høyst {most} sider.",
        "nn": "Vedlegget kan ha høgst {most} sider.",
        "en": "The attachment may have at most {most} pages.",
    },
    "file_too_large": {
        "nb": "Filen kan være høyst {most} byte.",
        "nn": "Fila kan vere høgst {most} byte.",
        "en": "The file may be at most {most} bytes.",
    },
    "wrong_file_type": {
        "nb": "Filtypen skal være en av: {known}.",
        "nn": "Filtypen skal vere ein av: {known}.",
        "en": "The file type must be one of: {known}.",
    },
}
