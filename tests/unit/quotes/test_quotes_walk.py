"""The walk of one quote through the desk: from an opportunity to the presented offer."""

from typing import Any


def names(facts: list[Any]) -> list[str]:
    """Return the class names, in order."""
    return [type(each).__name__ for each in facts]


def test_an_opportunity_with_requirements_walks_to_the_presented_quote_untouched(
    bench: Any,
) -> None:
    said = bench.hear(bench.opened(bench.item()))
    quote_id = bench.deal().quotes[0].quote_id
    assert names(said) == ["DealOpened", "QuoteAdded", "QuoteDrafted", "ConfigurationRequested"]

    bench.settle(quote_id)

    assert names(bench.facts(quote_id)) == [
        "QuoteDrafted",
        "ConfigurationRequested",
        "PricingRequested",
        "RevisionPriced",
        "RevisionSubmitted",
        "RevisionApproved",
        "DocumentRequested",
        "DocumentAttached",
        "QuotePresented",
    ]
