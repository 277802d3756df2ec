"""The person directory: me, people, invitations."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from services.common.db import Connection
from services.common.errors import NotFound
from services.common.http import Body, DatabaseDep, decode_cursor, encode_cursor
from services.common.idempotency import once
from services.intake import policy
from services.intake.api.caller import Guarded, KnownCaller
from services.intake.api.cursors import as_id
from services.intake.commands import people as commands
from services.intake.events.call_fields import Address
from services.intake.store import people as store
from services.intake.store.people import Person

router = APIRouter(prefix="/v1", tags=["people"], dependencies=Guarded)

Email = Address
Language = Literal["nb", "nn", "en"]
Role = Literal[
    "applicant",
    "hf_adviser",
    "endorser",
    "consultant",
    "rhf_adviser",
    "leader",
    "institution",
    "auditor",
    "operator",
    "lead",
    "contact",
    "member",
]


class PersonView(BaseModel):
    """A person or role mailbox of the directory."""

    id: UUID
    kind: str
    name: str
    email: str
    language: str
    organisation: str | None
    roles: list[str]
    deputy_id: UUID | None
    signed_in: bool

    @classmethod
    def of(cls, person: Person) -> "PersonView":
        return cls(
            id=person.id,
            kind=person.kind,
            name=person.name,
            email=person.email,
            language=person.language,
            organisation=person.organisation,
            roles=person.roles,
            deputy_id=person.deputy_id,
            signed_in=person.signed_in,
        )


class People(BaseModel):
    items: list[PersonView]
    next: str | None


class Preferences(Body):
    """What people decide about themselves; what is left out stays."""

    language: Language | None = None
    deputy_id: UUID | None = None


class NewPerson(Body):
    kind: Literal["person", "mailbox"] = "person"
    name: Annotated[str, Field(min_length=1, max_length=200)]
    email: Email
    language: Language = "nb"
    organisation: Annotated[str, Field(max_length=40)] | None = None
    roles: list[Role] = Field(default=[], max_length=20)


class Accepted(BaseModel):
    """The applications that the invitation concerned."""

    application_ids: list[UUID]


@router.get("/me")
async def me(caller: KnownCaller, database: DatabaseDep) -> PersonView:
    """Who I am here; my first request enters me into the directory."""
    async with database.read() as conn:
        person = await store.get(conn, caller.person_id)
    if person is None:
        raise NotFound()
    return PersonView.of(person)


@router.patch("/me")
async def change_me(body: Preferences, caller: KnownCaller, database: DatabaseDep) -> PersonView:
    """Choose my language and my deputy."""
    async with database.transaction() as conn:
        return PersonView.of(
            await commands.set_preferences(conn, caller, body.model_dump(exclude_unset=True))
        )


@router.get("/people")
async def list_people(
    caller: KnownCaller,
    database: DatabaseDep,
    role: Annotated[str | None, Query(max_length=40)] = None,
    organisation: Annotated[str | None, Query(max_length=40)] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> People:
    """The directory, for advisers."""
    policy.require_role(caller, "rhf_adviser")
    after = as_id(decode_cursor(cursor, 1)[0], cursor) if cursor else None
    async with database.read() as conn:
        found = await store.page(conn, role=role, organisation=organisation, after=after, limit=limit)
    following = encode_cursor(str(found[-1].id)) if len(found) == limit else None
    return People(items=[PersonView.of(person) for person in found], next=following)


@router.post("/people", status_code=201, response_model=PersonView)
async def enter_person(
    body: NewPerson, request: Request, caller: KnownCaller, database: DatabaseDep
) -> Response:
    """Enter a mailbox, or invite somebody who has not signed in yet. Known people are returned as they
    are."""

    async def run(conn: Connection) -> PersonView:
        return PersonView.of(await commands.enter_person(conn, caller, **body.model_dump()))

    return await once(request, caller, database, run)


@router.delete("/people/{person_id}", status_code=204)
async def forget_person(person_id: UUID, caller: KnownCaller, database: DatabaseDep) -> None:
    """Forget a person or mailbox that no case refers to."""
    async with database.transaction() as conn:
        await commands.forget_person(conn, caller, person_id)


@router.post("/invitations/{token}", status_code=201, response_model=Accepted)
async def accept_invitation(
    token: Annotated[str, Path(min_length=20, max_length=100)],
    request: Request,
    caller: KnownCaller,
    database: DatabaseDep,
) -> Response:
    """Take an invitation as the person who is signed in. It works once."""

    async def run(conn: Connection) -> Accepted:
        return Accepted(application_ids=await commands.accept_invitation(conn, caller, token))

    return await once(request, caller, database, run)
