"""The formal rules X06 to X10 on the real call: each fault by its rule and field, and nothing else."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.budget import Budget, least_own_share, own_share_percent
from services.intake.domain.rules import judge, refusals, to_acknowledge
from services.intake.texts import HAPPENED, LANGUAGES, REMEDIES, STAGES, remedy
from tests.unit.intake.samples import CALL, draft, files, findings, form, found


@pytest.mark.parametrize("category", ["product", "service", "transfer"])
def test_a_complete_draft_has_no_finding(category: str) -> None:
    assert found(draft(category)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"title": "  "}, ("X07", "title")),
        ({"statement": ""}, ("X07", "statement")),
        ({"leader_employment_percent": None}, ("X07", "leader_employment_percent")),
        ({"earlier_awards": None}, ("X07", "earlier_awards")),
        ({"leader_employment_percent": 19}, ("X06", "leader_employment_percent")),
        ({"earlier_awards": 3}, ("X06", "earlier_awards")),
        ({"budget": Budget({"salary": 300_000}, 74_999, 225_001)}, ("X06", "budget.own_share")),
        ({"budget": Budget({"salary": 300_000}, 75_000, 225_001)}, ("X07", "budget")),
        ({"budget": Budget({"salary": 1_001_000}, 251_000, 750_000)}, None),
        ({"budget": Budget({"salary": 1_002_000}, 251_999, 750_001)}, ("X08", "budget.applied_amount")),
        ({"priority_areas": ["P99"]}, ("X07", "priority_areas")),
        ({"patient_groups": ["martians"]}, ("X07", "patient_groups")),
        ({"touches": ["STOLAV"]}, ("X07", "touches")),
        ({"touches": ["HP", "HEMIT"]}, None),
        ({"priority_areas": ["P01"]}, None),
        ({"form": form("service") | {"summary": "kort"}}, ("X07", "form.summary")),
        ({"form": form("service") | {"summary": "x" * 2001}}, ("X07", "form.summary")),
        ({"form": form("service") | {"summary": 7}}, ("X07", "form.summary")),
        ({"form": form("service") | {"colour": "blue"}}, ("X07", "form.colour")),
        ({"form": {k: v for k, v in form("service").items() if k != "plan"}}, ("X07", "form.plan")),
    ],
)
def test_one_change_gives_one_finding(changes: dict[str, object], expected: tuple[str, str] | None) -> None:
    assert found(draft(**changes)) == ([expected] if expected else [])


def test_priority_areas_do_not_apply_to_products() -> None:
    assert found(draft("product", priority_areas=["P01"])) == [("X06", "priority_areas")]


def test_a_transfer_needs_no_own_share() -> None:
    assert found(draft("transfer", budget=Budget({"salary": 250_000}, 0, 250_000))) == []


def test_800_of_1100_with_27_percent_own_share_is_x08_alone() -> None:
    content = draft(budget=Budget({"salary": 1_100_000}, 300_000, 800_000))
    assert found(content) == [("X08", "budget.applied_amount")]
    assert own_share_percent(content.budget) == 27.3
    assert to_acknowledge(findings(content)) == ["X08"]
    assert refusals(findings(content)) == []


@pytest.mark.parametrize("kind", ["project_description", "cv", "dofi"])
def test_each_mandatory_attachment_is_missed(kind: str) -> None:
    attached = [each for each in files("product") if each.kind != kind]
    assert found(draft("product"), attached) == [("X09", f"attachments.{kind}")]


def test_an_attachment_counts_once_it_is_verified_and_no_longer_when_refused() -> None:
    assert found(draft(), files(state="verified", pages=None)) == []
    assert {each.fault.remedy for each in findings(draft(), files(state="uploading"))} == {
        "upload_not_confirmed"
    }
    refused = files(state="refused", reason="infected")
    assert {each.fault.value for each in findings(draft(), refused)} == {"infected"}
    assert found(draft(), [*refused, *files()]) == []


def test_a_refused_extra_attachment_has_to_go() -> None:
    extra = dataclasses.replace(files()[0], kind="other", state="refused", reason="active_content")
    assert found(draft(), [*files(), extra]) == [("X09", "attachments.other")]


def test_the_format_is_x10() -> None:
    description, cv = files()
    assert found(draft(), [dataclasses.replace(description, pages=10), cv]) == []
    assert found(draft(), [dataclasses.replace(description, pages=11), cv]) == [
        ("X10", "attachments.project_description")
    ]
    big = dataclasses.replace(cv, size=20 * 1024 * 1024 + 1)
    assert found(draft(), [description, big]) == [("X10", "attachments.cv")]
    word = dataclasses.replace(cv, content_type="application/msword")
    assert found(draft(), [description, word]) == [("X10", "attachments.cv")]


def test_a_missing_endorsement_is_x09_per_position() -> None:
    content = draft(organisation="STOLAV")
    assert found(content, endorsed=("klinikksjef",)) == [("X09", "endorsements.administrerende_direktor")]
    assert found(content, endorsed=("klinikksjef", "administrerende_direktor")) == []


def test_a_rule_that_the_call_does_not_name_is_not_applied() -> None:
    without = CALL.model_copy(
        update={"formal_rules": tuple(rule for rule in CALL.formal_rules if rule.id != "X09")}
    )
    assert judge(without, draft(), [], [], frozenset()) == []


def test_enforcement_is_the_calls() -> None:
    strict = CALL.model_copy(
        update={
            "formal_rules": tuple(
                rule.model_copy(update={"enforcement": "refuse"}) for rule in CALL.formal_rules
            )
        }
    )
    given = judge(strict, draft(), [], [], frozenset())
    assert given
    assert refusals(given) == given
    assert to_acknowledge(given) == []


@given(st.integers(0, 10**10), st.integers(0, 100))
def test_the_least_own_share_is_enough_and_one_krone_less_is_not(total: int, percent: int) -> None:
    least = least_own_share(total, percent)
    assert 0 <= least <= total
    assert least * 100 >= total * percent
    assert least == 0 or (least - 1) * 100 < total * percent


@given(
    st.dictionaries(st.sampled_from(sorted(CALL.budget_lines)), st.integers(0, 10**7)),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
)
def test_money_rules_agree_with_arithmetic(lines: dict[str, int], own: int, applied: int) -> None:
    budget = Budget(lines, own, applied)
    got = set(found(draft(budget=budget)))
    total = sum(lines.values())
    assert (("X06", "budget.own_share") in got) == (own * 4 < total)
    assert (("X08", "budget.applied_amount") in got) == (applied > 750_000)
    assert (("X07", "budget") in got) == (total > 0 and own + applied != total)
    assert (("X07", "budget.lines") in got) == (total == 0)


@given(st.data())
def test_findings_are_ordered_and_acknowledged_by_rule(data: st.DataObject) -> None:
    content = draft(
        earlier_awards=data.draw(st.sampled_from([None, 0, 3])),
        leader_employment_percent=data.draw(st.sampled_from([None, 10, 100])),
        title=data.draw(st.sampled_from(["", "En tittel"])),
    )
    got = findings(content, data.draw(st.sampled_from([[], files()])), endorsed=())
    assert [(f.rule, f.fault.field) for f in got] == sorted((f.rule, f.fault.field) for f in got)
    assert set(to_acknowledge(got)) == {f.rule for f in got} - {f.rule for f in refusals(got)}


def test_every_remedy_reads_in_three_languages() -> None:
    for texts in (*REMEDIES.values(), *STAGES.values(), *HAPPENED.values()):
        assert set(texts) == set(LANGUAGES)
        assert all(texts.values())
    given = findings(
        draft("service", title="", budget=Budget({"salary": 5}, 0, 800_000), earlier_awards=9), [], ()
    )
    assert len(given) > 5
    for finding in given:
        for language in LANGUAGES:
            assert "{" not in remedy(finding, language)
