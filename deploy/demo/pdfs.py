"""The applicants' papers, made at run time: project description, CV and DOFI in Norwegian, as real PDFs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import typst

from deploy.demo.cast import Role

_PAGE = """
#set page(paper: "a4", margin: 2.5cm, numbering: "1")
#set text(lang: "nb", size: 11pt)
#set document(title: sys.inputs.title)
#let field(name) = sys.inputs.at(name)
"""
_DESCRIPTION = (
    _PAGE
    + """
= #field("title")
#field("organisation") · Prosjektbeskrivelse · #field("category")

== Bakgrunn
#field("problem") Dette er kjent blant både pasienter og ansatte, men ingen har hittil hatt ansvar for å løse
det.

== Løsning
Prosjektet lager #field("idea"). Vi bygger på det som allerede finnes, og prøver det ut i én avdeling før det
tas i bruk andre steder.

== Nytte
#field("benefit")

== Gjennomføring
+ Vi kartlegger dagens arbeidsform sammen med pasienter og ansatte.
+ Vi lager en første utgave og prøver den i liten skala.
+ Vi måler, retter og prøver igjen.
+ Vi deler erfaringene med de andre helseforetakene.

== Økonomi
Det søkes om #field("amount") kroner. Midlene går i hovedsak til å frikjøpe klinikere.
"""
)
_CV = (
    _PAGE
    + """
= CV for prosjektleder
*#field("name")*, #field("organisation")

== Stilling
Fagutvikler i klinikken, 60 prosent stilling ved helseforetaket.

== Erfaring
- Ledet to mindre forbedringsprosjekter i egen avdeling.
- Underviser kolleger i forbedringsarbeid.

== Utdanning
- Helsefaglig bachelor og videreutdanning i ledelse.
"""
)
_DOFI = (
    _PAGE
    + """
= Melding om oppfinnelse (DOFI)
*Tittel:* #field("title")

*Oppfinner:* #field("name"), #field("organisation")

*Kort beskrivelse:* #field("idea")

*Problem som løses:* #field("problem")
"""
)
_CATEGORIES = {
    "product": "produktinnovasjon",
    "service": "tjenesteinnovasjon",
    "transfer": "overføring av tjenesteinnovasjon",
}


@dataclass(frozen=True)
class Paper:
    """One file as it is uploaded."""

    kind: str
    filename: str
    content: bytes
    content_type: str = "application/pdf"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def papers(role: Role) -> list[Paper]:
    """What this application uploads. Who acknowledges X09 has forgotten the project description."""
    found = [Paper("cv", f"cv-{role.ref}.pdf", _compile(_CV, role))]
    if "X09" not in role.findings:
        text = _compile(_DESCRIPTION, role)
        found.append(Paper("project_description", f"prosjektbeskrivelse-{role.ref}.pdf", text))
    if role.category == "product":
        found.append(Paper("dofi", f"dofi-{role.ref}.pdf", _compile(_DOFI, role)))
    return found


def infected(paper: Paper) -> Paper:
    """The same paper with the scanners' harmless test pattern in it, put together here and stored nowhere."""
    halves = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*")
    return Paper(paper.kind, paper.filename, paper.content + b"\n% " + "".join(halves).encode() + b"\n")


def _compile(source: str, role: Role) -> bytes:
    inputs = {
        "title": role.title,
        "organisation": role.organisation,
        "category": _CATEGORIES[role.category],
        "problem": role.problem,
        "idea": role.idea,
        "benefit": role.benefit,
        "amount": f"{role.amount:,}".replace(",", " "),
        "name": f"Søker {role.ref}",
    }
    return bytes(typst.compile(source.encode(), sys_inputs=inputs))
