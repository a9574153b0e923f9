"""The guided page: an item's questions as judged, with what follows from the answers beside them.

The answers so far stand in the form (`resuming` keeps them in a session); every post draws what
follows anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache, partial
from typing import Any

from fastapi import Request
from starlette.responses import Response

from contracts.charges import say_charge
from contracts.configuration import ConfiguredItem, Decision, RequestedItem
from contracts.errors import QuotewrightError
from infra.pages import Pages, follows, form
from services.configurator.counter import Counter
from services.configurator.domain.answers.guiding import steps, text_of, waiting
from services.configurator.domain.answers.mending import mends
from services.configurator.domain.answers.options import judged, standing
from services.configurator.domain.answers.states import OptionsAnswer
from services.configurator.domain.prices.reasons import why
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.decisions import binding
from services.configurator.domain.products.product import Product
from services.configurator.pages import reading, unfolding
from services.configurator.pages.addresses import Asking
from services.configurator.pages.beside import Beside, configured
from services.configurator.pages.reading import About
from services.configurator.pages.setting import Setting

JUDGED_MAX = 64
MENDED_MAX = 4096
# Of so many values, the prices of one question are found in a fraction of a second.
VALUES_AT_HAND = 400
# The field that names the question whose answers are to be priced.
PRICES = "prices"
NOTHING_YET = {"price": None, "price_words": "", "approval": None, "approval_words": ""}
BADGES = {
    "clash": ("Does not go together", "bad"),
    "open": ("To answer", "warn"),
    "answered": ("Answered", "good"),
    "fixed": ("Follows", "busy"),
    "proposed": ("Proposed", "plain"),
}

# A page is drawn again for a quantity, a discount or a search, with the same answers as before.
_standing = lru_cache(JUDGED_MAX)(standing)
_mends = lru_cache(MENDED_MAX)(mends)


@dataclass(slots=True)
class Filled:
    """What the form says, read against the model; `lost` are stored answers of an older model."""

    product: Product
    decisions: tuple[Decision, ...]
    about: About
    stored: tuple[Decision, ...] = ()
    lost: tuple[str, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)

    def item(self, item_id: str) -> RequestedItem | None:
        """Return the item as asked for, or say in `errors` why there is none."""
        quantity = self.about.amount(self.product, self.errors)
        label = self.about.named(self.errors)
        if quantity is None or "label" in self.errors:
            return None
        return RequestedItem(
            item_id=item_id,
            product=self.product.model.id,
            quantity=quantity,
            decisions=self.decisions,
            label=label,
        )


class GuidePages:
    """Draws the guided page."""

    def __init__(
        self, pages: Pages, catalogue: Catalogue, beside: Beside, counter: Counter
    ) -> None:
        self.pages = pages
        self.catalogue = catalogue
        self.beside = beside
        self._counter = counter

    def show(
        self,
        asking: Asking,
        fault: QuotewrightError | None = None,
        filled: Filled | None = None,
    ) -> Response:
        """Draw the page; while no product is chosen, the products; or why nothing can be done.

        `filled` is the form, where somebody has read it already.
        """
        request, setting = asking.request, asking.setting
        status = fault.status if fault else 200
        if words := setting.closed():
            told = {"setting": setting, "words": words}
            return self.pages.show(request, "closed.html", status, **told)
        name = chosen(request, setting)
        if not name:
            found = [each.model for each in self.catalogue.products(asking.day)]
            return self.pages.show(request, "products.html", setting=setting, products=found)
        product = self.catalogue.product(name, asking.day)
        filled = filled or self.filled(request, setting, product)
        told = {"setting": setting, "product": product.model, "about": filled.about}
        told |= {"caller": asking.caller.id, "fault": fault}
        if setting.kept.newer:
            piece = "guide_moving.html"
        else:
            piece = "guide_form.html"
            if setting.kept.decisions is not None:
                filled.decisions = setting.kept.decisions
            told |= self._told(asking, filled)
        if fault and (once := form(request).get("once")):
            told["once"] = once  # sent again, it is the same command
        template = piece if follows(request) else "guide.html"
        return self.pages.show(request, template, status, piece=piece, **told)

    def filled(self, request: Request, setting: Setting, product: Product) -> Filled:
        """Read the form, or on a first visit what the quote holds."""
        given = form(request) if request.method == "POST" else None
        stored, lost = reading.fitting(product, setting.item.decisions if setting.item else ())
        if given is None or "quantity" not in given:
            about = About.stored(setting.item, setting.discount) if setting.item else About()
            return Filled(product, stored, about, stored, lost)
        found = Filled(product, (), About.of(given), stored, lost)
        mended = reading.mended(product, given)
        found.decisions = reading.answers(product, mended, stored, found.errors)
        return found

    def _told(self, asking: Asking, filled: Filled) -> dict[str, Any]:
        request, setting, product = asking.request, asking.setting, filled.product
        asked = (asking.caller.actor, asking.day)
        given = unfolding.bounded(form(request)) if request.method == "POST" else {}
        decisions = binding(product, filled.decisions)
        at = _standing(product, decisions)
        opened = unfolding.opened(product, at, given, filled.errors)
        shown = opened | unfolding.searched(product, given.get("find", ""))
        found = _judged(product, decisions, shown)
        item_id = setting.item_id(product.model.id)
        item = filled.item(item_id)
        discount = filled.about.discount(item_id, filled.errors)
        done = self._completed(found, item, asked[1])
        beside: dict[str, Any] = {}
        if done:
            discounts = setting.with_discount(item_id, discount)
            beside = self.beside.told(setting, done, discounts, asked)
        return {
            **questions(filled, found, given),
            "more": _more(product, decisions, found, given),
            "prices_come": _values(product) <= VALUES_AT_HAND,
            "priced": self._priced(asking, filled, given.get(PRICES, "")),
            "remaining": self._counter.at_hand(product, decisions) if found.valid else None,
            "opened": opened,
            "judged": found,
            "done": done,
            "errors": filled.errors,
            "lost": filled.lost,
            "field": reading.field,
            "place_of": reading.place_of,
            "matching": unfolding.matching,
            "badges": BADGES,
            "say_charge": say_charge,
            **NOTHING_YET,
            **beside,
        }

    def _priced(self, asking: Asking, filled: Filled, name: str) -> dict[str, Any] | None:
        """Return the prices that a page without scripts asked for, of a question that there is."""
        if name not in filled.product.space.attributes:
            return None
        asked = (name, asking.day)
        try:
            found = self.beside.options.told(
                asking.setting, filled.product, filled.decisions, asked
            )
        except QuotewrightError as fault:
            found = {"words": f"Prices can not be had now: {fault.message}.", "rows": []}
        return {"name": name, "plain": True, **found}

    def _completed(
        self, judged: OptionsAnswer, item: RequestedItem | None, day: date
    ) -> ConfiguredItem | None:
        if item is None or not judged.complete:
            return None
        answer = configured(self.catalogue, item, day)
        # Rejected only if undecided within the bound; putting it into the quote says so.
        return answer if isinstance(answer, ConfiguredItem) else None


def chosen(request: Request, setting: Setting) -> str:
    """Return the product: that of the item, or the one chosen for a new item."""
    if setting.item:
        return setting.item.product
    given: Mapping[str, str] = form(request) if request.method == "POST" else request.query_params
    return given.get("product", "")


def questions(filled: Filled, judged: OptionsAnswer, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the questions, which one is next, and which of them are searched for."""
    product, decisions = filled.product, filled.decisions
    found = steps(product, judged, decisions, partial(_mends, product, decisions))
    wanted = given.get("find", "")
    return {
        "steps": found,
        "next": waiting(found),
        "labels": {each.attribute: each.label for each in judged.attributes},
        "find_all": wanted,
        "passed_over": unfolding.passed_over(found, wanted),
        "find": {name: text for name, text in given.items() if name.startswith("s-")},
    }


@lru_cache(JUDGED_MAX)
def _judged(
    product: Product, decisions: tuple[Decision, ...], shown: frozenset[str]
) -> OptionsAnswer:
    return judged(product, _standing(product, decisions), shown)


def _values(product: Product) -> int:
    return sum(len(each.values) for each in product.space.variables)


def _more(
    product: Product, decisions: Sequence[Decision], found: OptionsAnswer, given: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Return all reasons against the option that somebody asked about, by question and option."""
    asked = given.get("more", "")
    name, _, value = asked.partition(" ")
    for state in found.attributes:
        for each in state.options:
            if state.attribute == name and text_of(each.option) == value and each.conflicts_with:
                whole = why(product, decisions, name, each.option)
                return {asked: tuple(reason.message for reason in whole.reasons)}
    return {}
