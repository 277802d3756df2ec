"""Standing and permission: a conflict of interest takes everything, a relation is never a 403."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.auth import Caller
from services.common.errors import Forbidden, NotFound
from services.review.policy import (
    IN_PERSON,
    PERMITTED,
    Act,
    CaseAccess,
    TaskAccess,
    TwoPersonsRequired,
    in_audience,
    permit,
    require_other_person,
    sees_task,
    standing,
    waits_for,
)

ROLES = (
    "hf_adviser",
    "endorser",
    "consultant",
    "rhf_adviser",
    "leader",
    "institution",
    "auditor",
    "operator",
)
ME, OTHER = uuid.uuid4(), uuid.uuid4()


def caller(*roles: str, organisation: str | None = None, person_id: uuid.UUID = ME) -> Caller:
    return Caller(person_id, "issuer", "me", frozenset({"applicant", *roles}), organisation, "", "")


CASE = CaseAccess(
    application_id=uuid.uuid4(),
    call_id="call",
    organisation="STOLAV",
    holder_id=OTHER,
    editor_ids=frozenset(),
    consulted=frozenset({"HP"}),
    draft=False,
    conflicted=False,
    member=False,
)
TASK = TaskAccess(
    role="consultant",
    organisation="HP",
    person_id=None,
    not_person=None,
    claimed_by=None,
    applicant="STOLAV",
    conflicted=False,
    principals=frozenset(),
)


@given(st.sets(st.sampled_from(ROLES)), st.sampled_from(["STOLAV", "HP", None]))
def test_in_a_conflict_a_person_is_nothing_to_the_case(roles: set[str], organisation: str | None) -> None:
    case = replace(CASE, conflicted=True, member=True)
    assert standing(caller(*roles, organisation=organisation), case) == frozenset()
    assert standing(caller(*roles, organisation=organisation), None) == frozenset()


@given(st.sets(st.sampled_from(ROLES)), st.sampled_from(["STOLAV", "HP", None]))
def test_who_applies_is_the_applicant_whatever_else_and_never_judges(
    roles: set[str], organisation: str | None
) -> None:
    for mine in ({"holder_id": ME}, {"editor_ids": frozenset({ME})}):
        declared = replace(CASE, conflicted=True, member=True, **mine)
        assert standing(caller(*roles, organisation=organisation), declared) == {"holder"}
        before = standing(caller(*roles, organisation=organisation), replace(declared, conflicted=False))
        assert "holder" in before
        assert "member" not in before


@given(st.sampled_from(list(Act)), st.sets(st.sampled_from(ROLES)))
def test_a_role_that_is_never_permitted_is_told_so_and_others_learn_nothing(
    act: Act, roles: set[str]
) -> None:
    could = PERMITTED[act] & (roles | {"holder", "member", "chair", "asked"})
    with pytest.raises(NotFound if could else Forbidden):
        permit(caller(*roles), act, frozenset())


@pytest.mark.parametrize("organisation", ["HMR", "HP", None])
def test_the_adviser_of_another_trust_has_no_standing(organisation: str | None) -> None:
    assert "hf_adviser" not in standing(caller("hf_adviser", organisation=organisation), CASE)
    assert "hf_adviser" in standing(caller("hf_adviser", organisation="STOLAV"), CASE)


def test_only_the_consulted_organisations_consultants_are_consulted() -> None:
    assert "consultant" in standing(caller("consultant", organisation="HP"), CASE)
    assert "consultant" not in standing(caller("consultant", organisation="TTO"), CASE)
    assert "consultant" not in standing(caller("hf_adviser", organisation="HP"), CASE)


def test_a_draft_is_not_the_funders_to_see() -> None:
    assert "rhf_adviser" not in standing(caller("rhf_adviser"), replace(CASE, draft=True))
    assert "rhf_adviser" in standing(caller("rhf_adviser"), CASE)


def test_a_co_editor_is_as_the_holder() -> None:
    assert "holder" in standing(caller(), replace(CASE, editor_ids=frozenset({ME})))
    assert "holder" not in standing(caller(), CASE)


def test_a_task_waits_for_its_role_in_its_organisation() -> None:
    assert waits_for(caller("consultant", organisation="HP"), TASK)
    assert not waits_for(caller("consultant", organisation="TTO"), TASK)
    assert not sees_task(caller("consultant", organisation="TTO"), TASK)
    assert waits_for(caller("consultant", organisation="TTO"), replace(TASK, organisation=None))


def test_a_claimed_task_waits_for_who_claimed_it_but_the_others_still_see_it() -> None:
    claimed = replace(TASK, claimed_by=OTHER)
    assert not waits_for(caller("consultant", organisation="HP"), claimed)
    assert in_audience(caller("consultant", organisation="HP"), claimed)
    assert waits_for(caller("consultant", organisation="HP", person_id=OTHER), claimed)


def test_a_deputy_does_what_waits_for_the_principal_but_not_what_is_meant_in_person() -> None:
    handed = replace(TASK, person_id=OTHER, principals=frozenset({OTHER}))
    assert waits_for(caller(), handed)
    assert waits_for(
        caller("consultant", organisation="HP"),
        replace(TASK, claimed_by=OTHER, principals=frozenset({OTHER})),
    )
    for role in IN_PERSON:
        assert not in_audience(caller(), replace(handed, role=role))


def test_the_first_of_two_persons_is_not_waited_for_as_the_second() -> None:
    second = replace(TASK, role="leader", organisation=None, not_person=ME)
    assert not waits_for(caller("leader"), second)
    assert waits_for(caller("leader", person_id=OTHER), second)
    with pytest.raises(TwoPersonsRequired):
        require_other_person(ME, ME)
    require_other_person(ME, OTHER)
    require_other_person(ME, None)


@given(st.sets(st.sampled_from(ROLES)), st.sampled_from(["STOLAV", "HP", None]), st.booleans())
def test_a_task_on_a_case_in_conflict_does_not_exist(
    roles: set[str], organisation: str | None, named: bool
) -> None:
    task = replace(TASK, conflicted=True, person_id=ME if named else None, claimed_by=ME)
    me = caller(*roles, organisation=organisation)
    assert not sees_task(me, task)
    assert not waits_for(me, task)


def test_a_task_of_the_applicant_stays_theirs_in_a_conflict_and_no_other_does() -> None:
    own = replace(TASK, role="holder", organisation=None, person_id=ME, conflicted=True)
    assert waits_for(caller(), own)
    assert sees_task(caller(), own)
    for other in (replace(own, role="member"), replace(own, role="holder", person_id=OTHER)):
        assert not waits_for(caller("rhf_adviser"), other)
        assert not sees_task(caller("rhf_adviser"), other)


def test_whom_a_task_waits_for_sees_it() -> None:
    for role in ROLES:
        me = caller(role, organisation="HP")
        task = replace(TASK, role=role)
        assert waits_for(me, task)
        assert sees_task(me, task)
