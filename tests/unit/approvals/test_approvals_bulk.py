"""Many terms at once: the same verdict as one at a time, in their order, without a fact."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.approvals.domain.bulk import TERMS_MAX, BulkQuestion, preview_all
from services.approvals.domain.policy import assess
from services.approvals.policy import load

AUTHORITY = load(Path(__file__).parents[3] / "catalogs" / "telecom")
PUBLISHED = AUTHORITY.policies[-1]
percents = st.decimals(-50, 100, places=2).map(str)
terms = st.fixed_dictionaries(
    {
        "selling_unit": st.sampled_from(("*", "emea-networks", "nobody-knows-it")),
        "sales_discount_percent": percents,
        "margin_percent": percents,
        "worst_line_margin_percent": percents,
        "guardrail_breaches": st.integers(0, 5),
    }
)


@settings(max_examples=50, deadline=None)
@given(st.lists(terms, min_size=1, max_size=30))
def test_the_levels_are_those_of_the_policy(asked: list[dict[str, Any]]) -> None:
    question = BulkQuestion.model_validate({"terms": asked})
    found = preview_all(PUBLISHED.policy, PUBLISHED.pin, question)
    assert found.policy == PUBLISHED.pin
    assert [*found.levels] == [
        assess(PUBLISHED.policy, each.selling_unit, each).plan.steps for each in question.terms
    ]


def test_terms_without_a_selling_unit_are_judged_for_every_unit() -> None:
    mild = {"sales_discount_percent": "0", "margin_percent": "60", "guardrail_breaches": 0}
    mild |= {"worst_line_margin_percent": "60"}
    harsh = mild | {"sales_discount_percent": "60", "margin_percent": "-5"}
    question = BulkQuestion.model_validate({"terms": [mild, harsh]})
    levels = preview_all(PUBLISHED.policy, PUBLISHED.pin, question).levels
    assert levels[0] == ()
    assert levels[1]


@pytest.mark.parametrize("count", [0, TERMS_MAX + 1])
def test_the_number_of_terms_has_a_bound(count: int) -> None:
    one = {"sales_discount_percent": "0", "margin_percent": "60", "guardrail_breaches": 0}
    one |= {"worst_line_margin_percent": "60"}
    with pytest.raises(ValidationError):
        BulkQuestion.model_validate({"terms": [one] * count})
