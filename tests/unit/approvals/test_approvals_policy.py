"""The authority policy: exact boundaries, explained plans, worse terms, previews."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.values import Money, Percent, share
from services.approvals.domain.policy import Measures, assess
from services.approvals.domain.preview import Question, largest_without_approval, preview
from services.approvals.domain.steps import ask_of, plan_for
from tests.unit.approvals.offers import BREACH, authority, line, margin, submitted

POLICY = authority().policies[-1].policy
DIRECTORY = authority().directory
LEVELS = [level.id for level in POLICY.levels]


def measures(discount: str, margin_percent: str, worst: str = "50", breaches: int = 0) -> Measures:
    return Measures(
        sales_discount_percent=Percent(discount),
        margin_percent=Percent(margin_percent),
        worst_line_margin_percent=Percent(worst),
        guardrail_breaches=breaches,
    )


@pytest.mark.parametrize(
    ("discount", "margin_percent", "plan"),
    [
        ("0", "25", "nobody"),
        ("-5", "25", "nobody"),
        ("10", "25", "nobody"),
        ("10.00", "25.00", "nobody"),
        ("10.01", "25", "one-director"),
        ("10.0000001", "25", "one-director"),
        ("20", "25", "one-director"),
        ("20.01", "25", "director-then-finance"),
        ("10", "24.99", "one-director"),
        ("10", "15", "one-director"),
        ("10", "14.99", "director-then-finance"),
        ("10.01", "24.99", "director-then-finance"),
        ("20.01", "14.99", "director-then-finance"),
    ],
)
def test_every_boundary_of_the_matrix_is_exact(discount, margin_percent, plan):
    assert assess(POLICY, "emea-direct", measures(discount, margin_percent)).plan.id == plan


@pytest.mark.parametrize(
    ("worst", "plan"),
    [
        ("5", "nobody"),
        ("4.99", "one-director"),
        ("-20", "one-director"),
        ("-20.01", "director-then-finance"),
    ],
)
def test_a_good_average_does_not_hide_a_bad_line(worst, plan):
    assert assess(POLICY, "emea-direct", measures("0", "60", worst)).plan.id == plan


def test_a_broken_price_floor_that_asks_for_approval_gets_it():
    outcome = plan_for(POLICY, DIRECTORY, ask_of(submitted("0", breaches=(BREACH,))))
    (step,) = outcome.steps
    assert [cause.message for cause in step.causes] == [
        (
            "the number of price floors it falls below is 1, at least 1 (line 1 is below its floor): "
            "a broken price floor is for a regional sales director"
        )
    ]


def test_a_floor_that_only_held_the_price_needs_nobody():
    held = BREACH.model_copy(update={"action": "clamped"})
    assert plan_for(POLICY, DIRECTORY, ask_of(submitted("0", breaches=(held,)))).steps == ()


def test_a_line_that_the_seller_gives_away_counts_as_the_worst():
    lines = (line(1, "1000", "1000"), line(2, "100", "0"))
    fact = submitted("9", lines=lines, margins=(margin(1, "40"), margin(2, "0")))
    assert ask_of(fact).measures.worst_line_margin_percent == Percent(-100)


def test_a_line_that_is_free_by_the_book_does_not_count():
    lines = (line(1, "1000", "1000"), line(2, "0", "0"))
    fact = submitted("0", lines=lines, margins=(margin(1, "40"), margin(2, "0")))
    assert ask_of(fact).measures.worst_line_margin_percent == Percent(40)


def test_a_selling_unit_with_an_authority_of_its_own_uses_it():
    assert assess(POLICY, "apac-partner", measures("5.01", "25")).plan.id == "one-director"
    assert assess(POLICY, "some-new-unit", measures("5.01", "25")).plan.id == "nobody"


def test_each_step_says_which_limits_were_passed_and_never_the_margin_itself():
    outcome = plan_for(POLICY, DIRECTORY, ask_of(submitted("18", "22")))
    assert [
        [(each.measure, each.measured, each.limit) for each in step.causes]
        for step in outcome.steps
    ] == [
        [
            ("sales_discount_percent", "18 %", "10 %"),
            ("margin_percent", "see internal", "25 %"),
        ]
    ] * 2


def test_a_director_whose_limit_is_too_low_is_not_asked():
    (first, second) = plan_for(POLICY, DIRECTORY, ask_of(submitted("30", "30"))).steps
    assert (first.level, first.approvers) == ("regional-sales-director", ("appr-regional-1",))
    assert (second.level, second.approvers) == (
        "finance-director",
        ("appr-finance-1", "appr-finance-2"),
    )


@pytest.mark.parametrize(
    ("discount", "margin_percent", "covered"),
    [("25", "10", True), ("25.01", "10", False), ("25", "9.99", False)],
)
def test_a_limit_includes_its_own_values(discount, margin_percent, covered):
    director = DIRECTORY.find("appr-regional-2")
    assert director is not None
    assert director.limit.covers(Percent(discount), Percent(margin_percent)) is covered


def test_a_step_names_only_the_causes_that_need_its_level():
    (first, second) = plan_for(POLICY, DIRECTORY, ask_of(submitted("22", breaches=(BREACH,)))).steps
    assert [cause.rule for cause in first.causes] == [
        "discount-and-margin/deep-discount",
        "price-floors/broken",
    ]
    assert [cause.rule for cause in second.causes] == ["discount-and-margin/deep-discount"]


def test_a_step_that_nobody_of_its_level_can_sign_goes_up_and_says_so():
    (first, second) = plan_for(POLICY, DIRECTORY, ask_of(submitted("45", "30"))).steps
    assert (first.level, second.level) == ("finance-director", "managing-director")
    assert [step.causes[-1].rule for step in (first, second)] == ["directory.escalated"] * 2


def test_the_requester_and_the_owner_of_the_deal_are_left_out():
    fact = submitted("18", requested_by="user/appr-regional-1", owner="appr-regional-2")
    (step,) = plan_for(POLICY, DIRECTORY, ask_of(fact)).steps
    assert (step.level, step.approvers) == (
        "finance-director",
        ("appr-finance-1", "appr-finance-2"),
    )


def test_an_offer_beyond_everybody_says_that_an_administrator_must_act():
    (first, second) = plan_for(POLICY, DIRECTORY, ask_of(submitted("95", "-90"))).steps
    assert (first.approvers, second.approvers) == ((), ())
    assert first.causes[-1].rule == "directory.nobody"
    assert "an administrator adds an approver or raises a limit" in first.causes[-1].message


percents = st.decimals(min_value=-30, max_value=100, places=2)
counts = st.integers(min_value=0, max_value=3)
offers = st.builds(
    Measures,
    sales_discount_percent=percents.map(Percent),
    margin_percent=percents.map(Percent),
    worst_line_margin_percent=percents.map(Percent),
    guardrail_breaches=counts,
)
steps_down = st.tuples(*[st.decimals(min_value=0, max_value=40, places=2)] * 3, counts)


def worsened(offer: Measures, by: tuple[Decimal, Decimal, Decimal, int]) -> Measures:
    return Measures(
        sales_discount_percent=Percent(offer.sales_discount_percent.root + by[0]),
        margin_percent=Percent(offer.margin_percent.root - by[1]),
        worst_line_margin_percent=Percent(offer.worst_line_margin_percent.root - by[2]),
        guardrail_breaches=offer.guardrail_breaches + by[3],
    )


@settings(max_examples=150)
@given(offers, steps_down, st.sampled_from(["emea-direct", "apac-partner", "other"]))
def test_worse_terms_never_need_fewer_approvers(offer, by, unit):
    ask = ask_of(submitted(unit=unit))
    better = plan_for(POLICY, DIRECTORY, ask.model_copy(update={"measures": offer})).steps
    worse = plan_for(
        POLICY, DIRECTORY, ask.model_copy(update={"measures": worsened(offer, by)})
    ).steps
    assert len(worse) >= len(better)
    for now, then in zip(better, worse, strict=False):
        assert not then.approvers or LEVELS.index(then.level) >= LEVELS.index(now.level)


@settings(max_examples=100)
@given(offers)
def test_nobody_is_named_for_two_steps_of_a_case(offer):
    ask = ask_of(submitted()).model_copy(update={"measures": offer})
    named = [each for step in plan_for(POLICY, DIRECTORY, ask).steps for each in step.approvers]
    assert len(named) == len(set(named))


def test_a_preview_says_the_largest_discount_that_needs_nobody():
    question = Question(
        selling_unit="emea-direct",
        sales_discount_percent=Percent("18"),
        margin_percent=Percent("40"),
        net=Money.of("820", "EUR"),
    )
    answer = preview(POLICY, authority().policies[-1].pin, DIRECTORY, question)
    assert answer.within_authority is False
    assert [step.level for step in answer.steps] == ["regional-sales-director"]
    assert answer.largest_without_approval is not None
    assert answer.largest_without_approval.sales_discount_percent == Percent("10.00")
    assert answer.largest_without_approval.net == Money.of("900.00", "EUR")


def test_a_preview_names_neither_who_asks_nor_who_owns_the_opportunity():
    question = Question(
        selling_unit="emea-direct",
        sales_discount_percent=Percent("18"),
        margin_percent=Percent("40"),
        requested_by="user/seller-1",
    )
    pin = authority().policies[-1].pin
    (step,) = preview(POLICY, pin, DIRECTORY, question).steps
    owned = question.model_copy(update={"owner_id": step.approvers[0]})
    (without,) = preview(POLICY, pin, DIRECTORY, owned).steps
    assert without.approvers == step.approvers[1:] != ()


def test_a_preview_counts_that_a_lower_discount_brings_the_margin_up():
    # Base 1000, net 820, margin 20 %: cost 656, so 10 % of discount leaves 27 %; the 10 % bind.
    thin = Question(
        selling_unit="emea-direct",
        sales_discount_percent=Percent("18"),
        margin_percent=Percent("20"),
    )
    assert largest_without_approval(POLICY, thin).sales_discount_percent == Percent("10.00")
    # Margin 15 %: cost 697. At 7.07 % the price is 929.30 and the margin 24.997 %, measured as 25.00;
    # at 7.08 % it is 24.989 %, measured as 24.99.
    thinner = thin.model_copy(update={"margin_percent": Percent("15")})
    assert largest_without_approval(POLICY, thinner).sales_discount_percent == Percent("7.07")


def test_a_preview_says_none_where_no_discount_would_do():
    losing = Question(
        selling_unit="emea-direct",
        sales_discount_percent=Percent("0"),
        margin_percent=Percent("10"),
    )
    assert largest_without_approval(POLICY, losing) is None


@settings(max_examples=60)
@given(
    st.decimals(min_value=0, max_value="99.99", places=2),
    st.decimals(min_value=-50, max_value=90, places=2),
)
def test_what_a_preview_offers_needs_nobody_and_one_hundredth_more_needs_somebody(
    discount, margin_percent
):
    question = Question(
        selling_unit="emea-direct",
        sales_discount_percent=Percent(discount),
        margin_percent=Percent(margin_percent),
    )
    found = largest_without_approval(POLICY, question)
    cost = (100 - discount) * (100 - margin_percent)

    def needs(at: Decimal) -> str:
        price = (100 - at) * 100
        then = f"{share(price - cost, price).root}"
        return assess(POLICY, "emea-direct", measures(f"{at}", then, then)).plan.id

    at = found.sales_discount_percent.root if found else Decimal("-0.01")
    assert found is None or needs(at) == "nobody"
    assert needs(at + Decimal("0.01")) != "nobody"
