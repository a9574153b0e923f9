"""The walk of one quote through the desk: from an opportunity to the presented offer."""

from tests.unit.quotes.bench import Bench, names


def test_an_opportunity_with_requirements_walks_to_the_presented_quote_untouched(
    bench: Bench,
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
