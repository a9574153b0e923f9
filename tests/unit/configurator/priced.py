"""Pump skids with parts, prices and lead days, and an oracle that adds them up point by point."""

from datetime import date
from fractions import Fraction
from pathlib import Path

from hypothesis import strategies as st

from contracts.pricing import PriceColumn, UnitPrice
from contracts.values import Money, Pin
from infra.ask import PeerUnavailable
from services.configurator.domain.language.expression import parse
from services.configurator.domain.language.model import Part
from services.configurator.domain.products.product import bind
from services.pricer import books
from services.pricer import handlers as pricer
from services.pricer.domain.asks.ask import ColumnAsk
from tests.unit.configurator.small import a_pump, value_of
from tests.unit.configurator.test_configurator_laws import models

OPTIONS = [
    "pump.low",
    "pump.mid",
    "pump.high",
    "motor.small",
    "motor.medium",
    "motor.big",
    "extras.sensor",
    "extras.valve",
    "stages",
    "outdoor",
]
QUANTITIES = [
    "1",
    "2",
    "stages",
    "stages + 1",
    "count(extras)",
    "if(outdoor, 2, 1)",
    "stages * (count(extras) + 1)",
    "motor.power / 450[W]",
    "max(0, 2 - stages)",
]
SKUS = ["A", "B", "C", "D"]
BOOKS = books.load(Path(__file__).parents[3] / "catalogs" / "telecom")
PIN = Pin(id="book", version=1, sha256="0" * 64)


def the_parts(days=None):
    return {
        sku: Part(sku=sku, name=sku, kind="hardware", lead_days=(days or {}).get(sku))
        for sku in SKUS
    }


def with_parts(days=None, **tree):
    return bind(a_pump(**tree), the_parts(days))


def a_column(prices, additive=frozenset(SKUS)):
    """Prices as texts by SKU; those that are not named are missing."""
    return PriceColumn(
        book=PIN,
        fx=PIN,
        currency="EUR",
        day=date(2026, 11, 28),
        prices=[
            UnitPrice(
                sku=sku,
                unit="pcs",
                charge="one_time",
                list_unit=Money.of(amount, "EUR"),
                additive=sku in additive,
            )
            for sku, amount in prices.items()
        ],
        missing=[sku for sku in SKUS if sku not in prices],
    )


def line(option, sku, quantity="1"):
    return {"option": option, "sku": sku, "quantity": quantity}


@st.composite
def priced_models(draw):
    """A model with rules, budgets and a bill of materials."""
    lines = st.builds(
        line, st.sampled_from(OPTIONS), st.sampled_from(SKUS), st.sampled_from(QUANTITIES)
    )
    return {**draw(models()), "bill_of_materials": draw(st.lists(lines, max_size=9))}


AMOUNTS = st.sampled_from(["0", "1", "1.50", "99.99", "100", "0.333333", "250"])
PRICES = st.dictionaries(st.sampled_from(SKUS), AMOUNTS)
ADDITIVE = st.frozensets(st.sampled_from(SKUS))
DAYS = st.dictionaries(st.sampled_from(SKUS), st.integers(0, 4).map(lambda each: each * 7))


def bill(model, point):
    """The parts of a point by plain evaluation: SKU and quantity, rounded half up to thousandths."""
    found = []
    for each in model.bill_of_materials:
        name, _, option = each.option.partition(".")
        answer = point[name]
        if isinstance(answer, frozenset):
            wanted = option in answer
        elif option:
            wanted = answer == option
        else:
            wanted = answer > 0
        amount = Fraction(value_of(parse(each.quantity), point, model))
        quantity = Fraction(int(amount * 1000 + Fraction(1, 2)), 1000)
        if wanted and quantity:
            found.append((each.sku, quantity))
    return found


def total(model, point, column):
    """The exact list price of a point, and how many lines of it are not additive or have none."""
    units = {each.sku: each for each in column.prices}
    lines = bill(model, point)
    amount = sum(
        (Fraction(units[sku].list_unit.amount) * many for sku, many in lines if sku in units),
        Fraction(0),
    )
    return amount, sum(sku not in units or not units[sku].additive for sku, _ in lines)


def days_of(model, point, days):
    return max((days.get(sku, 0) for sku, _ in bill(model, point)), default=0)


class Pricer:
    """Stands where the pricer is: asks the real one in this process, or is away."""

    def __init__(self, away=False):
        self.away = away
        self.asked = []

    def ask(self, service, method, path, json=None, headers=None):
        del headers
        self.asked.append((service, method, path, json))
        if self.away:
            raise PeerUnavailable(f"{service} is not available now", peer=service)
        found = pricer.column(ColumnAsk.model_validate(json), BOOKS)
        return found.model_dump_json().encode()
