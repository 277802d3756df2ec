"""The identity provider of the stack, mock-oauth2-server: real tokens and keys, persons out of a file.

Whoever asks for a token with `client_id=<person id>` (client credentials) is that person: sub, name, email,
roles and org come from `deploy/demo/cast.yaml`. A browser gets a page of ours that lists the persons by role.
The issuer is configuration: nothing in the services knows which provider this is.
"""

from __future__ import annotations

import html
import json
import sys
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any, TypedDict

import yaml

from ..install.parts import part
from ..programs import Program
from ..settings import ROOT, Settings

CAST = ROOT / "deploy" / "demo" / "cast.yaml"
AUDIENCE = "innoflyt"
ISSUER_ID = "innoflyt"
_TOKEN_SECONDS = 3600


class Person(TypedDict):
    """Someone who can sign in: `id` is the subject, `roles` are token roles, `org` an organisation."""

    id: str
    name: str
    email: str
    roles: list[str]
    org: str | None


def people(cast: Path = CAST) -> list[Person]:
    """The persons of the cast. Raises ValueError naming the person and the field that is missing."""
    found = yaml.safe_load(cast.read_text(encoding="utf-8")).get("people", [])
    for number, person in enumerate(found, 1):
        for name in ("id", "name", "email", "roles"):
            if not person.get(name) and person.get(name) != []:
                raise ValueError(f"{cast.name}: people, number {number}: {name} is missing")
    return [
        Person(id=p["id"], name=p["name"], email=p["email"], roles=p["roles"], org=p.get("org"))
        for p in found
    ]


def claims(person: Person) -> dict[str, Any]:
    """What stands in a token of this person beside iss, exp, iat and nbf."""
    known = {
        "sub": person["id"],
        "aud": [AUDIENCE],
        "roles": person["roles"],
        "name": person["name"],
        "email": person["email"],
    }
    return known | ({"org": person["org"]} if person["org"] else {})


def prepare(settings: Settings) -> None:
    write_config(settings.folder / "identity")


def write_config(folder: Path) -> None:
    """Write the provider's configuration and its sign-in page into this folder, where they stay."""
    folder.mkdir(parents=True, exist_ok=True)
    persons = people()
    page = folder / "login.html"
    page.write_text(login_page(persons), encoding="utf-8")
    config = {
        "interactiveLogin": True,
        "loginPagePath": str(page),
        "httpServer": "NettyWrapper",
        "tokenCallbacks": [
            {
                "issuerId": ISSUER_ID,
                "tokenExpiry": _TOKEN_SECONDS,
                "requestMappings": [
                    {"requestParam": "client_id", "match": person["id"], "claims": claims(person)}
                    for person in persons
                ],
            }
        ],
    }
    text = json.dumps(config, ensure_ascii=False, indent=1)
    (folder / "config.json").write_text(text, encoding="utf-8")


def program(settings: Settings) -> Program:
    return Program(
        name="identity",
        ports=("OIDC_PORT",),
        command=(
            *("java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
            *("-cp", f"{part('mock-oauth2-server')}/lib/*"),
            "no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt",
        ),
        environment={
            "SERVER_HOSTNAME": "127.0.0.1",
            "SERVER_PORT": settings["OIDC_PORT"],
            "JSON_CONFIG_PATH": f"{settings.folder}/identity/config.json",
        },
    )


def ready(settings: Settings) -> None:
    url = f"http://127.0.0.1:{settings['OIDC_PORT']}/{ISSUER_ID}/.well-known/openid-configuration"
    urllib.request.urlopen(url, timeout=2).close()


def login_page(persons: list[Person]) -> str:
    """A page with one button per person, by role; pressing it signs that person in."""
    by_role: dict[str, list[Person]] = defaultdict(list)
    for person in persons:
        for role in person["roles"] or ["applicant"]:
            by_role[role].append(person)
    sections = "\n".join(_section(role, found) for role, found in by_role.items())
    template = (Path(__file__).parent / "login.html").read_text(encoding="utf-8")
    return template.replace("<!-- persons -->", sections)


def _section(role: str, persons: list[Person]) -> str:
    buttons = "\n".join(_button(person) for person in persons)
    heading = html.escape(role.replace("_", " "))
    return f'<section><h2>{heading}</h2><div class="persons">\n{buttons}\n</div></section>'


def _button(person: Person) -> str:
    known = html.escape(json.dumps(claims(person), ensure_ascii=False), quote=True)
    where = html.escape(person["org"] or "")
    return (
        '<form method="post">'
        f'<input type="hidden" name="username" value="{html.escape(person["id"])}">'
        f'<input type="hidden" name="claims" value="{known}">'
        f"<button>{html.escape(person['name'])} <span>{where}</span></button></form>"
    )


if __name__ == "__main__":  # when the container image of the provider is built
    write_config(Path(sys.argv[1]))
