"""The presentation for the leader meeting, and the public list of recipients with the kick-off seminar."""

import hashlib
from datetime import datetime

from services.common.db import Connection, now
from services.common.errors import NotFound
from services.common.record import Actor, Entry, record, record_all
from services.funding.commands.archive import ARCHIVED, archive
from services.funding.commands.moves import iso
from services.funding.documents.contents import presentation_contents
from services.funding.documents.render import presentation_pdf
from services.funding.documents.texts import Language
from services.funding.events import KickoffPlanned, LeaderMeetingPresented, RoundPublished
from services.funding.store import calls, decisions, papers, views
from services.funding.times import instant


async def present(conn: Connection, round_id: str, actor: Actor) -> None:
    """Make the presentation of the awards (X26). Once per round."""
    round_ = await decisions.lock_round(conn, round_id)
    if round_ is None:
        raise NotFound
    if round_.presented_at is not None:
        return
    at = await now(conn)
    pdf = await presentation_pdf(await _presented(conn, round_, at), ARCHIVED)
    await decisions.set_presented(conn, round_id, at)
    await archive(conn, round_id, "presentation", ARCHIVED, pdf, at)
    await record(
        conn,
        key=str(round_.application_id or round_.call_id),
        actor=actor,
        action="decision_round.presented",
        body={"decision_round_id": round_id, "sha256": hashlib.sha256(pdf).hexdigest()},
        events=[
            LeaderMeetingPresented(
                decision_round_id=round_id, call_id=round_.call_id, application_id=round_.application_id
            )
        ],
    )


async def _presented(conn: Connection, round_: decisions.Round, at: datetime) -> dict[str, object]:
    call = await calls.get_call(conn, round_.call_id)
    proposals = await decisions.proposals(conn, round_.id)
    found = await views.cases_of_round(conn, round_.id)
    pots = {
        panel.code: panel.pot
        for panel in call.definition.panels
        if round_.application_id is None or any(each.panel == panel.code for each in proposals)
    }
    return presentation_contents(call.definition, found, proposals, pots, at)


async def presentation_document(conn: Connection, round_id: str, language: Language) -> bytes:
    """The presentation in this language; before the meeting it shows the round as it stands. NotFound if
    unknown."""
    kept = await papers.find_document(conn, round_id, "presentation", language)
    if kept is not None:
        return kept
    round_ = await decisions.find_round(conn, round_id)
    if round_ is None:
        raise NotFound
    at = round_.presented_at or await now(conn)
    return await presentation_pdf(await _presented(conn, round_, at), language)


async def publish(conn: Connection, call_id: str, actor: Actor) -> None:
    """Make the list of recipients public (E11) and plan the kick-off seminar (X27). Once per call."""
    call = await calls.get_call(conn, call_id)
    at = await now(conn)
    kickoff_at = instant(call.definition, "kickoff", at)
    if not await calls.publish(conn, call_id, at, kickoff_at):
        return
    holders = await views.holders_of_decided(conn, call_id)
    published = RoundPublished(call_id=call_id, holder_ids=holders)
    body = {"published_at": iso(at), "kickoff_at": iso(kickoff_at)}
    entries = [Entry(call_id, actor, "round.published", body, [published])]
    for award in await views.awards_of_call(conn, call_id):
        planned = KickoffPlanned(
            application_id=award.application_id, call_id=call_id, holder_id=award.holder_id, at=kickoff_at
        )
        entries.append(
            Entry(str(award.application_id), actor, "kickoff.planned", {"at": iso(kickoff_at)}, [planned])
        )
    await record_all(conn, entries)
