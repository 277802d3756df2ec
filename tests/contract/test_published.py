"""What was published stays valid: facts and requests may gain, never lose, change or demand more.

A change that breaks is a new type (`.v2`) or a new path; one that adds is written down with
`python -m tests.contract.published`.
"""

import json

from tests.contract import published


def test_facts_keep_what_they_carried() -> None:
    before = json.loads(published.FACTS.read_text(encoding="utf-8"))
    now = published.facts()
    for kind, fields in before.items():
        assert kind in now, f"{kind} is gone: consumers still read it"
        for name, field in fields.items():
            assert now[kind].get(name) == field, f"{kind}.{name} has changed: make it .v2 beside .v1"


def test_requests_go_on_being_answered() -> None:
    before = json.loads(published.REQUESTS.read_text(encoding="utf-8"))
    now = published.requests()
    for service, routes in before.items():
        for route, shape in routes.items():
            assert route in now[service], f"{service} no longer answers {route}"
            assert set(shape["answers"]) <= set(now[service][route]["answers"]), route
            assert set(now[service][route]["must"]) <= set(shape["must"]), f"{service} {route} demands more"
            for name, kind in shape["may"].items():
                assert now[service][route]["may"].get(name) == kind, (
                    f"{service} {route} takes {name} otherwise"
                )


def test_everything_published_is_written_down() -> None:
    assert published.facts() == json.loads(published.FACTS.read_text(encoding="utf-8"))
    assert published.requests() == json.loads(published.REQUESTS.read_text(encoding="utf-8"))
