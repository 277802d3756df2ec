"""What has happened to a case, as its applicant reads it."""

HAPPENED: dict[str, dict[str, str]] = {
    "created": {
        "nb": "Utkastet ble opprettet",
        "nn": "Utkastet vart oppretta",
        "en": "The draft was created",
    },
    "endorsement_asked": {
        "nb": "En leder ble bedt om å forankre søknaden",
        "nn": "Ein leiar vart beden om å forankre søknaden",
        "en": "A leader was asked to endorse",
    },
    "endorsement_endorsed": {
        "nb": "Lederen forankret søknaden",
        "nn": "Leiaren forankra søknaden",
        "en": "The leader endorsed",
    },
    "endorsement_declined": {
        "nb": "Lederen forankret ikke søknaden",
        "nn": "Leiaren forankra ikkje søknaden",
        "en": "The leader did not endorse",
    },
    "endorsement_voided": {
        "nb": "Forankringen gjelder ikke lenger",
        "nn": "Forankringa gjeld ikkje lenger",
        "en": "The endorsement no longer counts",
    },
    "endorsement_cancelled": {
        "nb": "Lederen er ikke lenger bedt om å forankre søknaden",
        "nn": "Leiaren er ikkje lenger beden om å forankre søknaden",
        "en": "The leader is no longer asked to endorse",
    },
    "clarification_asked": {
        "nb": "Avklaring er bedt om",
        "nn": "Avklaring er beden om",
        "en": "A clarification was asked for",
    },
    "clarification_answered": {
        "nb": "Avklaringen er besvart",
        "nn": "Avklaringa er svart på",
        "en": "The clarification was answered",
    },
    "attachment_refused": {
        "nb": "Et vedlegg ble avvist i kontrollen",
        "nn": "Eit vedlegg vart avvist i kontrollen",
        "en": "An attachment was refused by the check",
    },
    "submitted": {
        "nb": "Søknaden ble levert",
        "nn": "Søknaden vart levert",
        "en": "The application was submitted",
    },
    "resubmitted": {
        "nb": "Søknaden ble levert på nytt",
        "nn": "Søknaden vart levert på nytt",
        "en": "The application was submitted again",
    },
    "formal_check_findings": {
        "nb": "Den formelle kontrollen fant noe; en rådgiver ser på det",
        "nn": "Den formelle kontrollen fann noko; ein rådgjevar ser på det",
        "en": "The formal check found something; an adviser looks at it",
    },
    "formal_check_passed": {
        "nb": "Den formelle kontrollen er bestått",
        "nn": "Den formelle kontrollen er bestått",
        "en": "The formal check is passed",
    },
    "rejected": {
        "nb": "Søknaden ble avvist",
        "nn": "Søknaden vart avvist",
        "en": "The application was rejected",
    },
    "rejection_undone": {
        "nb": "Avvisningen ble omgjort",
        "nn": "Avvisinga vart gjort om",
        "en": "The rejection was undone",
    },
    "returned": {
        "nb": "Søknaden ble returnert til deg",
        "nn": "Søknaden vart returnert til deg",
        "en": "The application was returned to you",
    },
    "expired": {
        "nb": "Søknaden ble ikke levert på nytt innen fristen",
        "nn": "Søknaden vart ikkje levert på nytt innan fristen",
        "en": "The application was not submitted again in time",
    },
    "call_closed": {
        "nb": "Utlysningen ble lukket uten at utkastet var levert",
        "nn": "Utlysinga vart lukka utan at utkastet var levert",
        "en": "The call closed, and the draft had not been submitted",
    },
    "withdrawn": {
        "nb": "Søknaden ble trukket",
        "nn": "Søknaden vart trekt",
        "en": "The application was withdrawn",
    },
    "withdrawal_undone": {
        "nb": "Trekkingen ble angret",
        "nn": "Trekkinga vart angra",
        "en": "The withdrawal was undone",
    },
    "prescreening_recommended": {
        "nb": "Helseforetaket anbefaler søknaden",
        "nn": "Helseføretaket tilrår søknaden",
        "en": "The health trust recommends the application",
    },
    "prescreening_not_recommended": {
        "nb": "Helseforetaket anbefaler ikke søknaden",
        "nn": "Helseføretaket tilrår ikkje søknaden",
        "en": "The health trust does not recommend the application",
    },
    "consultation_answered": {
        "nb": "En uttalelse er gitt",
        "nn": "Ei fråsegn er gitt",
        "en": "A consultation was answered",
    },
    "consultation_waived": {
        "nb": "Søknaden går videre uten en uttalelse som er for sen",
        "nn": "Søknaden går vidare utan ei fråsegn som er for sein",
        "en": "The application goes on without an answer that is overdue",
    },
    "question_asked": {
        "nb": "Du har fått et spørsmål",
        "nn": "Du har fått eit spørsmål",
        "en": "You have been asked a question",
    },
    "question_answered": {
        "nb": "Spørsmålet er besvart",
        "nn": "Spørsmålet er svart på",
        "en": "The question was answered",
    },
    "round_entered": {
        "nb": "Søknaden er klar for komiteen",
        "nn": "Søknaden er klar for komiteen",
        "en": "The application is ready for the committee",
    },
    "pitch_invited": {
        "nb": "Du er invitert til å presentere prosjektet",
        "nn": "Du er invitert til å presentere prosjektet",
        "en": "You are invited to pitch the project",
    },
    "letter_sent": {
        "nb": "Vedtaksbrevet er sendt",
        "nn": "Vedtaksbrevet er sendt",
        "en": "The decision letter was sent",
    },
    "award_accepted": {
        "nb": "Tildelingen ble tatt imot",
        "nn": "Tildelinga vart teken imot",
        "en": "The award was accepted",
    },
    "award_refused": {
        "nb": "Tildelingen ble avslått",
        "nn": "Tildelinga vart avslått",
        "en": "The award was turned down",
    },
    "award_lost": {
        "nb": "Tildelingen falt bort",
        "nn": "Tildelinga fall bort",
        "en": "The award was lost",
    },
    "award_kept": {
        "nb": "Tildelingen står ved lag",
        "nn": "Tildelinga står ved lag",
        "en": "The award stands",
    },
    "reserve_expired": {
        "nb": "Plassen på reservelisten er utløpt",
        "nn": "Plassen på reservelista har gått ut",
        "en": "The place on the reserve list has expired",
    },
    "kickoff_planned": {
        "nb": "Oppstartseminaret er planlagt",
        "nn": "Oppstartseminaret er planlagt",
        "en": "The kick-off seminar is planned",
    },
    "plan_delivered": {
        "nb": "Tilpasset plan er levert",
        "nn": "Tilpassa plan er levert",
        "en": "The adjusted plan was delivered",
    },
    "plan_confirmed": {
        "nb": "Tilpasset plan er bekreftet",
        "nn": "Tilpassa plan er stadfesta",
        "en": "The adjusted plan was confirmed",
    },
    "plan_returned": {
        "nb": "Tilpasset plan ble returnert",
        "nn": "Tilpassa plan vart returnert",
        "en": "The adjusted plan was returned",
    },
    "extension_asked": {
        "nb": "Utsatt oppstart er søkt om",
        "nn": "Utsett oppstart er søkt om",
        "en": "A later start was asked for",
    },
    "extension_granted": {
        "nb": "Utsatt oppstart er innvilget",
        "nn": "Utsett oppstart er innvilga",
        "en": "The later start was granted",
    },
    "extension_refused": {
        "nb": "Utsatt oppstart er avslått",
        "nn": "Utsett oppstart er avslått",
        "en": "The later start was refused",
    },
    "started": {
        "nb": "Prosjektet har startet",
        "nn": "Prosjektet har starta",
        "en": "The project has started",
    },
    "report_requested": {
        "nb": "Rapport er etterspurt",
        "nn": "Rapport er etterspurd",
        "en": "A report was asked for",
    },
    "report_submitted": {
        "nb": "Rapporten er levert",
        "nn": "Rapporten er levert",
        "en": "The report was delivered",
    },
    "report_approved": {
        "nb": "Rapporten er godkjent",
        "nn": "Rapporten er godkjend",
        "en": "The report was approved",
    },
    "report_returned": {
        "nb": "Rapporten ble returnert",
        "nn": "Rapporten vart returnert",
        "en": "The report was returned",
    },
    "change_granted": {
        "nb": "Endringen er innvilget",
        "nn": "Endringa er innvilga",
        "en": "The change was granted",
    },
    "change_refused": {
        "nb": "Endringen er avslått",
        "nn": "Endringa er avslått",
        "en": "The change was refused",
    },
    "leader_changed": {
        "nb": "Prosjektet har fått ny leder",
        "nn": "Prosjektet har fått ny leiar",
        "en": "The project has a new leader",
    },
    "grant_closed": {
        "nb": "Prosjektet er avsluttet",
        "nn": "Prosjektet er avslutta",
        "en": "The project is closed",
    },
    "complaint_received": {
        "nb": "Klagen er mottatt",
        "nn": "Klaga er motteken",
        "en": "The complaint was received",
    },
    "complaint_upheld": {
        "nb": "Klagen er tatt til følge",
        "nn": "Klaga er teken til følgje",
        "en": "The complaint was upheld",
    },
    "complaint_dismissed": {
        "nb": "Klagen er ikke tatt til følge",
        "nn": "Klaga er ikkje teken til følgje",
        "en": "The complaint was not upheld",
    },
}
