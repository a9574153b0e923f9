"""The price tester: pick a customer, a day and a basket, and see the waterfall of every line."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from contracts import places
from contracts.errors import NotFound, Refused
from contracts.pricing import LineProblem
from contracts.values import Day, ExactDecimal, plain_decimal
from infra.auth import Principal
from infra.pages import FormInvalid, Pages, filled, follows, page_router, reader
from services.pricer.api import view_for
from services.pricer.authoring import Author
from services.pricer.books import BookRefused, Shelf, VersionRefused
from services.pricer.domain.asks.ask import PriceAsk, Priced, Unpriced
from services.pricer.domain.asks.trace import shown
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.lint.lint import errors_of
from services.pricer.domain.prices.pricing import price
from services.pricer.domain.releases.releasing import Release
from services.pricer.library import Library
from services.pricer.pages.bars import drawn
from services.pricer.pages.frame import Insider

PARTS_FIRST, PARTS_MAX = 3, 40
NO_NUMBER = "Write a number, as 12 or 2.5."
OFFERED_MAX = 2000


class Tried(BaseModel):
    """What is picked: by whom it is bought, where, when, with which version, with what off."""

    model_config = ConfigDict(extra="ignore")

    book: str = Field(default="", max_length=120)
    day: Day
    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    customer_tier: str = Field(default="", max_length=100)
    region: str = Field(default="", max_length=100)
    account_id: str = Field(default="", max_length=200)
    segment: str = Field(default="", max_length=100)
    channel: str = Field(default="", max_length=100)
    discount: ExactDecimal | None = Field(default=None, ge=0, le=100)


def routes(author: Author, library: Library, pages: Pages) -> APIRouter:
    """Return the page of the price tester."""
    router = page_router()
    desk = TesterPages(author, library, pages)

    @router.get(places.PRICE_TESTER)
    def tester(request: Request, caller: Insider) -> Response:
        """Show the tester, with the price of what is picked; its script asks for that alone."""
        return desk.show(request, caller)

    return router


class TesterPages:
    """Draws the price tester."""

    def __init__(self, author: Author, library: Library, pages: Pages) -> None:
        self._author = author
        self._library = library
        self._pages = pages

    def show(self, request: Request, caller: Principal) -> Response:
        """Draw the tester; what can not be priced is said beside what can."""
        values = dict(request.query_params)
        today = request.app.state.clock().date()
        more: dict[str, Any] = {"fault": None, "errors": {}, "result": None}
        try:
            typed = {name: it for name, it in values.items() if it}
            more |= self._usual(typed, today)
            if "discount" in typed:
                typed["discount"] = reader(request).typed(typed["discount"])
            asked = filled(Tried, {"day": today.isoformat()} | typed)
            shelf = self._library.now()
            book = self._book(asked, shelf)
            more |= _choices(book)
            parts = _parts(values, reader(request).typed)
            _check(parts)
            if parts:
                more["result"] = _result(_ask(asked, book, parts.values()), (book, shelf), caller)
        except (Refused, NotFound) as fault:
            more |= {"fault": fault, "errors": _errors_of(fault)}
        more |= {"values": {"day": today.isoformat()} | values, "rows": _rows(values)}
        more["releases"] = releases = self._library.releases("book")
        more["known"] = {f"{it.id}/{it.version}" for it in releases}
        name = "price_tested.html" if follows(request) else "price_tester.html"
        return self._pages.show(request, name, **more)

    def _usual(self, typed: Mapping[str, str], today: date) -> dict[str, Any]:
        """Return what is offered while something typed is wrong, so that what is picked stays."""
        for name in (typed.get("book", ""), ""):
            try:
                return _choices(self._book(Tried(book=name, day=today), self._library.now()))
            except (Refused, NotFound, ValueError):
                continue
        return {"offered": None}

    def _book(self, asked: Tried, shelf: Shelf) -> CompiledBook:
        """Return the version that is picked, a draft too, or what prices on the day.

        Raises: BookUnknown, BookRefused, VersionRefused.
        """
        if not asked.book:
            return shelf.book(None, asked.day)
        name, _, version = asked.book.rpartition("/")
        number = int(version) if version.isdecimal() and len(version) < 10 else 0
        release = self._library.release("book", (name, number))
        if release.status == "draft":
            self._sound(release)
        return self._library.compiled(release)

    def _sound(self, release: Release) -> None:
        errors = errors_of(self._author.lint(self._library.document(release)))
        if errors:
            said = [str(each) for each in errors[:20]]
            text = f"{release.title} has errors, so it can not price: {said[0]}"
            raise BookRefused(text, findings=said)


def _choices(book: CompiledBook) -> dict[str, Any]:
    return {"offered": book.book, "skus": list(book.offers)[:OFFERED_MAX]}


def _errors_of(fault: Refused | NotFound) -> Mapping[str, str]:
    if isinstance(fault, FormInvalid):
        return fault.errors
    if isinstance(fault, NotFound):
        return {"book": "It is there no longer; choose another one."}
    return {"book": fault.message} if isinstance(fault, BookRefused) else {}


def _rows(values: Mapping[str, str]) -> list[int]:
    """Return the numbers of the rows for parts: those that are filled, and some more."""
    filled_to = max(
        (int(name[4:]) for name, it in values.items() if _is_part(name) and it), default=0
    )
    rows = max(PARTS_FIRST, filled_to + 1)
    return list(range(1, min(rows, PARTS_MAX) + 1))


def _is_part(name: str) -> bool:
    return name.startswith("part") and name[4:].isdecimal() and len(name) < 8


def _parts(values: Mapping[str, str], typed: Any) -> dict[int, dict[str, str]]:
    """Return the basket by row: rows that name a part; a quantity that is left out is one."""
    found = {}
    for number in range(1, PARTS_MAX + 1):
        sku = values.get(f"part{number}", "").strip()
        if sku:
            quantity = typed(values.get(f"quantity{number}", "").strip() or "1")
            found[number] = {"sku": sku[:100], "name": sku[:100], "quantity": quantity[:40]}
    return found


def _check(parts: Mapping[int, dict[str, str]]) -> None:
    """Refuse quantities that are no numbers, each beside its field.   Raises: FormInvalid."""
    wrong = {}
    for number, part in parts.items():
        try:
            plain_decimal(part["quantity"])
        except ValueError:
            wrong[f"quantity{number}"] = NO_NUMBER
    if wrong:
        raise FormInvalid(wrong)


def _ask(asked: Tried, book: CompiledBook, parts: Iterable[dict[str, str]]) -> PriceAsk:
    """Return what is asked of the engine.   Raises: FormInvalid."""
    discounts = []
    if asked.discount:
        discounts = [{"percent": f"{asked.discount:f}", "rationale": "tried in the price tester"}]
    item = {"item_id": "basket", "product": "-", "quantity": "1", "bill_of_materials": list(parts)}
    tree = {
        "items": [item],
        "account_id": asked.account_id or "-",
        "customer_tier": asked.customer_tier or book.book.tiers[0],
        "region": asked.region or book.book.regions[0],
        "currency": asked.currency or book.book.currency,
        "day": asked.day,
        "discounts": discounts,
        "segment": asked.segment or None,
        "channel": asked.channel or None,
    }
    try:
        return PriceAsk.model_validate(tree)
    except ValueError:
        text = "nothing can be asked of the engine like this; look at tier, region and currency"
        raise FormInvalid({}, text) from None


def _result(ask: PriceAsk, known: tuple[CompiledBook, Shelf], caller: Principal) -> dict[str, Any]:
    """Price, and return what the page shows: lines, steps, problems, totals."""
    book, shelf = known
    try:
        fx = shelf.fx(None, ask.day)
    except VersionRefused as fault:
        return {"problems": [fault.message], "lines": [], "tree": None}
    found = price(ask, book, fx)
    problems: tuple[LineProblem, ...] = ()
    priced: Priced | None
    if isinstance(found, Unpriced):
        problems, priced = found.problems, found.rest
    else:
        priced = found
    said = [each.message for each in problems]
    if priced is None:
        return {"problems": said, "lines": [], "tree": None}
    tree = shown(json.loads(priced.trace), view_for(caller, None))
    lines = [{**line, "drawn": drawn(line)} for line in tree["lines"]]
    totals = priced.totals.model_dump(mode="json")
    return {"problems": said, "lines": lines, "tree": tree, "totals": totals}
