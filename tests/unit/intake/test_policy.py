"""The policy: relations and roles, drafts kept private, and a conflict that closes every other door."""

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.auth import Caller
from services.common.errors import Forbidden, NotFound
from services.intake.policy import Act, Relation, may, require, require_role

ME, HOLDER = uuid.uuid4(), uuid.uuid4()
ROLES = [
    "hf_adviser",
    "endorser",
    "consultant",
    "rhf_adviser",
    "leader",
    "institution",
    "auditor",
    "operator",
]


def caller(*roles: str, organisation: str | None = "HMR") -> Caller:
    return Caller(ME, "iss", "sub", frozenset({"applicant", *roles}), organisation, "", "")


def relation(**changes: Any) -> Relation:
    plain: dict[str, Any] = {
        "application_id": uuid.uuid4(),
        "holder_id": HOLDER,
        "organisation": "HMR",
        "submitted": True,
        "is_editor": False,
        "is_endorser": False,
        "consulted": frozenset(),
        "clarifying": frozenset(),
        "granted": False,
        "conflict": False,
    }
    return Relation(**(plain | changes))


relations = st.builds(
    relation,
    submitted=st.booleans(),
    is_editor=st.booleans(),
    is_endorser=st.booleans(),
    granted=st.booleans(),
    conflict=st.booleans(),
    holder_id=st.sampled_from([ME, HOLDER]),
    organisation=st.sampled_from(["HMR", "HNT"]),
    consulted=st.frozensets(st.sampled_from(["HP", "HMR"])),
    clarifying=st.frozensets(st.sampled_from(["HP", "HMR"])),
)
callers = st.builds(
    lambda roles, organisation: caller(*roles, organisation=organisation),
    st.frozensets(st.sampled_from(ROLES)),
    st.sampled_from(["HMR", "HNT", "HP", None]),
)


@given(callers, relations)
def test_a_conflict_closes_everything_but_ones_own_case(who: Caller, case: Relation) -> None:
    if case.conflict and case.holder_id != ME and not case.is_editor:
        assert not any(may(who, case, act) for act in Act)
        with pytest.raises(NotFound):
            require(who, case, Act.READ)


@given(callers, relations)
def test_nobody_confirms_a_rejection_but_an_adviser_of_the_funder(who: Caller, case: Relation) -> None:
    if may(who, case, Act.CHECK):
        assert "rhf_adviser" in who.roles
        assert case.submitted
        assert case.holder_id != ME


@given(callers, relations)
def test_only_the_holder_owns_and_only_authors_edit(who: Caller, case: Relation) -> None:
    assert may(who, case, Act.OWN) == (case.holder_id == ME)
    assert may(who, case, Act.EDIT) == (case.holder_id == ME or case.is_editor)


@given(callers, relations)
def test_a_draft_is_private_to_authors_and_those_they_ask(who: Caller, case: Relation) -> None:
    if may(who, case, Act.READ) and not case.submitted:
        asked = "consultant" in who.roles and who.organisation in case.clarifying
        assert case.holder_id == ME or case.is_editor or case.is_endorser or case.granted or asked


@given(callers, relations)
def test_what_is_refused_is_not_found_unless_the_case_is_seen(who: Caller, case: Relation) -> None:
    sees = may(who, case, Act.READ) or may(who, case, Act.FOLLOW)
    for act in Act:
        if may(who, case, act):
            assert require(who, case, act) is case
        else:
            with pytest.raises(Forbidden if sees else NotFound):
                require(who, case, act)


@pytest.mark.parametrize(
    ("role", "organisation", "case_organisation", "reads"),
    [
        ("hf_adviser", "HMR", "HMR", True),
        ("hf_adviser", "HNT", "HMR", False),
        ("institution", "HMR", "HMR", True),
        ("institution", "HNT", "HMR", False),
        ("consultant", "HP", "HMR", False),
        ("rhf_adviser", "HMN", "HMR", True),
        ("leader", "HMN", "HMR", True),
        ("auditor", "HMN", "HMR", True),
        ("operator", "HMN", "HMR", False),
        ("endorser", "HMR", "HMR", False),
    ],
)
def test_roles_read_submitted_cases(
    role: str, organisation: str, case_organisation: str, reads: bool
) -> None:
    case = relation(organisation=case_organisation)
    assert may(caller(role, organisation=organisation), case, Act.READ) == reads
    assert not may(caller(role, organisation=organisation), relation(submitted=False), Act.READ)


def test_an_unknown_case_is_not_found() -> None:
    with pytest.raises(NotFound):
        require(caller("rhf_adviser"), None, Act.READ)


def test_a_role_that_is_never_allowed_is_forbidden() -> None:
    require_role(caller("rhf_adviser"), "rhf_adviser")
    with pytest.raises(Forbidden):
        require_role(caller("leader"), "rhf_adviser")
