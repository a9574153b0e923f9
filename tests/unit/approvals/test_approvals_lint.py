"""A faulty policy or directory is refused with every fault named, before anybody uses it."""

from datetime import date

import pytest

from services.approvals.domain.directory import Approver, Directory, Limit
from services.approvals.domain.lint import PolicyFaulty, check, lint
from services.approvals.domain.policy import Authority, Bounds, Level, Plan, Policy, Rule, Table
from tests.unit.approvals.offers import authority

TEN = {"at_most": "10"}
ABOVE_TEN = {"above": "10"}


def rule(name: str, needs: str, **when: dict[str, str]) -> Rule:
    bounds = {measure: Bounds.model_validate(each) for measure, each in when.items()}
    return Rule(id=name, when=bounds, needs=needs, says="the reason")


def policy(
    *rules: Rule, measures: tuple[str, ...] = ("sales_discount_percent",), **other
) -> Policy:
    table = Table(id="table", measures=measures, rules=rules)
    parts = {
        "levels": (Level(id="director", title="director"), Level(id="finance", title="finance")),
        "plans": (
            Plan(id="nobody", steps=()),
            Plan(id="one", steps=("director",)),
            Plan(id="two", steps=("director", "finance")),
        ),
        "authorities": (Authority(selling_units=("*",), tables=(table,)),),
    }
    return Policy(
        id="p", version=1, effective=date(2026, 1, 1), decision_hours=8, **(parts | other)
    )


def approver(
    name: str, *levels: str, active: bool = True, units: tuple[str, ...] = ("*",)
) -> Approver:
    limit = Limit.model_validate({"max_discount_percent": "100", "min_margin_percent": "-100"})
    return Approver(id=name, active=active, levels=levels, selling_units=units, limit=limit)


def people(*approvers: Approver) -> Directory:
    return Directory(approvers=approvers)


EVERYBODY = people(approver("d-1", "director"), approver("f-1", "finance"))
GOOD = policy(
    rule("small", "nobody", sales_discount_percent=TEN),
    rule("large", "one", sales_discount_percent=ABOVE_TEN),
)


def codes(faulty: Policy, directory: Directory = EVERYBODY) -> list[tuple[str, str]]:
    return [(each.code, each.where) for each in lint(faulty, directory)]


def test_a_sound_policy_has_no_findings():
    assert codes(GOOD) == []


def test_a_gap_of_a_single_value_is_found():
    faulty = policy(
        rule("small", "nobody", sales_discount_percent={"below": "10"}),
        rule("large", "one", sales_discount_percent=ABOVE_TEN),
    )
    (finding,) = lint(faulty, EVERYBODY)
    assert finding.code == "policy.gap"
    assert finding.message == "at sales_discount_percent 10 no rule holds"


def test_a_gap_between_two_thresholds_is_found():
    faulty = policy(
        rule("small", "nobody", sales_discount_percent=TEN),
        rule("large", "one", sales_discount_percent={"at_least": "10.01"}),
    )
    (finding,) = lint(faulty, EVERYBODY)
    assert finding.code == "policy.gap"
    assert finding.message == "at sales_discount_percent 10.005 no rule holds"


def test_an_approver_is_no_mail_address():
    with pytest.raises(ValueError, match="String should match pattern"):
        approver("somebody@example.test", "director")


def test_an_overlap_of_a_single_value_is_found():
    faulty = policy(
        rule("small", "nobody", sales_discount_percent=TEN),
        rule("large", "one", sales_discount_percent={"at_least": "10"}),
    )
    (finding,) = lint(faulty, EVERYBODY)
    assert finding.code == "policy.overlap"
    assert finding.message == "at sales_discount_percent 10 rules small, large all hold"


def test_a_gap_in_one_corner_of_a_matrix_is_found():
    faulty = policy(
        rule("good", "nobody", sales_discount_percent=TEN, margin_percent={"at_least": "25"}),
        rule("large", "one", sales_discount_percent=ABOVE_TEN, margin_percent={"at_least": "25"}),
        rule("thin", "one", sales_discount_percent=TEN, margin_percent={"below": "25"}),
        measures=("sales_discount_percent", "margin_percent"),
    )
    (finding,) = lint(faulty, EVERYBODY)
    assert finding.code == "policy.gap"
    assert finding.message == "at sales_discount_percent 11, margin_percent 24 no rule holds"


def test_a_rule_that_no_value_reaches_is_found():
    empty = rule("never", "two", sales_discount_percent={"above": "30", "below": "30"})
    assert codes(policy(*GOOD.authorities[0].tables[0].rules, empty)) == [
        ("policy.unreachable_rule", "table/never")
    ]


def test_worse_terms_that_need_less_are_found():
    faulty = policy(
        rule("small", "one", sales_discount_percent=TEN),
        rule("large", "nobody", sales_discount_percent=ABOVE_TEN),
    )
    (finding,) = lint(faulty, EVERYBODY)
    assert finding.code == "policy.not_monotone"
    assert finding.message == "sales_discount_percent 11 needs less than the better 10"


def test_a_level_without_an_active_approver_is_found():
    gone = people(approver("d-1", "director", active=False), approver("f-1", "finance"))
    assert codes(GOOD, gone) == [("policy.level_without_approver", "director")]


def test_a_selling_unit_without_an_approver_of_its_own_is_found():
    directory = people(approver("d-1", "director", units=("north",)), approver("f-1", "finance"))
    (finding,) = lint(GOOD, directory)
    assert finding.message == "selling unit * has no active approver of this level"


def test_unknown_names_and_doubles_are_found_before_anything_else():
    faulty = policy(rule("all", "three"), rule("all", "nobody"))
    directory = people(approver("d-1", "boss"), approver("d-1", "director"))
    assert sorted(codes(faulty, directory)) == [
        ("policy.twice", "d-1"),
        ("policy.twice", "table/all"),
        ("policy.twice", "table/all"),
        ("policy.unknown_level", "approver d-1"),
        ("policy.unknown_plan", "table/all"),
    ]


def test_a_stricter_plan_that_drops_a_step_is_found():
    plans = (
        Plan(id="nobody", steps=()),
        Plan(id="one", steps=("director",)),
        Plan(id="two", steps=("finance",)),
    )
    faulty = policy(*GOOD.authorities[0].tables[0].rules, plans=plans)
    assert codes(faulty) == [("policy.plan_order", "plan two")]


def test_a_selling_unit_may_be_named_once_and_all_others_must_be_meant():
    tables = GOOD.authorities[0].tables
    twice = tuple(Authority(selling_units=("north",), tables=tables) for _ in range(2))
    assert codes(policy(*tables[0].rules, authorities=twice)) == [
        ("policy.gap", "authorities"),
        ("policy.overlap", "authorities"),
    ]


def test_a_faulty_policy_is_refused_with_all_its_findings():
    with pytest.raises(PolicyFaulty) as refused:
        check(GOOD, people(approver("f-1", "finance", active=False)))
    assert refused.value.problem()["detail"] == (
        "policy p version 1: director: selling unit * has no active approver of this level"
    )


def test_the_example_is_sound_and_pinned_by_what_it_says():
    published = authority().policies[-1]
    assert lint(published.policy, authority().directory) == ()
    assert (published.pin.id, published.pin.version) == ("telecom-authority", 1)
