"""The price book of docs/howto/write-a-price-book.md is what it says it is."""

import re
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from services.pricer.domain.books.book import FxPair, read_book
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.books.price_models import PriceModel
from services.pricer.domain.books.rules import Condition, Effect
from services.pricer.domain.lint.lint import Part, lint_book
from services.pricer.domain.prices.pricing import price
from tests.unit.pricer.basket import an_ask, an_item, nets, the_fx

HOWTO = Path(__file__).parents[3] / "docs" / "howto" / "write-a-price-book.md"
TEXT = HOWTO.read_text(encoding="utf-8")
BOOK = read_book(yaml.safe_load(re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL).group(1)))


def priced(*parts, **context):
    item = an_item(*parts) | {"parameters": [{"name": "band", "value": "n78"}]}
    ask = an_ask(item, **{"currency": "EUR", "account_id": "acct-2", **context})
    return price(ask, compile_book(BOOK), the_fx())


def test_the_book_of_the_guide_prices_as_its_words_say():
    """12 radios at 3300: 9 whole and 3 less 10 %, so 38610; 5 % for gold, 2 % of the order."""
    found = priced(("RRU", "12"), ("SUPPORT", "1"), customer_tier="gold")
    # 38610 less 5 % is 36679.50; 12 % of that is 4401.54; the order takes 733.59 off the radios
    assert nets(found) == ["35945.91 EUR", "4401.54 EUR", "0.00 EUR"]
    assert [(line.sku, str(line.quantity)) for line in found.lines][2] == ("CABLE", "30")
    assert str(found.internal.pocket) == "39987.99 EUR"


def test_its_tiers_packages_blocks_and_units():
    found = priced(("CABLE", "1000.5"), ("PORTS", "17"), ("API", "150000"))
    assert nets(found) == ["1900.95 EUR", "300.00 EUR", "70.00 EUR"]
    assert [line.estimate for line in found.lines] == [False, False, True]


def test_its_charge_by_the_quarter_over_a_term():
    found = priced(("WATCH", "2"), terms=[{"months": 12}])
    assert [(line.charge, str(line.net_total)) for line in found.lines] == [
        ("quarterly", "360.00 EUR")
    ]
    assert str(found.totals.term.tcv) == "1440.00 EUR"


def test_its_contract_and_its_floor():
    assert nets(priced(("RRU", "1"), account_id="acct-1")) == ["2800.00 EUR"]
    assert nets(priced(("RRU", "1"), partner="P-7")) == ["3201.00 EUR"]


def test_the_lint_has_nothing_to_say_of_it_but_a_price_cliff():
    parts = {each.sku: Part(each.sku, each.unit, each.charge) for each in BOOK.entries}
    pairs = (FxPair(base="EUR", quote="CHF", rate="0.95"),)
    fx = the_fx().but({"pairs": pairs})
    assert [each.place for each in lint_book(BOOK, parts, [fx])] == ["entries.CABLE.price"]


def test_every_model_condition_and_effect_of_the_language_is_in_the_guide():
    words = {*_kinds(PriceModel), *_kinds(Effect), *Condition.model_fields}
    assert len(words) > 30
    assert {word for word in words if f"`{word}`" not in TEXT} == set()


def _kinds(union):
    """The words that tell the members of a union apart."""
    schema = TypeAdapter(union).json_schema()
    return set(schema["discriminator"]["mapping"])
