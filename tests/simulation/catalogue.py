"""What is sold in a run: the telecom catalogue, loaded once, and wishes to draw from it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from contracts.values import Value
from services.approvals import policy
from services.configurator import handlers as configuring
from services.configurator import shelf
from services.documents import brands
from services.documents.domain.page import Page
from services.documents.render import Printed
from services.pricer import books
from services.pricer import handlers as pricing
from services.quotes import units

CATALOG = Path(__file__).resolve().parents[2] / "catalogs" / "telecom"
DISCOUNTS = ("0", "0", "4", "8", "13", "18", "30", "55")
UNITS = (*("emea-direct",) * 5, *("americas-direct",) * 2, *("apac-partner",) * 2, "nowhere")
REGIONS = (*("EMEA",) * 6, "APAC", "NAM", "ATLANTIS")


class NoLayout:
    """A renderer that prints the page model as text: the same page, the same bytes."""

    def render(self, page: Page) -> Printed:
        return Printed(b"%PDF-plain " + repr(page).encode(), 1, "plain", 0.0)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The compiled catalogue; immutable, so every run shares it."""

    units: Any
    authority: Any
    products: Any
    books: Any
    stationery: Any
    examples: dict[str, list[dict[str, Any]]]


@cache
def load() -> Catalogue:
    """Return the catalogue, compiled once per process."""
    examples = yaml.safe_load((CATALOG / "examples.yaml").read_text(encoding="utf-8"))
    return Catalogue(
        units=units.load(CATALOG),
        authority=policy.load(CATALOG),
        products=shelf.load(CATALOG),
        books=books.load(CATALOG),
        stationery=brands.load(CATALOG),
        examples={each["name"]: each["items"] for each in examples["examples"]},
    )


@contextmanager
def remembered_answers() -> Iterator[None]:
    """Answer equal questions of configurator and pricer once per process.

    Both are pure, so nothing is hidden; a run's time goes into plumbing instead of solving.
    """
    before = configuring.configure, pricing.price
    configuring.configure, pricing.price = _configure, _price
    try:
        yield
    finally:
        configuring.configure, pricing.price = before


def _remembering(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Remember answers by the question and by which models and books they were given from."""
    known: dict[Any, Any] = {}

    def asked(*question: Any) -> Any:
        place = tuple(each if isinstance(each, Value) else id(each) for each in question)
        if place not in known:
            known[place] = answer(*question)
        return known[place]

    return asked


_configure = _remembering(configuring.configure)
_price = _remembering(pricing.price)


def wish(rng: Random) -> list[dict[str, Any]]:
    """Draw items as a CRM sends requirements; some contradict, some leave questions open."""
    examples = load().examples
    items = [
        dict(rng.choice(examples["street_micro"])),
        dict(rng.choice(examples["street_micro"])),
        dict(examples["rural_lte"][1]),
        dict(examples["city_macro"][0]),
    ]
    item = rng.choice(items)
    item["quantity"] = rng.choice(("1", "4", "40"))
    spoiled = rng.random()
    if spoiled < 0.06:
        item["product"] = "time_machine"
    elif spoiled < 0.14:
        item["decisions"] = item["decisions"][:1]
    elif spoiled < 0.2 and item["product"] == "microwave_link":
        item["decisions"] = [
            {"attribute": "hop", "value": "km30", "source": "requirement"},
            {"attribute": "band", "value": "ghz80", "source": "requirement"},
            {"attribute": "availability", "value": "p99999", "source": "requirement"},
        ]
    twice = rng.random() < 0.05
    return [item, item] if twice else [item]


def discounts(rng: Random) -> list[dict[str, str]]:
    """Draw no discount or one on the whole quote, below or above a seller's authority."""
    percent = rng.choice(DISCOUNTS)
    return [] if percent == "0" else [{"percent": percent, "rationale": "Reference customer"}]
