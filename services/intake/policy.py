"""Who may do what with an application: one function, asked by routes, lists and downloads alike."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.common.auth import Caller
from services.common.errors import Forbidden, NotFound


class Act(StrEnum):
    READ = "read"
    """the content, the attachments and the live check"""
    FOLLOW = "follow"
    """status and receipt: where it stands, not what it says"""
    EDIT = "edit"
    OWN = "own"
    """submit, withdraw, invite, ask for endorsement: the holder alone"""
    CHECK = "check"
    """confirm or undo a rejection"""


@dataclass(frozen=True)
class Relation:
    """How one person stands to one application; loaded by store.relations.

    `consulted`: organisations asked about it, by its consultations or a clarification. `granted`: review
    opened the
    content to this committee member. `conflict`: the person declared a conflict of interest.
    """

    application_id: UUID
    holder_id: UUID
    organisation: str
    submitted: bool
    is_editor: bool
    is_endorser: bool
    consulted: Collection[str]
    clarifying: Collection[str]
    granted: bool
    conflict: bool


def may(caller: Caller, relation: Relation, act: Act) -> bool:
    """Whether this caller may do this with this application.

    A conflict of interest closes every door that a role or a grant opens; the party to a case keeps their
    own.
    A draft is its authors' and those they ask; advisers see an application from its first submission on.
    """
    if relation.holder_id == caller.person_id:
        return act is not Act.CHECK
    if relation.is_editor and act in (Act.READ, Act.FOLLOW, Act.EDIT):
        return True
    if relation.conflict:
        return False
    if act is Act.CHECK:
        return relation.submitted and "rhf_adviser" in caller.roles
    if act not in (Act.READ, Act.FOLLOW):
        return False
    if relation.is_endorser:
        return True
    if act is Act.READ and relation.granted:
        return True
    if "consultant" in caller.roles and caller.organisation is not None:
        asked = relation.consulted if relation.submitted else relation.clarifying
        if caller.organisation in asked or caller.organisation in relation.clarifying:
            return True
    if not relation.submitted:
        return False
    if caller.roles & {"rhf_adviser", "leader", "auditor"}:
        return True
    own_trust = caller.organisation == relation.organisation
    return own_trust and bool(caller.roles & {"hf_adviser", "institution"})


def require(caller: Caller, relation: Relation | None, act: Act) -> Relation:
    """The relation, if the act is permitted.

    NotFound where the caller may not even see the case (the same as for an unknown id); Forbidden where they
    see it
    but this act is not theirs.
    """
    if relation is None:
        raise NotFound()
    if may(caller, relation, act):
        return relation
    if may(caller, relation, Act.FOLLOW) or may(caller, relation, Act.READ):
        raise Forbidden
    raise NotFound


def require_role(caller: Caller, *roles: str) -> None:
    """Forbidden unless the caller has one of these token roles: for routes that are about no single
    application."""
    if not caller.roles & set(roles):
        raise Forbidden


def is_party(caller: Caller, relation: Relation) -> bool:
    """Whether this is one of those who write it or vouch for it: they see work that has not been sent."""
    return caller.person_id == relation.holder_id or relation.is_editor or relation.is_endorser


def reads_as_stranger(caller: Caller, relation: Relation) -> bool:
    """Whether this reading is of another organisation's case and therefore noted in the access log."""
    return not is_party(caller, relation) and caller.organisation != relation.organisation
