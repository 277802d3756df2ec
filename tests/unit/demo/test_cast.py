"""The cast is whole, and its scores lead to the endings it states by the rules of the call."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from uuid import UUID, uuid5

import pikepdf
import pytest

from deploy.demo import pdfs
from deploy.demo.actors.applicant import content
from deploy.demo.calls import demo_call
from deploy.demo.cast import Role, load
from services.review.domain.ranking import Assessed, Rules, place

CAST = load()
CALL = demo_call(datetime.now(UTC), "test")
OUTCOMES = (
    "awarded lapsed not_accepted declined_threshold declined_ranking reserve referred rejected "
    "not_recommended withdrawn expired"
).split()
SEEN = (
    "returned resubmitted cv_refused conflict paused condition extension started_late report_escalated "
    "report_approved complaint_upheld moved_up"
).split()
BEFORE_THE_PANEL = {"rejected", "not_recommended", "withdrawn", "expired"}


def test_seventeen_applications_reach_nine_of_the_eleven_endings() -> None:
    assert list(CAST.applications) == [f"A{n:02}" for n in range(1, 18)]
    reached = {outcome for role in CAST.applications.values() for outcome in role.outcomes}
    assert reached == set(OUTCOMES) - {"expired", "referred"}


def test_everything_that_can_be_seen_is_seen() -> None:
    assert {each for role in CAST.applications.values() for each in role.seen} == set(SEEN)


def test_nobody_is_a_person_and_no_address_is_real() -> None:
    for person in CAST.people.values():
        assert person.email.endswith(".test")
        assert person.name.startswith(
            (
                *("Søker ", "HF-rådgiver ", "Klinikksjef ", "Administrerende direktør ", "Konsulent "),
                *("Signaturberettiget ", "Utvalgsmedlem ", "Brukerrepresentant ", "RHF-rådgiver "),
                *("Leder ", "Revisor", "Driftsansvarlig"),
            )
        )
    assert len({person.email for person in CAST.people.values()}) == len(CAST.people)


def test_no_person_shares_an_address_with_a_mailbox_of_the_call() -> None:
    mailboxes = {each.lead_mailbox for each in CALL.organisations} | {each.address for each in CALL.mailboxes}
    assert not mailboxes & {person.email for person in CAST.people.values()}


@pytest.mark.parametrize("panel", ["product", "service"])
def test_the_scores_lead_to_the_stated_endings(panel: str) -> None:
    placed = place(list(_assessed(panel)), _rules(panel))
    given = {_ref(each.application_id): each.outcome for each in placed}
    assert given == {role.ref: role.outcomes[0] for role in _before_the_panel(panel)}
    assert not any(each.tied_with for each in placed)


def test_the_first_ranking_is_that_of_the_plan() -> None:
    placed = place(list(_assessed("service")), _rules("service"))
    assert [_ref(each.application_id) for each in placed] == "A02 A03 A04 A13 A05 A15 A08 A12 A07".split()
    assert sum(each.amount for each in placed if each.outcome == "awarded") == 3_100_000
    product = place(list(_assessed("product")), _rules("product"))
    assert sum(each.amount for each in product if each.outcome == "awarded") == 1_350_000


def test_a06_stands_exactly_at_the_threshold_and_a12_would_fit() -> None:
    scores = CAST.applications["A06"].scores
    assert sorted(scores)[0] == CALL.scale.threshold
    assert sorted(scores)[1] > CALL.scale.threshold
    assert CAST.applications["A12"].amount <= 3_500_000 - 3_100_000 < CAST.applications["A08"].amount


def test_a_conflict_leaves_the_panel_its_quorum() -> None:
    for code, panel in CAST.panels.items():
        terms = CALL.panel(code)
        for ref in {ref for refs in panel.conflicts.values() for ref in refs}:
            left = [member for member in panel.everyone if ref not in panel.conflicts.get(member, [])]
            assert len(left) >= terms.quorum
            assert set(left) & set(panel.user_representatives)
            assert panel.chair in left


def test_stand_ins_are_others() -> None:
    for ref, panel in CAST.stand_ins.items():
        own = CAST.panels[CALL.category(CAST.applications[ref].category).panel]
        assert not set(panel.everyone) & set(own.everyone)
        assert panel.chair != own.chair


@pytest.mark.parametrize("role", CAST.applications.values(), ids=lambda role: role.ref)
def test_only_a09_breaks_a_rule_of_money(role: Role) -> None:
    budget = content(role)["budget"]
    total = sum(budget["lines"].values())
    category = CALL.category(role.category)
    assert total == budget["own_share"] + budget["applied_amount"]
    assert budget["own_share"] * 100 >= category.own_share_percent * total
    assert (role.amount > category.max_amount) == ("X08" in role.findings) == (role.ref == "A09")


@pytest.mark.parametrize("role", CAST.applications.values(), ids=lambda role: role.ref)
def test_papers_are_real_pdfs_of_the_mandatory_kinds(role: Role) -> None:
    papers = pdfs.papers(role)
    mandatory = set(CALL.category(role.category).mandatory_attachments)
    assert mandatory - {paper.kind for paper in papers} == (
        {"project_description"} if role.ref == "A10" else set()
    )
    limits = {kind.code: kind.max_pages for kind in CALL.attachment_kinds}
    for paper in papers:
        with pikepdf.open(io.BytesIO(paper.content)) as document:
            assert 1 <= len(document.pages) <= (limits[paper.kind] or 10)


def test_the_infected_paper_holds_the_pattern_and_differs() -> None:
    paper = pdfs.papers(CAST.applications["A15"])[0]
    bad = pdfs.infected(paper)
    assert bad.content.startswith(paper.content)
    assert bad.sha256 != paper.sha256
    assert "STANDARD-ANTIVIRUS-" in bad.content.decode("latin-1")


def _before_the_panel(panel: str) -> Iterator[Role]:
    for role in CAST.applications.values():
        if CALL.category(role.category).panel == panel and role.outcomes[0] not in BEFORE_THE_PANEL:
            yield role


def _assessed(panel: str) -> Iterator[Assessed]:
    for role in _before_the_panel(panel):
        criteria = CALL.category(role.category).criteria
        vote = dict(zip(criteria, role.scores, strict=True))
        hit = bool(content(role)["priority_areas"])
        yield Assessed(_id(role.ref), role.amount, criteria, hit, (vote, vote, vote))


def _rules(panel: str) -> Rules:
    terms = CALL.panel(panel)
    threshold = Fraction(str(CALL.scale.threshold))
    return Rules(threshold, terms.pot, terms.reserve_size, tuple(CALL.tie_criteria))


_NAMES = UUID("11111111-1111-4111-8111-111111111111")


def _id(ref: str) -> UUID:
    return uuid5(_NAMES, ref)


def _ref(application_id: UUID) -> str:
    return next(ref for ref in CAST.applications if _id(ref) == application_id)
